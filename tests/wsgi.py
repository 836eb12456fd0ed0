"""The WSGI application itself, below Django's test client, which builds its requests in its own way."""

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.core.signals import request_started
from django.db import close_old_connections

from breastrisk.transport import Handler

application = Handler()


def ask(method: str, path: str, body: bytes = b"", **environ: Any) -> tuple[int, dict[str, str], str]:
    """Status, headers and text of the answer to a request with these variables."""
    path, _, query = path.partition("?")
    given: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_HOST": "testserver",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    setup_testing_defaults(given)
    started: list[Any] = []
    # A new request would close the connection whose transaction the test is in.
    request_started.disconnect(close_old_connections)
    try:
        answer = application(given, lambda status, headers: started.extend((status, headers)))
    finally:
        request_started.connect(close_old_connections)
    return int(started[0][:3]), dict(started[1]), b"".join(answer).decode()
