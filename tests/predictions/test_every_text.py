"""No page has a text that is not translated.

The pages are read in a made-up language, in which every message stands in brackets: what stands outside of
them is data, or was forgotten.
"""

import re
from datetime import timedelta
from gettext import NullTranslations
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation import trans_real

from accounts.actors import Actor
from accounts.keys import issue_key
from accounts.models import Event
from predictions import erasure, lifecycle, reporting, retention, review
from predictions.confirmation import confirm_waiting
from predictions.erasure_records import ErasureReason, ErasureRequest
from predictions.models import Verdict
from tests.panels import as_text, values_of

pytestmark = pytest.mark.django_db

PRETENDED = "de"
CONTEXT_SEPARATOR = "\x04"
OPEN, CLOSE = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}", "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"
SPOKEN = ("aria-label", "alt", "data-label", "placeholder", "title")
# Names, and what is called the same in every language.
DATA = re.compile(
    r"""JSON\ Lines | \S*[\d_@/]\S* | \b[A-Z]{2,}\w*\b | \bsix\b | Alice | Audrey | Adam | The\ clinic
    | clinic | Python | numpy | joblib | scikit-learn | log2 | Entrez | Ensembl | Breast\ risk
    | rotterdam76-ridge | Desmedt.* | affymetrix-\w+""",
    re.VERBOSE,
)
SILENT = {"script", "style", "code", "pre"}
EMPTY = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Bracketed(NullTranslations):
    """A language in which every message is itself, in brackets."""

    def gettext(self, message: str) -> str:
        return f"{OPEN}{message.rpartition(CONTEXT_SEPARATOR)[2]}{CLOSE}" if message else ""

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return self.gettext(singular if n == 1 else plural)

    def to_language(self) -> str:
        return PRETENDED


class Unbracketed(HTMLParser):
    """Gathers what is said outside of brackets, but for what another language or a program says."""

    def __init__(self) -> None:
        super().__init__()
        self.silences: list[str] = []
        self.depth = 0
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        for name in SPOKEN:
            self._note(given.get(name) or "", 0)
        if tag == "input" and given.get("type") == "submit":
            self._note(given.get("value") or "", 0)
        if tag not in EMPTY and (self.silences or tag in SILENT or (tag != "html" and "lang" in given)):
            self.silences.append(tag)

    def handle_endtag(self, tag):
        if self.silences and self.silences[-1] == tag:
            self.silences.pop()

    def handle_data(self, data):
        if not self.silences:
            self.depth = self._note(data, self.depth)

    def _note(self, text, depth):
        outside = ""
        for letter in text:
            depth += (letter == OPEN) - (letter == CLOSE)
            outside += "" if depth or letter == CLOSE else letter
        if re.search(r"[^\W\d_]{2}", words := DATA.sub("", " ".join(outside.split()))):
            self.found.append(words.strip())
        return depth


def forgotten(response):
    parser = Unbracketed()
    parser.feed(response.content.decode())
    parser.close()
    return parser.found


def _acting(clinic, person):
    return Actor(clinic, "form", person=person)


@pytest.fixture(autouse=True)
def _pretended(monkeypatch):
    monkeypatch.setitem(vars(trans_real)["_translations"], PRETENDED, Bracketed())


@pytest.fixture
def read(browser_of):
    """What is forgotten on the page of an address, and its status."""

    def ask(path, person=None, sent=None):
        client = browser_of(person) if person else Client()
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = PRETENDED
        response = client.get(path) if sent is None else client.post(path, sent)
        return response.status_code, forgotten(response)

    return ask


@pytest.mark.parametrize(
    "path",
    ["/accounts/login/", "/accounts/password/reset/", "/problems/panel-refused/", "/receipts/", "/nothing"],
)
def test_what_everybody_may_read(read, path):
    assert read(path) == (404 if path == "/nothing" else 200, [])


@pytest.mark.parametrize(
    "path", ["/predictions/", "/predictions/new/", "/models/", "/accounts/password/change/"]
)
def test_the_pages_of_a_clinician(read, release, alice, path):
    assert read(path, alice) == (200, [])


@pytest.mark.parametrize(
    "path", ["/keys/", "/keys/new/", "/keys/clients/new/", "/organisation/networks/", "revoke", "replace"]
)
def test_the_pages_of_keys_and_networks(read, clinic, adam, path):
    key, _ = issue_key(clinic, "Alice", ["read"], lifetime=timedelta(days=2), by=adam)
    path = path if path.startswith("/") else f"/keys/{key.id}/{path}/"
    assert read(path, adam) == (200, [])


@pytest.mark.parametrize("path", ["/keys/new/", "/keys/clients/new/", "/organisation/networks/"])
def test_what_is_wrong_with_a_key_or_a_network(read, adam, path):
    sent = {"networks": "10.1.1.1/8", "jwks": "7", "lifetime": "366"}
    assert read(path, adam, sent) == (422, [])


def test_the_card_of_a_release(read, release, alice):
    assert read(f"/models/{release.name}/{release.version}/", alice) == (200, [])


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"age_years": 99},
        {"age_years": "", "pasted": "header\tvalue\n" + as_text({**values_of(0), "IL18": None, "extra": 1})},
    ],
)
def test_a_result(read, release, alice, browser_of, changed):
    sent = {"pasted": as_text(values_of(0)), "unit": "log2_intensity", "age_years": 50, **changed}
    address = browser_of(alice).post("/predictions/new/", sent)["Location"]
    assert read(address, alice) == (200, [])


@pytest.mark.parametrize(
    "changed",
    [
        {"pasted": ""},
        {"pasted": "POLQ\tsix\nPLK1\nPOLQ\t7\nIL18\t1\t2"},
        {"pasted": as_text({symbol: 2**value for symbol, value in values_of(0).items()})},
        {"pasted": as_text(dict(zip(values_of(0), reversed(values_of(0).values()), strict=True)))},
        {"unit": "tpm"},
        {"unit": ""},
        {"age_years": "old", "case_reference": "x" * 101},
        {"age_years": "3"},
    ],
)
def test_a_refusal(read, release, alice, changed):
    sent = {"pasted": as_text(values_of(0)), "unit": "log2_intensity", **changed}
    assert read("/predictions/new/", alice, sent) == (422, [])


@pytest.fixture
def decided(submit, release, candidate, alice, alice_acting):
    """Asked twice with another age, confirmed, and reviewed in every way."""
    submit(0, case_reference="P-0042", age_years=41)
    made = submit(0, case_reference="P-0042")
    confirm_waiting()
    for verdict in (Verdict.NOTE, Verdict.DISAGREE, Verdict.NOT_USED, Verdict.AGREE):
        review.record_review(alice_acting, made.id, verdict, "P-0042" if verdict != Verdict.AGREE else "")
    return made


@pytest.mark.parametrize(
    "path", ["", "patient/", "compare/?release=rotterdam76-ridge/1.1.0", "second-reading/"]
)
def test_a_result_that_was_decided_about(read, decided, alice, path):
    status, outside = read(f"/predictions/{decided.id}/{path}", alice)
    assert (status in {200, 286}, outside) == (True, [])


def test_a_review_without_its_reason_and_a_patient_page_that_is_closed(read, submit, release, alice):
    made = submit(0)
    assert read(f"/predictions/{made.id}/reviews/", alice, {"verdict": "disagree"}) == (422, [])
    assert read(f"/predictions/{made.id}/patient/", alice) == (403, [])


def test_a_receipt_with_the_reports_that_were_made_of_it(read, decided, alice_acting):
    reporting.disclose_report(alice_acting, decided.id, lambda path: f"https://clinic.example{path}")
    event = decided.event
    assert read(f"/receipts/{event.id}/{bytes(event.leaf).hex()}/") == (200, [])


@pytest.mark.parametrize("path", ["", "charts/", "verifications/", "{event}/change/"])
def test_the_audit_trail(read, submit, release, audrey, path):
    submit(0)
    address = "/admin/accounts/event/" + path.format(event=Event.objects.latest("id").id)
    assert read(address, audrey) == (200, [])


@pytest.mark.parametrize(
    "path", ["", "{release}/change/", "{candidate}/change/", "{candidate}/step/approve/"]
)
def test_the_releases(read, submit, release, candidate, proposer, audrey, path):
    submit(0)
    lifecycle.propose(candidate, proposer)
    address = "/admin/predictions/release/" + path.format(release=release.id, candidate=candidate.id)
    assert read(address, audrey) == (200, [])


@pytest.mark.parametrize("step", ["propose", "shadow", "retire", "make-callable", "roll-back"])
def test_the_steps_of_a_release(read, candidate, adam, step):
    assert read(f"/admin/predictions/release/{candidate.id}/step/{step}/", adam) == (200, [])


@pytest.mark.parametrize("path", ["", "find/", "retention/", "case/{clinic}/{key}/"])
def test_cases(read, submit, release, clinic, adam, audrey, path):
    key = submit(0).case_key_id
    acting = _acting(clinic, adam)
    erasure.request_erasure(key, acting, ErasureReason.ASKED, "")
    retention.propose(3, acting)
    address = "/admin/predictions/erasurerequest/" + path.format(clinic=clinic.id, key=key)
    assert read(address, audrey) == (200, [])


def test_a_case_that_was_erased(read, submit, release, clinic, alice, adam, audrey):
    made = submit(0)
    erasure.request_erasure(made.case_key_id, _acting(clinic, adam), ErasureReason.ASKED, "")
    erasure.approve(ErasureRequest.objects.get(), _acting(clinic, audrey))
    assert read(f"/predictions/{made.id}/", alice) == (410, [])


@pytest.mark.parametrize("who", ["adam", "audrey"])
def test_the_start_of_the_admin(read, release, adam, audrey, who):
    assert read("/admin/", {"adam": adam, "audrey": audrey}[who]) == (200, [])
