"""Every way to hand the product a model that is not the one it trained."""

import json
import os
import pickle
import shutil
from pathlib import Path

import joblib
import pytest

from ml_models import sealing
from ml_models.pickled import PickledModel, WrongLibrariesError
from ml_models.registry import ReleaseExistsError, ReleaseMissingError, ReleaseStore
from ml_models.sealing import CHUNK_SIZE, PREFIX_SIZE, TAG_SIZE, ReleaseKeys, SealBroken, generate_keys, seal

PART = "model.joblib.sealed"
ONNX = "model.onnx.sealed"
STORED_CHUNK = CHUNK_SIZE + TAG_SIZE


class Evil:
    """A pickle that leaves a file behind when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.fixture
def forgery(release, tmp_path):
    """A copy of the release to tamper with."""
    store = ReleaseStore(tmp_path / "store")
    shutil.copytree(release.store.folder, store.folder)
    return store


@pytest.fixture(autouse=True)
def nothing_is_unpickled(release, monkeypatch, request):
    """Reading the pickle at all, before a refusal, is the failure that matters."""
    if "unpickles" not in request.keywords:
        monkeypatch.setattr("joblib.load", lambda *_: pytest.fail("unpickled"))


def path_of(store, release, name=PART):
    return store.folder / release.manifest.name / release.manifest.version / name


def change(path, alter):
    path.write_bytes(alter(path.read_bytes()))


def open_pickled(store, release, **changed):
    manifest = release.manifest
    which = {"name": manifest.name, "version": manifest.version, "expected_sha256": manifest.sha256}
    return store.open_pickled(**which | {"keys": release.keys} | changed)


def assert_refused(store, release, *reasons, **changed):
    with pytest.raises(SealBroken) as refusal:
        open_pickled(store, release, **changed)
    assert refusal.value.reason in reasons


def chunks(content):
    body = content[PREFIX_SIZE:]
    return content[:PREFIX_SIZE], [
        body[start : start + STORED_CHUNK] for start in range(0, len(body), STORED_CHUNK)
    ]


def swap_chunks(content):
    prefix, parts = chunks(content)
    return prefix + b"".join([parts[1], parts[0], *parts[2:]])


def drop_last_chunk(content):
    prefix, parts = chunks(content)
    return prefix + b"".join(parts[:-1])


def flip(position):
    def flipped(content):
        changed = bytearray(content)
        changed[position] ^= 1
        return bytes(changed)

    return flipped


TAMPERINGS = {
    "two chunks swapped": swap_chunks,
    "the last chunk dropped": drop_last_chunk,
    "cut in a chunk": lambda content: content[:-1],
    "a byte appended": lambda content: content + b"\0",
    "emptied": lambda content: content[:0],
    "a bit of the prefix flipped": flip(0),
    "a bit of the first chunk flipped": flip(PREFIX_SIZE),
    "a bit of the last tag flipped": flip(-1),
}


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS)
def test_an_altered_file_is_refused(forgery, release, tampering):
    change(path_of(forgery, release), tampering)
    assert_refused(forgery, release, "altered")


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS)
def test_the_encryption_alone_refuses_an_altered_file_too(release, tampering):
    """Behind the signed digest stands the authenticated stream; here without the former."""
    manifest = (release.folder / "manifest.json").read_bytes()
    _, sealed = sealing.verify(manifest, (release.folder / "seal.json").read_bytes(), release.keys)
    changed = tampering((release.folder / PART).read_bytes())
    associated = sealing._associated(sealed.manifest_sha256, "pickle")
    with pytest.raises(SealBroken, match="altered"):
        sealing._decrypted(changed, sealed.pickle, associated, release.keys)


def test_the_pickle_does_not_open_as_the_other_part(forgery, release):
    shutil.copy(path_of(forgery, release, ONNX), path_of(forgery, release))
    assert_refused(forgery, release, "altered")


def test_an_evil_pickle_signed_by_another_key_is_refused_before_it_is_read(forgery, release, tmp_path):
    trap, theirs = tmp_path / "trap", generate_keys()
    evil = pickle.dumps(Evil(trap))
    part = release.manifest.parts.pickle.model_copy(
        update={"sha256": sealing._sha256(evil), "size": len(evil)}
    )
    parts = release.manifest.parts.model_copy(update={"pickle": part})
    onnx = sealing.open_part("onnx", *stored(release, ONNX), expected(release), release.keys)[0]
    # They know the key-encryption key, but cannot sign for us.
    keys = ReleaseKeys(release.keys.encryption, theirs.public, theirs.signing)
    forged = seal(fresh(release.manifest, parts=parts), evil, onnx, keys)
    shutil.rmtree(path_of(forgery, release).parent)
    forgery.save(forged)
    assert_refused(forgery, release, "bad_signature")
    assert not trap.exists()


def test_even_signed_by_us_another_release_than_the_expected_one_is_refused(forgery, release):
    """A downgrade: validly signed, but not what the database names."""
    assert_refused(forgery, release, "wrong_release", expected_sha256="0" * 64)


def test_a_release_under_another_version_is_refused(forgery, release):
    path = path_of(forgery, release).parent
    path.rename(path.with_name("9.9.9"))
    assert_refused(forgery, release, "wrong_release", version="9.9.9")
    with pytest.raises(SealBroken, match="wrong_release"):
        forgery.manifest(release.manifest.name, "9.9.9", release.keys)


def test_a_release_under_another_name_is_refused(forgery, release):
    path = path_of(forgery, release).parent.parent
    path.rename(path.with_name("other"))
    assert_refused(forgery, release, "wrong_release", name="other")


def test_an_edited_manifest_is_refused(forgery, release):
    change(
        path_of(forgery, release, "manifest.json"),
        lambda text: text.replace(b"Research use", b"Clinical use"),
    )
    assert_refused(forgery, release, "bad_signature")
    with pytest.raises(SealBroken):
        forgery.manifest(release.manifest.name, release.manifest.version, release.keys)


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!"])
def test_without_a_signature_nothing_opens(forgery, release, signature):
    path = path_of(forgery, release, "seal.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"signature": signature}))
    assert_refused(forgery, release, "bad_signature", "unreadable")


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff\xfe"])
def test_a_seal_that_is_none_is_refused(forgery, release, text):
    path_of(forgery, release, "seal.json").write_bytes(text)
    assert_refused(forgery, release, "unreadable")


@pytest.mark.parametrize(
    ("file", "limit"),
    [
        (PART, "MAXIMUM_PART_SIZE"),
        ("manifest.json", "MAXIMUM_MANIFEST_SIZE"),
        ("seal.json", "MAXIMUM_SEAL_SIZE"),
    ],
)
def test_an_oversized_file_is_refused_unread(forgery, release, file, limit):
    with path_of(forgery, release, file).open("r+b") as stored_file:
        stored_file.truncate(getattr(sealing, limit) + 1)
    assert_refused(forgery, release, "too_large")


def test_another_key_encryption_key_does_not_open_a_release(release):
    keys = ReleaseKeys(generate_keys().encryption, release.keys.public)
    assert_refused(release.store, release, "wrong_key", keys=keys)


@pytest.mark.unpickles
def test_any_pinned_key_may_have_signed(release):
    keys = ReleaseKeys(release.keys.encryption, (*generate_keys().public, *release.keys.public))
    assert isinstance(open_pickled(release.store, release, keys=keys), PickledModel)


@pytest.mark.unpickles
def test_rotating_the_key_encryption_key_leaves_signature_and_files_alone(forgery, release):
    new = ReleaseKeys(generate_keys().encryption, release.keys.public)
    forgery.rewrap(release.manifest.name, release.manifest.version, release.keys, new)
    assert_refused(forgery, release, "wrong_key")
    assert isinstance(open_pickled(forgery, release, keys=new), PickledModel)


def test_other_library_versions_refuse_the_pickle(release):
    libraries = release.manifest.training.libraries.model_copy(update={"scikit_learn": "0.24.2"})
    training = release.manifest.training.model_copy(update={"libraries": libraries})
    with pytest.raises(WrongLibrariesError, match=r"scikit-learn 0\.24\.2"):
        PickledModel(b"", fresh(release.manifest, training=training))


@pytest.mark.unpickles
def test_a_pickle_of_something_else_is_no_model(release, tmp_path):
    joblib.dump({}, tmp_path / "dict")
    with pytest.raises(TypeError, match="dict"):
        PickledModel((tmp_path / "dict").read_bytes(), release.manifest)


def test_a_release_is_never_overwritten(forgery, release):
    sealed = seal(fresh(release.manifest), *plaintexts(release), release.keys)
    with pytest.raises(ReleaseExistsError):
        forgery.save(sealed)


def test_a_save_that_fails_leaves_nothing(tmp_path, release, monkeypatch):
    store = ReleaseStore(tmp_path)
    sealed = seal(fresh(release.manifest), *plaintexts(release), release.keys)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        store.save(sealed)
    assert store.names() == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("..", "1.0.0"),
        ("a/b", "1.0.0"),
        ("", "1.0.0"),
        ("a", ".."),
        ("a", "1.0"),
        ("a", "1.0.0\n"),
        ("A", "1.0.0"),
    ],
)
def test_a_name_that_could_mean_a_path_is_no_release(release, name, version):
    with pytest.raises(ReleaseMissingError):
        release.store.manifest(name, version, release.keys)


def test_an_empty_store_has_no_release(tmp_path, release):
    assert ReleaseStore(tmp_path / "none").names() == []
    assert release.store.names() == [(release.manifest.name, release.manifest.version)]


def test_keys_survive_the_environment(release):
    keys = release.keys
    texts = {"encryption": keys.encryption_text, "public": keys.public_text, "signing": keys.signing_text}
    assert ReleaseKeys.from_text(**texts) == keys
    assert keys.encryption_text not in repr(keys)


@pytest.mark.parametrize("text", ["", "AAAA", "*"])
def test_a_key_of_another_length_is_refused(release, text):
    with pytest.raises(ValueError, match=r"base64|32 bytes"):
        ReleaseKeys.from_text(encryption=text, public=release.keys.public_text)


def test_sealing_needs_a_signing_key_and_the_parts_of_the_manifest(release):
    with pytest.raises(ValueError, match="signing"):
        seal(release.manifest, b"", b"", ReleaseKeys(release.keys.encryption, release.keys.public))
    with pytest.raises(ValueError, match="part"):
        seal(release.manifest, b"", b"", release.keys)


def fresh(manifest, **changed):
    """Copy a manifest without its cached digest."""
    return type(manifest).model_validate(
        manifest.model_dump() | {k: v.model_dump() for k, v in changed.items()}
    )


def stored(release, part) -> tuple[bytes, bytes, bytes]:
    """Return part, manifest and seal as they lie in the store."""
    folder = release.folder
    return (
        (folder / part).read_bytes(),
        (folder / "manifest.json").read_bytes(),
        (folder / "seal.json").read_bytes(),
    )


def expected(release):
    return sealing.Expected(release.manifest.name, release.manifest.version, release.manifest.sha256)


def plaintexts(release) -> tuple[bytes, bytes]:
    pickled, _ = sealing.open_part("pickle", *stored(release, PART), expected(release), release.keys)
    onnx, _ = sealing.open_part("onnx", *stored(release, ONNX), expected(release), release.keys)
    return pickled, onnx
