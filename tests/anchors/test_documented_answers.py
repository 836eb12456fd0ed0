"""What the emulators leave out: their services' answers, as these document them, come from a server of ours.

The emulators of Azure and Google keep no versions of what is overwritten and know nothing of retention.
"""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from accounts.anchors import AnchorConflict, open_anchor
from tests.anchors.notes import OTHER_ROOT, note_of
from tests.emulators import AZURITE_KEY

KEY = "notes/00000000000000000007.note"
FIRST, FORGED = note_of(7), note_of(7, OTHER_ROOT)
RETAINED = "?retain_days=3650"


class Service(ThreadingHTTPServer):
    """Answers by method and the first text that the path has; remembers the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.answers: dict[tuple[str, str], tuple[int, dict[str, str], bytes]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []

    def answer(self, method, text, body=b"", status=200, **headers):
        self.answers[method, text] = status, headers, body


class _Answering(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def _answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((f"{self.command} {self.path}", dict(self.headers)))
        status, headers, body = next(
            answer
            for (method, text), answer in self.server.answers.items()
            if method == self.command and text in self.path
        )
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = _answer  # noqa: N815 - the names that http.server asks for

    def log_message(self, *_):
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class TestGoogle:
    @pytest.fixture
    def open_bucket(self, service, monkeypatch):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", service.address)
        return lambda query: open_anchor(f"gs://bucket/notes{query}")

    def test_every_generation_is_read_and_one_that_differs_is_told(self, service, open_bucket):
        items = [{"name": KEY, "generation": number} for number in ("1", "2")]
        service.answer("GET", "versions=True", json.dumps({"items": items}).encode())
        service.answer("GET", "generation=1", FIRST)
        service.answer("GET", "generation=2", FORGED)
        assert list(open_bucket("").notes()) == [FIRST, FORGED]
        for note in (FIRST, FORGED):
            with pytest.raises(AnchorConflict):
                open_bucket("").keep(7, note)

    @pytest.mark.parametrize(
        ("query", "bucket", "weakness"),
        [
            (RETAINED, {"objectRetention": {"mode": "Enabled"}}, None),
            (RETAINED, {}, "without object retention"),
            (RETAINED, {"retentionPolicy": {"retentionPeriod": "9", "isLocked": True}}, "without object"),
            ("", {"retentionPolicy": {"retentionPeriod": "9", "isLocked": True}}, None),
            ("", {"retentionPolicy": {"retentionPeriod": "9"}}, "is not locked"),
            ("", {"objectRetention": {"mode": "Enabled"}}, r"add \?retain_days"),
            ("", {}, r"add \?retain_days"),
        ],
    )
    def test_what_a_bucket_lacks_is_told(self, service, open_bucket, query, bucket, weakness):
        service.answer("GET", "/b/bucket", json.dumps(bucket).encode())
        assert_told(open_bucket(query).weaknesses(), weakness)


class TestAzure:
    @pytest.fixture
    def open_container(self, service):
        connection = f"AccountName=account;AccountKey={AZURITE_KEY};BlobEndpoint={service.address}/account;"
        return lambda query: open_anchor(f"azure://box/notes{query}", azure_connection_string=connection)

    def test_every_version_is_read_and_one_that_differs_is_told(self, service, open_container):
        versions = listing("2026-01-01T00:00:00.0Z", "2026-01-02T00:00:00.0Z")
        service.answer("GET", "comp=list", versions, Content_Type="application/xml")
        service.answer(
            "GET",
            "versionid=2026-01-01",
            FIRST,
            206,
            x_ms_blob_type="BlockBlob",
            Content_Range=f"bytes 0-9/{len(FIRST)}",
        )
        service.answer(
            "GET",
            "versionid=2026-01-02",
            FORGED,
            206,
            x_ms_blob_type="BlockBlob",
            Content_Range=f"bytes 0-9/{len(FORGED)}",
        )
        assert list(open_container("").notes()) == [FIRST, FORGED]
        assert "include=versions" in service.requests[0][0]
        for note in (FIRST, FORGED):
            with pytest.raises(AnchorConflict):
                open_container("").keep(7, note)

    @pytest.mark.parametrize(("query", "mode"), [(RETAINED, "Locked"), ("", None)])
    def test_a_note_asks_for_a_locked_policy(self, service, open_container, query, mode):
        service.answer("GET", "comp=list", listing(), Content_Type="application/xml")
        service.answer("PUT", KEY, status=201)
        open_container(query).keep(7, FIRST)
        path, headers = service.requests[-1]
        assert path.startswith(f"PUT /account/box/{KEY}")
        assert headers["If-None-Match"] == "*"
        assert headers.get("x-ms-immutability-policy-mode") == mode
        assert ("x-ms-immutability-policy-until-date" in headers) is bool(mode)

    @pytest.mark.parametrize(
        ("query", "versioned", "policy", "weakness"),
        [
            (RETAINED, "true", "false", None),
            (RETAINED, "false", "false", "no version-level immutability"),
            (RETAINED, "false", "true", "no version-level immutability"),
            ("", "true", "true", "cannot be seen from here"),
            ("", "true", "false", r"add \?retain_days"),
            ("", "false", "false", r"add \?retain_days"),
        ],
    )
    def test_what_a_container_lacks_is_told(
        self, service, open_container, query, versioned, policy, weakness
    ):
        headers = {
            "x-ms-immutable-storage-with-versioning-enabled": versioned,
            "x-ms-has-immutability-policy": policy,
        }
        service.answer("GET", "restype=container", **headers)
        assert_told(open_container(query).weaknesses(), weakness)


def listing(*versions):
    blobs = "".join(
        f"<Blob><Name>{KEY}</Name><VersionId>{version}</VersionId><Properties><BlobType>BlockBlob</BlobType></Properties></Blob>"
        for version in versions
    )
    return (
        "<?xml version='1.0' encoding='utf-8'?><EnumerationResults ServiceEndpoint='http://x/' "
        f"ContainerName='box'><Blobs>{blobs}</Blobs><NextMarker/></EnumerationResults>"
    ).encode()


def assert_told(weaknesses, expected):
    if expected is None:
        assert weaknesses == []
    else:
        (weakness,) = weaknesses
        assert re.search(expected, weakness)
