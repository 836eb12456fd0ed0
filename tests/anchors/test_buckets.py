"""What others can do to notes in a bucket, and how much of it the anchor sees or the store refuses."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from azure.core.exceptions import ResourceExistsError
from botocore.exceptions import ClientError
from google.api_core.exceptions import PreconditionFailed
from google.cloud import storage as google_storage

from accounts.anchors import AnchorAway, AnchorConflict, open_anchor
from accounts.anchors.anchor import LONGEST_NOTE
from tests.anchors.notes import OTHER_ROOT, note_of

KEY = "ledger/notes/00000000000000000007.note"
FORGED = note_of(7, OTHER_ROOT)


@pytest.fixture
def put(request, anchor):
    """Put an object past the anchor, as whoever has the keys of the store could."""

    def to_s3(key, content):
        boto3.client("s3").put_object(Bucket=anchor._bucket_name, Key=key, Body=content)

    def to_gcs(key, content):
        google_storage.Client().bucket(anchor._bucket_name).blob(key).upload_from_string(content)

    def to_azure(key, content):
        request.getfixturevalue("container").upload_blob(key, content, overwrite=True)

    return {"s3": to_s3, "gs": to_gcs, "azure": to_azure}[anchor.name.partition(":")[0]]


clouds = pytest.mark.parametrize("make", ["s3", "gcs", "azure"], indirect=True)


@clouds
@pytest.mark.parametrize("content", [b"", b"x" * 100_000, b"\xff\x00"])
def test_what_is_no_note_is_read_for_the_verifier_but_never_much_of_it(anchor, put, content):
    anchor.keep(8, note_of(8))
    put(KEY, content)
    assert list(anchor.notes()) == [content[: LONGEST_NOTE + 1], note_of(8)]
    with pytest.raises(AnchorConflict, match="00000000000000000007"):
        anchor.keep(7, note_of(7))


@clouds
def test_what_lies_beside_the_prefix_is_not_read(anchor, put):
    put("ledger/other/1", b"other")
    put("ledger/notes-of-others/1", b"other")
    assert list(anchor.notes()) == []


@clouds
def test_a_bucket_that_is_not_there_is_away(make, azure_server):
    scheme = make().name.partition(":")[0]
    missing = open_anchor(f"{scheme}://not-there/x", azure_connection_string=azure_server)
    for ask in (lambda: missing.keep(7, note_of(7)), lambda: list(missing.notes()), missing.weaknesses):
        with pytest.raises(AnchorAway, match=f"{scheme}://not-there/x: "):
            ask()


class TestS3:
    @pytest.fixture
    def make(self, make_s3):
        return make_s3

    @pytest.fixture
    def client(self, request):
        request.getfixturevalue("s3_server")
        return boto3.client("s3")

    @pytest.fixture
    def kept(self, anchor):
        anchor.keep(7, note_of(7))
        return anchor

    @pytest.mark.usefixtures("kept")
    def test_a_note_is_locked_in_compliance_mode_for_as_long_as_is_asked(self, client, locked_bucket):
        found = client.head_object(Bucket=locked_bucket, Key=KEY)
        assert found["ObjectLockMode"] == "COMPLIANCE"
        left = found["ObjectLockRetainUntilDate"] - datetime.now(UTC)
        assert timedelta(days=3650, minutes=-1) < left <= timedelta(days=3650)

    @pytest.mark.parametrize("bypass", [False, True])
    def test_a_note_cannot_be_deleted(self, kept, client, locked_bucket, bypass):
        (version,) = client.list_object_versions(Bucket=locked_bucket)["Versions"]
        with pytest.raises(ClientError, match="AccessDenied"):
            client.delete_object(
                Bucket=locked_bucket,
                Key=KEY,
                VersionId=version["VersionId"],
                BypassGovernanceRetention=bypass,
            )
        assert list(kept.notes()) == [note_of(7)]

    def test_a_note_that_is_hidden_by_a_deletion_is_still_read_and_defended(
        self, kept, client, locked_bucket
    ):
        client.delete_object(Bucket=locked_bucket, Key=KEY)
        assert list(kept.notes()) == [note_of(7)]
        with pytest.raises(AnchorConflict):
            kept.keep(7, FORGED)
        kept.keep(7, note_of(7))
        assert list(kept.notes()) == [note_of(7)]

    def test_a_version_put_on_top_is_shown_beside_the_first_and_told(self, kept, client, locked_bucket):
        client.put_object(Bucket=locked_bucket, Key=KEY, Body=FORGED)
        assert sorted(kept.notes()) == sorted([note_of(7), FORGED])
        for note in (note_of(7), FORGED):
            with pytest.raises(AnchorConflict):
                kept.keep(7, note)

    def test_the_store_itself_refuses_to_overwrite(self, kept):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            kept._create(KEY, FORGED)

    def test_a_bucket_with_object_lock_has_no_weakness(self, anchor):
        assert anchor.weaknesses() == []

    def test_without_retention_nothing_is_locked_unless_the_bucket_does_it(self, client, locked_bucket):
        anchor = open_anchor(f"s3://{locked_bucket}/ledger")
        (weakness,) = anchor.weaknesses()
        assert "add ?retain_days=DAYS" in weakness
        for mode, weaknesses in (("GOVERNANCE", [weakness]), ("COMPLIANCE", [])):
            rule = {"DefaultRetention": {"Mode": mode, "Days": 3650}}
            client.put_object_lock_configuration(
                Bucket=locked_bucket,
                ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},
            )
            assert anchor.weaknesses() == weaknesses

    def test_a_bucket_without_object_lock_is_weak_and_takes_no_note_that_is_to_be_locked(self, plain_bucket):
        anchor = open_anchor(f"s3://{plain_bucket}/ledger?retain_days=1")
        no_versions, no_lock = anchor.weaknesses()
        assert "keeps no versions" in no_versions
        assert "has no Object Lock" in no_lock
        with pytest.raises(AnchorAway, match="ObjectLockConfiguration"):
            anchor.keep(7, note_of(7))
        unlocked = open_anchor(f"s3://{plain_bucket}/ledger")
        unlocked.keep(7, note_of(7))
        assert list(unlocked.notes()) == [note_of(7)]

    def test_more_notes_than_one_page_of_a_listing_are_all_read(self, anchor):
        anchor._client.meta.events.register(
            "before-parameter-build.s3.ListObjectVersions", lambda params, **_: params.update(MaxKeys=2)
        )
        for size in range(5):
            anchor.keep(size, note_of(size))
        assert list(anchor.notes()) == [note_of(size) for size in range(5)]


class TestGoogle:
    @pytest.fixture
    def make(self, make_gcs):
        return make_gcs

    def test_the_store_itself_refuses_to_overwrite(self, anchor):
        anchor.keep(7, note_of(7))
        with pytest.raises(PreconditionFailed):
            anchor._create(KEY, FORGED)

    def test_a_note_asks_for_a_locked_retention(self, anchor, google_bucket):
        anchor.keep(7, note_of(7))
        retention = google_storage.Client().bucket(google_bucket).get_blob(KEY).retention
        assert retention.mode == "Locked"
        left = retention.retain_until_time - datetime.now(UTC)
        assert timedelta(days=3650, minutes=-1) < left <= timedelta(days=3650)


def test_azure_itself_refuses_to_overwrite(make_azure):
    make_azure().keep(7, note_of(7))
    with pytest.raises(ResourceExistsError):
        make_azure()._create(KEY, FORGED)
