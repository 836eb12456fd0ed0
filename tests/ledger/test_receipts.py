"""A receipt or an export proves what it says to somebody who has neither this software nor its database."""

import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from accounts import ledger, sealer
from accounts.merkle import verify_consistency
from accounts.models import Event
from accounts.signed_notes import VerifierKey, open_note
from predictions.models import Prediction
from tests.panels import as_body, values_of

pytestmark = pytest.mark.django_db
SCRIPT = Path(settings.BASE_DIR) / "static" / "verify_ledger.py"
KEY = settings.LEDGER_PUBLIC_KEYS[0]


def ask_script(kind, file):
    return subprocess.run(
        [sys.executable, "-I", SCRIPT, kind, file, "--key", KEY], capture_output=True, text=True, check=False
    )


@pytest.fixture
def reader(key):
    def get(address):
        headers = {"Authorization": f"Api-Key {key}"}
        return Client(raise_request_exception=False).get(address, headers=headers)

    return get


@pytest.fixture
def prediction(post, release):
    return post(json.dumps(as_body(values_of(0), age_years=50))).json()


def test_the_receipt_of_a_prediction_convinces_the_stand_alone_program(prediction, reader, tmp_path):
    sealer.seal_waiting()
    receipt = reader(prediction["audit"]["receipt"])
    file = tmp_path / "receipt.json"
    file.write_bytes(receipt.content)
    assert ask_script("receipt", file).returncode == 0
    assert receipt.json()["event"]["id"] == prediction["audit"]["event"]
    assert receipt.json()["leaf_sha256"] == prediction["audit"]["leaf_sha256"]


def test_a_receipt_of_which_a_letter_was_changed_convinces_nobody(prediction, reader, tmp_path):
    sealer.seal_waiting()
    receipt = reader(prediction["audit"]["receipt"]).json()
    receipt["event"]["recorded_us"] += 1
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt))
    assert ask_script("receipt", file).returncode == 1


def test_before_it_is_sealed_the_receipt_is_asked_for_again(prediction, reader):
    response = reader(prediction["audit"]["receipt"])
    assert (response.status_code, response.json()["type"]) == (409, "/problems/not-sealed/")
    assert response["Retry-After"]


def test_receipts_of_others_are_not_shown(prediction, charlie, browser_of):
    address = f"/predictions/{prediction['id']}/receipt.json"
    assert browser_of(charlie).get(address).status_code == 404


def test_a_clinician_keeps_the_receipt_as_a_file_and_that_is_on_record(prediction, alice, browser_of):
    sealer.seal_waiting()
    response = browser_of(alice).get(f"/predictions/{prediction['id']}/receipt.json")
    assert response.json()["format"] == "breastrisk-receipt/1"
    assert Event.objects.filter(action="receipt.issued", person=alice).count() == 1


def test_the_export_of_the_whole_trail_convinces_the_stand_alone_program(prediction, tmp_path):
    for count in (3, 300):
        for number in range(count):
            ledger.record("test.happened", number=number)
        sealer.seal_waiting()
    file = tmp_path / "export.jsonl"
    with file.open("w") as stream:
        call_command("export_ledger", stdout=stream)
    verdict = ask_script("export", file)
    assert verdict.returncode == 0, verdict.stdout
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for number, line in enumerate(lines) if number != 2))
    assert ask_script("export", file).returncode == 1


def test_a_consistency_proof_joins_two_checkpoints(reader):
    sizes = []
    for count in (3, 300):
        for number in range(count):
            ledger.record("test.happened", number=number)
        sealer.seal_waiting()
        sizes.append(reader("/api/v1/ledger/checkpoint").json()["size"])
    answer = reader(f"/api/v1/ledger/consistency?first={sizes[0]}&second={sizes[1]}").json()
    first, second = (
        open_note(answer[name].encode(), [VerifierKey.from_text(KEY)]) for name in ("first", "second")
    )
    proof = [b64decode(node) for node in answer["proof"]]
    verify_consistency(first.size, second.size, first.root, second.root, proof)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?first=1", 400),
        ("?first=-1&second=2", 400),
        ("?first=1e3&second=2", 400),
        ("?first=99999999999999999999&second=2", 400),
        ("?first=٣&second=2", 400),
        ("?first=1&second=2", 404),
        ("?first=4&second=4", 200),  # the fourth is the key
        ("?first=5&second=4", 404),
    ],
)
def test_a_consistency_proof_of_what_is_no_checkpoint_is_refused(reader, query, status):
    for number in range(3):
        ledger.record("test.happened", number=number)
    sealer.seal_waiting()
    assert reader(f"/api/v1/ledger/consistency{query}").status_code == status


class TestPublicPage:
    """For whoever holds a report, signed in or not."""

    def ask(self, event, leaf):
        return Client().get(f"/receipts/{event}/{leaf}/")

    def test_it_says_that_a_receipt_is_genuine_and_nothing_of_the_patient(self, prediction):
        sealer.seal_waiting()
        response = self.ask(prediction["audit"]["event"], prediction["audit"]["leaf_sha256"].upper())
        page = response.content.decode()
        assert response.status_code == 200
        assert "This receipt is genuine" in page
        assert KEY in page.replace("&#x2B;", "+")
        assert Prediction.objects.get().organisation.name not in page

    def test_it_says_that_an_event_is_about_to_be_sealed(self, prediction):
        page = self.ask(prediction["audit"]["event"], prediction["audit"]["leaf_sha256"]).content.decode()
        assert "not sealed yet" in page

    def test_another_leaf_or_event_is_no_receipt(self, prediction):
        event, leaf = prediction["audit"]["event"], prediction["audit"]["leaf_sha256"]
        for asked in ((event, "0" * 64), ("0" * 8 + event[8:], leaf), (event, "ü"), (event, leaf[:-1])):
            response = self.ask(*asked)
            assert response.status_code == 404
            assert "There is no such receipt" in response.content.decode()

    def test_what_was_typed_leads_to_the_page_or_is_told_what_is_wrong(self, prediction):
        typed = {"event": prediction["audit"]["event"], "leaf": prediction["audit"]["leaf_sha256"]}
        assert Client().get("/receipts/").status_code == 200
        assert Client().get("/receipts/", typed, follow=True).status_code == 200
        wrong = Client().get("/receipts/", {"event": "x", "leaf": "<b>"})
        assert wrong.status_code == 422
        assert "<b>" not in wrong.content.decode()
