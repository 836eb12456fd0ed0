"""What the running product promises, looked at from outside: real processes, real database, real worker."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg2
import pytest
import redis

from breastrisk.embedded import postgres, valkey
from breastrisk.embedded.state import StateDirectory
from tests.panels import as_body, as_text, values_of
from tests.product import CHECKOUT, Product, children_of

CANARY_CASE = "CANARY-CASE-7c1e"
CANARY_VALUE = 7.123456789012


@pytest.fixture(scope="module")
def key(product: Product) -> str:
    return product.manage("issue_key", "--organisation", "demo").communicate()[0].split()[-1]


def call(product, method, path, body=None, **headers):
    address = urlsplit(product.url)
    with closing(http.client.HTTPConnection(address.hostname, address.port, timeout=30)) as connection:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response, response.read().decode()


def open_form(product, path):
    """What a browser sends along with a form of this page, and the token in it."""
    response, body = call(product, "GET", path)
    cookie = response.getheader("Set-Cookie").partition(";")[0]
    # The choice of language has one too.
    token, *_ = re.findall('name="csrfmiddlewaretoken" value="([^"]+)"', body)
    return {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}, token


def predict(product, key, body=None):
    data = json.dumps(body or as_body(values_of(0), age_years=50))
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    return call(product, "POST", "/api/v1/predict", data, **headers)


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not (outcome := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return outcome


def is_answering(product, key):
    with suppress(OSError):
        return predict(product, key)[0].status == 201
    return False


def rows(product, query, *parameters):
    with closing(psycopg2.connect(postgres.url(StateDirectory(product.state)))) as connection:
        cursor = connection.cursor()
        cursor.execute(query, parameters)
        return cursor.fetchall()


def was_read_again(product, prediction):
    query = "SELECT second_reading_at IS NOT NULL FROM predictions_prediction WHERE id = %s"
    return rows(product, query, prediction) == [(True,)]


def mapped_files(pid):
    """The files that a process and its descendants have in memory."""
    text = Path(f"/proc/{pid}/maps").read_text()
    return text + "".join(mapped_files(child) for child in children_of(pid))


def test_what_each_process_was_set_up_with_is_on_record(product):
    query = "SELECT convert_from(body, 'UTF8')::jsonb FROM audit.event WHERE action = 'process.started'"
    until(lambda: {start["process"] for (start,) in rows(product, query)} == {"web", "worker"})
    starts = {start["process"]: start for (start,) in rows(product, query)}
    assert "LEDGER_ANCHORS is empty" in " ".join(starts["worker"]["weaknesses"])
    assert "owner of the audit trail" not in " ".join(starts["worker"]["weaknesses"])
    text = json.dumps(starts)
    for secret in (Path(product.state) / "secrets").iterdir():
        assert secret.read_text() not in text


def test_a_prediction_is_sealed_by_a_worker_and_its_receipt_convinces_the_stand_alone_program(
    product, key, tmp_path
):
    headers = {"Authorization": f"Api-Key {key}"}
    prediction = json.loads(predict(product, key)[1])

    def sealed():
        response, body = call(product, "GET", prediction["audit"]["receipt"], **headers)
        return body if response.status == 200 else None

    file = tmp_path / "receipt.json"
    file.write_text(until(sealed))
    latest = json.loads(call(product, "GET", "/api/v1/ledger/checkpoint", **headers)[1])
    script = [sys.executable, "-I", CHECKOUT / "static" / "verify_ledger.py", "receipt", file]
    assert subprocess.run([*script, "--key", latest["keys"][0]], check=False).returncode == 0
    page = call(
        product, "GET", f"/receipts/{prediction['audit']['event']}/{prediction['audit']['leaf_sha256']}/"
    )[1]
    assert "This receipt is genuine" in page


def test_a_prediction_is_confirmed_by_a_worker_within_seconds(product, key):
    response, body = predict(product, key)
    assert response.status == 201
    address, headers = response.getheader("Location"), {"Authorization": f"Api-Key {key}"}

    def is_confirmed():
        return json.loads(call(product, "GET", address, **headers)[1])["status"] == "confirmed"

    assert json.loads(body)["status"] == "awaiting_second_reading"
    assert until(is_confirmed)


def test_the_web_tier_never_loads_scikit_learn_and_the_worker_does(product, key):
    predict(product, key)
    assert "onnxruntime" in until(lambda: mapped_files(product.child("web")))
    assert "sklearn" not in mapped_files(product.child("web"))
    assert until(lambda: "sklearn" in mapped_files(product.child("worker")))


def test_health_names_every_dependency(product):
    until(lambda: json.loads(call(product, "GET", "/api/v1/health")[1])["degraded"] is False)
    response, body = call(product, "GET", "/api/v1/health")
    assert response.status == 200
    assert json.loads(body) == {
        "live": True,
        "ready": True,
        "degraded": False,
        "dependencies": {"database": "up", "model": "up", "queue": "up", "worker": "up"},
    }


def test_every_answer_carries_the_security_headers(product):
    for path in ("/accounts/login/", "/nothing", "/api/v1/nothing", "/static/site.css"):
        response, _ = call(product, "GET", path)
        assert response.getheader("X-Content-Type-Options") == "nosniff", path
    policy = call(product, "GET", "/accounts/login/")[0].getheader("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_chunked_body_is_refused_with_the_reason(product, key):
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    response, body = call(product, "POST", "/api/v1/predict", iter([b"{", b"}"]), **headers)
    assert (response.status, response.getheader("Content-Type")) == (411, "application/problem+json")
    assert json.loads(body)["type"] == "/problems/length-required/"
    assert call(product, "GET", "/problems/length-required/")[0].status == 200


def test_no_charset_but_utf_8_reaches_a_request(product, key):
    for charset in ("hex", "utf-7", "unicode_escape"):
        kind = f"multipart/form-data; boundary=x; charset={charset}"
        response, body = call(product, "POST", "/accounts/login/?a=1", b"--x--", **{"Content-Type": kind})
        assert (response.status, response.getheader("X-Frame-Options")) == (400, "DENY")
        assert "Breast risk" in body
        headers = {"Content-Type": f"application/json; charset={charset}", "Authorization": f"Api-Key {key}"}
        assert call(product, "POST", "/api/v1/predict?a=1", b"{}", **headers)[0].status == 415


def test_a_paste_that_is_too_large_is_a_413_on_a_page(product):
    headers, _ = open_form(product, "/accounts/login/")
    response, body = call(product, "POST", "/accounts/login/", b"login=" + b"x" * 3_000_000, **headers)
    assert response.status == 413
    assert "That is too large" in body


def test_no_token_reaches_a_log_and_mails_are_the_owners_alone(product):
    for method in ("HEAD", "POST", "PUT", "GET"):
        assert call(product, method, "/accounts/once/CANARY-TOKEN/")[0].status in {200, 403}
    headers, token = open_form(product, "/accounts/password/reset/")
    data = urlencode({"csrfmiddlewaretoken": token, "email": "clinician@demo.example"})
    assert call(product, "POST", "/accounts/password/reset/", data, **headers)[0].status == 302
    mails = product.state / "mail"
    assert mails.stat().st_mode & 0o777 == 0o700
    text = "".join(file.read_text() for file in mails.iterdir())
    (secret,) = re.findall(r"/password/reset/key/(\S+)/", text)
    logs = " ".join(file.read_text(errors="replace") for file in (product.state / "logs").glob("*"))
    assert "CANARY-TOKEN" not in logs
    assert secret not in logs


def test_without_postgres_the_answer_is_503_and_nothing_is_lost_when_it_is_back(product, key):
    before = json.loads(predict(product, key)[1])["id"]
    postmaster = product.child("postgres")
    os.kill(postmaster, signal.SIGSTOP)
    try:
        os.kill(postmaster, signal.SIGQUIT)  # acted upon as soon as it continues
    finally:
        os.kill(postmaster, signal.SIGCONT)
    seen = set()

    def has_been_away_and_is_back():
        with suppress(OSError):
            response, _ = predict(product, key)
            seen.add(response.status)
            if response.status == 503:
                assert response.getheader("Retry-After")
                assert response.getheader("Content-Type") == "application/problem+json"
                page, text = call(
                    product, "GET", "/predictions/", Cookie="sessionid=0123456789abcdef0123456789abcdef"
                )
                assert page.status in {302, 503}
                assert "<html" in text or page.status == 302
        return 503 in seen and response.status == 201

    until(has_been_away_and_is_back, 60)
    assert seen <= {201, 503}
    assert rows(product, "SELECT count(*) FROM predictions_prediction WHERE id = %s", before) == [(1,)]


def test_without_valkey_predictions_are_still_made_and_confirmed_later(product, key):
    os.kill(product.child("valkey"), signal.SIGKILL)
    response, body = predict(product, key)
    assert response.status == 201
    assert until(lambda: was_read_again(product, json.loads(body)["id"]), 60)


def test_a_killed_worker_comes_back_and_confirms_what_waited(product, key):
    os.kill(product.child("worker"), signal.SIGKILL)
    response, body = predict(product, key)
    assert response.status == 201
    assert until(lambda: was_read_again(product, json.loads(body)["id"]), 60)


def test_no_patient_value_reaches_a_log_the_queue_or_the_audit_trail(product, key):
    values = {**values_of(0), "IL18": CANARY_VALUE}
    case = {"reference": CANARY_CASE, "age_years": 50}
    assert predict(product, key, as_body(values, **case))[0].status == 201
    refused, _ = predict(product, key, as_body({**values, "C11orf9": 1.0, "PLK1": "x"}, **case))
    assert refused.status == 422
    predict(product, key, {"expression": {"values": {CANARY_CASE: CANARY_VALUE}}, "oops": as_text(values)})
    bus = redis.Redis.from_url(valkey.url(StateDirectory(product.state)))
    events = rows(product, "SELECT string_agg(convert_from(body, 'UTF8'), ' ') FROM audit.event")[0][0]
    queue = " ".join(str(bus.dump(name)) for name in bus.scan_iter())
    logs = " ".join(file.read_text(errors="replace") for file in (product.state / "logs").glob("*"))
    for planted in (CANARY_CASE, str(CANARY_VALUE), key, key.partition(".")[2]):
        assert planted not in logs + product.output
        assert planted not in queue
        assert planted not in events
    stored = "SELECT string_agg(p::text, ' ') FROM predictions_prediction p"
    assert CANARY_CASE not in rows(product, stored)[0][0]
