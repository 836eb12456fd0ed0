"""What was planted in requests is found where it belongs and nowhere else, also when the product breaks."""

import json
import re
from base64 import b64encode
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import psycopg2
import pytest
import redis
from django.conf import settings

from breastrisk.celery import app
from breastrisk.embedded import postgres, valkey
from breastrisk.embedded.state import StateDirectory
from tests.live.test_promises import rows
from tests.panels import as_body, as_text, values_of
from tests.product import CHECKOUT

CASE, VALUE, ENTERED, AGE = "CANARY-CASE-93b2", 7.246813579135, "CANARY-TYPED-5d0a", 50
PANEL = {**values_of(0), "IL18": VALUE}
EVENTS = "SELECT string_agg(convert_from(body, 'UTF8'), ' ') FROM audit.event"
INPUT = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
SECRET = re.compile(r'id="secret">([^<]+)<')


class Visitor:
    """A browser, or a system. It keeps cookies, follows redirects, and remembers where it was led."""

    def __init__(self, product):
        self.url = product.url
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self.been = []

    def ask(self, path, body=None, **headers):
        data = body.encode() if isinstance(body, str) else body
        try:
            answer = self.opener.open(Request(self.url + path, data, headers), timeout=30)  # noqa: S310 - ours
        except HTTPError as refused:
            answer = refused
        with answer:
            self.been.append(answer.url)
            return answer.status, answer.read().decode()

    def send(self, path, **form):
        """Open a page and send its form."""
        token = INPUT.findall(self.ask(path)[1])[0]
        return self.ask(path, urlencode({"csrfmiddlewaretoken": token, **form}, doseq=True))


@pytest.fixture(scope="module")
def signed_in(product):
    def come(name):
        link = product.manage("sign_in_link", f"{name}@demo.example").communicate()[0].split()[-1]
        visitor = Visitor(product)
        assert visitor.send("/" + link.split("/", 3)[3])[0] == 200
        visitor.been.clear()
        return visitor

    return come


@contextmanager
def broken(product):
    """Nothing can be written down as a prediction; Postgres quotes the row that it refused."""
    with closing(psycopg2.connect(postgres.url(StateDirectory(product.state)))) as owner:
        owner.autocommit = True
        cursor = owner.cursor()
        cursor.execute("ALTER TABLE predictions_prediction ADD CONSTRAINT broken CHECK (false) NOT VALID")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE predictions_prediction DROP CONSTRAINT broken")


def all_that_is_kept(product):
    """Every log and mail, and every key and value of Valkey."""
    files = [*product.state.glob("logs/*"), *product.state.glob("mail/*")]
    bus = redis.Redis.from_url(valkey.url(StateDirectory(product.state)))
    kept = {file.name: file.read_text(errors="replace") for file in files}
    kept["valkey"] = " ".join(f"{name!r} {bus.dump(name)!r}" for name in bus.scan_iter())
    append_only = product.state.rglob("*.aof")
    kept["append-only file"] = " ".join(file.read_bytes().decode(errors="replace") for file in append_only)
    assert {"web.log", "worker.log"} <= kept.keys(), kept.keys()
    assert kept["append-only file"]
    return {**kept, "terminal": product.output}


def test_what_was_planted_reaches_no_log_no_queue_no_mail_no_address_and_no_event(product, signed_in):
    admin, clinician, system = signed_in("admin"), signed_in("clinician"), Visitor(product)
    terms = {"scopes": ["predict", "read"], "lifetime": "9", "networks": "", "jwks": ""}
    (key,) = SECRET.findall(admin.send("/keys/new/", name="Key", **terms)[1])
    page = admin.send("/keys/clients/new/", name="Client", **terms)[1]
    (secret,) = SECRET.findall(page)
    client = rows(product, "SELECT client_id FROM accounts_oauthclient ORDER BY id DESC LIMIT 1")[0][0]
    basic = "Basic " + b64encode(f"{client}:{secret}".encode()).decode()
    given = system.ask("/oauth/token", "grant_type=client_credentials", Authorization=basic)
    token = json.loads(given[1])["access_token"]
    body = json.dumps(as_body(PANEL, reference=CASE, age_years=AGE))
    form = {"pasted": as_text(PANEL), "unit": "log2_intensity", "case_reference": CASE, "age_years": AGE}

    def go_everywhere():
        statuses = [clinician.send("/predictions/new/", **form)[0]]
        for proof in (f"Api-Key {key}", f"Bearer {token}"):
            headers = {"Authorization": proof, "Content-Type": "application/json"}
            statuses.append(system.ask("/api/v1/predict", body, **headers)[0])
        return statuses

    assert go_everywhere() == [200, 201, 201]
    with broken(product):
        assert go_everywhere() == [500, 500, 500]
    for proof in (f"Api-Key {key}x", f"Bearer {token}x", f"Api-Key {secret}", f"Basic {key}"):
        assert system.ask("/api/v1/models", Authorization=proof)[0] == 401
    assert system.ask("/oauth/token", f"client_id={client}&client_secret={secret}x")[0] == 401
    clinician.send("/predictions/new/", **{**form, "pasted": f"{ENTERED}\t{VALUE}x", "unit": "tpm"})
    clinician.send("/accounts/reauthenticate/", password=ENTERED)
    Visitor(product).send("/accounts/login/", login=f"{ENTERED}@demo.example", password=ENTERED)

    planted = (CASE, str(VALUE), ENTERED, key, key.partition(".")[2], secret, token)
    kept = all_that_is_kept(product)
    assert "IntegrityError" in kept["web.log"]
    kept["addresses"] = " ".join(admin.been + clinician.been + system.been)
    (kept["events"],) = rows(product, EVENTS)[0]
    assert {where for where, text in kept.items() for canary in planted if canary in text} == set()
    assert CASE in clinician.ask("/predictions/")[1]  # where it belongs


def test_no_task_is_given_anything_that_a_queue_could_keep():
    app.loader.import_default_modules()
    tasks = [task for name, task in app.tasks.items() if not name.startswith("celery.")]
    assert len(tasks) > 10
    assert [task.name for task in tasks if task.run.__code__.co_argcount] == []


def test_nothing_is_logged_anywhere_but_where_the_inventory_says(product):
    inventory = (CHECKOUT / "docs" / "logs.md").read_text()
    # Django calls mails so too.
    logs = {file.name for file in product.state.rglob("*.log") if file.parent.name != "mail"}
    assert {"web.log", "worker.log", "postgres.log", "valkey.log"} <= logs
    assert [log for log in logs if f"`{log}`" not in inventory] == []
    classes = re.findall('"class": "([^"]+)"', json.dumps(settings.LOGGING))
    assert classes == ["logging.StreamHandler"]
