"""Which URLs are anchors, and that a wrong one says nothing it should not."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.anchors import WrongAnchor, open_anchor
from tests.product import CHECKOUT

HOSTILE = [
    "",
    "notes.log",
    "/var/notes.log",
    "file://var/notes.log",
    "file:///",
    "file:///var/notes.log/",
    "file:///var//notes.log",
    "file:///var/../etc/passwd",
    "file:///var/./notes.log",
    "file:///var/notes\x00.log",
    "file:///var/notes\n.log",
    "file:///var/notes%2elog",
    "file:///var/notes.log?retain_days=1",
    "http://server/notes",
    "S3://bucket",
    "s3:bucket",
    "s3://",
    "s3:///prefix",
    "s3://ab",
    "s3://Bucket",
    "s3://[bad",
    "s3://bucket:9000/x",
    "s3://bucket/../other",
    "s3://bucket//x",
    "s3://bucket/a b",
    "s3://bucket/x#y",
    "s3://bucket/x\n",
    "s3://bucket?",
    "s3://bucket?retain_days=",
    "s3://bucket?retain_days=0",
    "s3://bucket?retain_days=-1",
    "s3://bucket?retain_days=01",
    "s3://bucket?retain_days=1e3",
    "s3://bucket?retain_days=\u0661",
    "s3://bucket?retain_days=36501",
    "s3://bucket?retain_days=1&retain_days=2",
    "s3://bucket?retention=1",
    "gs://bucket/x?retain_days=99999999999999999999",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_what_is_no_anchor_is_told_with_what_to_write(url):
    with pytest.raises(WrongAnchor, match=r"s3://BUCKET/PREFIX.*retain_days=DAYS"):
        open_anchor(url)


@settings(max_examples=300)
@given(st.sampled_from(["", "file:///", "s3://", "gs://bucket", "gs://bucket?"]), st.text(max_size=20))
def test_no_text_does_anything_else(start, rest):
    url = start + rest
    try:
        assert open_anchor(url).name == url
    except WrongAnchor as error:
        assert "BUCKET" in str(error)  # noqa: PT017 - either is fine


def test_a_password_is_not_repeated():
    with pytest.raises(WrongAnchor) as told:
        open_anchor("s3://key:hunter22@bucket/prefix")
    assert "hunter22" not in str(told.value)


@pytest.mark.parametrize("text", ["", "no connection string"])
def test_azure_without_a_connection_string_is_told(text):
    with pytest.raises(WrongAnchor, match=r"^AZURE_STORAGE_CONNECTION_STRING is not set, or not one\.$"):
        open_anchor("azure://container/x", azure_connection_string=text)


@pytest.mark.parametrize("url", ["s3://bucket/a/b/", "gs://bucket", "gs://bucket?retain_days=36500"])
def test_a_slash_at_the_end_and_no_prefix_are_fine(url):
    assert open_anchor(url).name == url


def test_a_file_costs_neither_django_nor_a_cloud_library():
    code = (
        "import sys; from accounts.anchors import open_anchor; open_anchor('file:///tmp/notes.log'); "
        "print([n for n in ('django', 'boto3', 'azure', 'google.cloud.storage') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
