"""Every way to hand the product a model that is not the one it trained."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import pytest

from ml_models import sealing
from ml_models.manifest import Manifest
from ml_models.pickled import PickledModel, WrongLibrariesError
from ml_models.registry import ReleaseExistsError, ReleaseMissingError, ReleaseStore
from ml_models.sealing import CHUNK_SIZE, PREFIX_SIZE, TAG_SIZE, ReleaseKeys, SealBroken, generate_keys, seal

PART = "model.joblib.sealed"
ONNX = "model.onnx.sealed"
MANIFEST = "manifest.json"
SEAL = "seal.json"
STORED_CHUNK = CHUNK_SIZE + TAG_SIZE


class Evil:
    """A pickle that makes a folder when it is read."""

    def __init__(self, trap: Path) -> None:
        self.trap = trap

    def __reduce__(self):
        return (os.mkdir, (str(self.trap),))


@dataclass
class Scene:
    """A release that is stored, signed by us and expected, but with an evil pickle of several chunks in it.

    Nothing but a refusal before unpickling keeps the trap from springing.
    """

    root: Path
    keys: ReleaseKeys
    manifest: Manifest
    pickle: bytes
    onnx: bytes
    expected_sha256: str = ""

    @property
    def folder(self) -> Path:
        return self.root / "store" / self.manifest.name / self.manifest.version

    @property
    def trap(self) -> Path:
        return self.root / "trap"

    def put(self, keys: ReleaseKeys, **changed) -> str:
        """Seal a release and lay it where the expected one belongs; gives its digest."""
        manifest: Manifest = fresh(self.manifest, **changed)
        shutil.rmtree(self.folder, ignore_errors=True)
        store = ReleaseStore(self.root / "draft")
        store.save(seal(manifest, self.pickle, self.onnx, keys))
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        (self.root / "draft" / manifest.name / manifest.version).rename(self.folder)
        return manifest.sha256

    def open(self) -> None:
        which = (self.manifest.name, self.manifest.version, self.expected_sha256)
        ReleaseStore(self.root / "store").open_pickled(*which, self.keys)


@pytest.fixture
def copied(release, tmp_path):
    """A copy of the release, for what changes it."""
    shutil.copytree(release.root, tmp_path / "copy")
    return replace(release, root=tmp_path / "copy", store=ReleaseStore(tmp_path / "copy"))


@pytest.fixture
def scene(release, tmp_path):
    evil = pickle.dumps((Evil(tmp_path / "trap"), bytes(3 * CHUNK_SIZE)))
    onnx = plaintexts(release)[1]
    parts = release.manifest.parts.model_dump()
    parts["pickle"] = {"sha256": sealing._sha256(evil), "size": len(evil)}
    scene = Scene(tmp_path, release.keys, fresh(release.manifest, parts=parts), evil, onnx)
    scene.expected_sha256 = scene.put(scene.keys)
    return scene


def sign_with_a_key_of_their_own(scene):
    """They even know the key-encryption key, and the digest is the expected one."""
    theirs = generate_keys()
    scene.put(ReleaseKeys(scene.keys.encryption, theirs.public, theirs.signing))


def go_back_to_an_older_release(scene):
    training = scene.manifest.training.model_dump() | {"seed": 1}
    scene.put(scene.keys, training=training)


def take_one_of_another_panel(scene):
    genes, pairs = scene.manifest.model_dump()["genes"][:-1], scene.manifest.correlation
    scene.put(scene.keys, genes=genes, correlation=pairs[: len(genes) * (len(genes) - 1) // 2])


def take_one_of_another_name(scene):
    scene.put(scene.keys, name="another-model")


def take_one_of_another_version(scene):
    scene.put(scene.keys, version="9.9.9")


def expect_one_of_other_libraries(scene):
    """No forgery at all: ours, expected, but written by what is not installed here."""
    training = scene.manifest.training.model_dump()
    libraries = training["libraries"] | {"scikit_learn": "0.24.2"}
    scene.expected_sha256 = scene.put(scene.keys, training=training | {"libraries": libraries})


def have_another_key_encryption_key(scene):
    scene.keys = ReleaseKeys(generate_keys().encryption, scene.keys.public)


def swap_the_parts(scene):
    shutil.copy(scene.folder / ONNX, scene.folder / PART)


def change(file, alter):
    def changed(scene):
        path = scene.folder / file
        path.write_bytes(alter(path.read_bytes()))

    return changed


def sign(signature):
    return change(SEAL, lambda text: json.dumps(json.loads(text) | {"signature": signature}).encode())


def remove(file):
    return lambda scene: (scene.folder / file).unlink()


def fill(file, size):
    """The file becomes longer, and nearly all of it a hole."""

    def filled(scene):
        with (scene.folder / file).open("r+b") as grown:
            grown.truncate(size)

    return filled


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
    "chunk swap": swap_chunks,
    "truncation: the last chunk": drop_last_chunk,
    "truncation: the last byte": lambda content: content[:-1],
    "truncation: everything": lambda content: content[:0],
    "appended byte": lambda content: content + b"\0",
    "bit flip: in the nonces' prefix": flip(0),
    "bit flip: in the first chunk": flip(PREFIX_SIZE),
    "bit flip: in the last tag": flip(-1),
}


ATTACKS: dict[str, tuple[Callable[[Scene], None], str]] = {
    "evil pickle signed by another key": (sign_with_a_key_of_their_own, "bad_signature"),
    "downgrade to an older release that we signed": (go_back_to_an_older_release, "wrong_release"),
    "other library version": (expect_one_of_other_libraries, r"was written by scikit-learn 0\.24\.2"),
    **{name: (change(PART, alter), "altered") for name, alter in TAMPERINGS.items()},
    "edited manifest": (
        change(MANIFEST, lambda text: text.replace(b"Research use", b"Clinical use")),
        "bad_signature",
    ),
    "wrong panel": (take_one_of_another_panel, "wrong_release"),
    "wrong name": (take_one_of_another_name, "wrong_release"),
    "wrong version": (take_one_of_another_version, "wrong_release"),
    "wrong part": (swap_the_parts, "altered"),
    "wrong key-encryption key": (have_another_key_encryption_key, "wrong_key"),
    "missing signature": (sign(""), "bad_signature"),
    "missing signature: a short one": (sign("AAAA"), "bad_signature"),
    "missing signature: no base64": (sign("not base64!"), "unreadable"),
    "missing seal": (remove(SEAL), r"seal\.json"),
    "missing seal: nothing in it": (change(SEAL, lambda _: b""), "unreadable"),
    "missing seal: another object": (change(SEAL, lambda _: b"{}"), "unreadable"),
    "missing seal: no text": (change(SEAL, lambda _: b"\xff\xfe"), "unreadable"),
    "oversized model": (fill(PART, sealing.MAXIMUM_PART_SIZE + 1), "too_large"),
    "oversized manifest": (fill(MANIFEST, sealing.MAXIMUM_MANIFEST_SIZE + 1), "too_large"),
    "oversized seal": (fill(SEAL, sealing.MAXIMUM_SEAL_SIZE + 1), "too_large"),
}


@pytest.mark.parametrize(("attack", "refusal"), ATTACKS.values(), ids=ATTACKS)
def test_every_attack_on_the_file_is_refused_before_anything_is_unpickled(scene, attack, refusal):
    attack(scene)
    with pytest.raises((SealBroken, WrongLibrariesError, ReleaseMissingError), match=refusal):
        scene.open()
    assert not scene.trap.exists()


def test_without_an_attack_the_trap_springs(scene):
    """So it would have sprung above, had the pickle been read."""
    with pytest.raises(TypeError, match="the pickle holds a tuple"):
        scene.open()
    assert scene.trap.exists()


@pytest.mark.parametrize("moved_to", ["rotterdam76-ridge/9.9.9", "other/1.0.0"])
def test_the_manifest_of_another_release_is_refused(copied, release, moved_to):
    target = copied.root / moved_to
    target.parent.mkdir(exist_ok=True)
    copied.folder.rename(target)
    with pytest.raises(SealBroken, match="wrong_release"):
        copied.store.manifest(*moved_to.split("/"), release.keys)


def open_pickled(release, **changed):
    manifest = release.manifest
    which = {"name": manifest.name, "version": manifest.version, "expected_sha256": manifest.sha256}
    return release.store.open_pickled(**which | {"keys": release.keys} | changed)


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS)
def test_the_encryption_alone_refuses_an_altered_file_too(release, tampering):
    """Behind the signed digest stands the authenticated stream; here without the former."""
    manifest = (release.folder / "manifest.json").read_bytes()
    _, sealed = sealing.verify(manifest, (release.folder / "seal.json").read_bytes(), release.keys)
    changed = tampering((release.folder / PART).read_bytes())
    associated = sealing._associated(sealed.manifest_sha256, "pickle")
    with pytest.raises(SealBroken, match="altered"):
        sealing._decrypted(changed, sealed.pickle, associated, release.keys)


def test_any_pinned_key_may_have_signed(release):
    keys = ReleaseKeys(release.keys.encryption, (*generate_keys().public, *release.keys.public))
    assert isinstance(open_pickled(release, keys=keys), PickledModel)


def test_rotating_the_key_encryption_key_leaves_all_but_the_wrapped_keys_alone(copied, release):
    name, version, old = release.manifest.name, release.manifest.version, release.keys
    both = ReleaseKeys(generate_keys().encryption, old.public, former=(old.encryption,))
    before = {path.name: path.read_bytes() for path in copied.folder.iterdir()}
    copied.store.rewrap(name, version, both)
    after = {path.name: path.read_bytes() for path in copied.folder.iterdir()}
    assert {file for file in before if before[file] != after[file]} == {SEAL}
    assert json.loads(before[SEAL])["signature"] == json.loads(after[SEAL])["signature"]
    with pytest.raises(SealBroken, match="wrong_key"):
        open_pickled(copied)
    assert isinstance(open_pickled(copied, keys=ReleaseKeys(both.encryption, old.public)), PickledModel)


def test_a_release_that_was_rewrapped_already_is_recognised(copied, release):
    name, version, old = release.manifest.name, release.manifest.version, release.keys
    both = ReleaseKeys(generate_keys().encryption, old.public, former=(old.encryption,))
    assert copied.store.awaits_rewrap(name, version, both)
    copied.store.rewrap(name, version, both)
    assert not copied.store.awaits_rewrap(name, version, both)
    before = (copied.folder / SEAL).read_bytes()
    copied.store.rewrap(name, version, both)
    assert (copied.folder / SEAL).read_bytes() == before


def test_what_neither_key_wrapped_is_not_rewrapped(release):
    keys = ReleaseKeys(generate_keys().encryption, release.keys.public, former=(generate_keys().encryption,))
    with pytest.raises(SealBroken, match="wrong_key"):
        release.store.awaits_rewrap(release.manifest.name, release.manifest.version, keys)


def test_a_pickle_of_something_else_is_no_model(release, tmp_path):
    joblib.dump({}, tmp_path / "dict")
    with pytest.raises(TypeError, match="dict"):
        PickledModel((tmp_path / "dict").read_bytes(), release.manifest)


def test_a_release_is_never_overwritten(copied, release):
    sealed = seal(fresh(release.manifest), *plaintexts(release), release.keys)
    with pytest.raises(ReleaseExistsError):
        copied.store.save(sealed)


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


def test_the_first_of_several_key_encryption_keys_wraps(release):
    new, old = generate_keys(), release.keys
    texts = {"encryption": f"{new.encryption_text}, {old.encryption_text}", "public": old.public_text}
    keys = ReleaseKeys.from_text(**texts)
    assert (keys.encryption, keys.former) == (new.encryption, (old.encryption,))
    assert keys.encryption_text == texts["encryption"].replace(" ", "")
    assert old.encryption_text not in repr(keys)


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
    return type(manifest).model_validate(manifest.model_dump() | changed)


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
