"""What people decide about a result: who may, what is kept, and that nobody changes it afterwards."""

import json
from datetime import timedelta
from unittest import mock

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts import ledger
from accounts.actors import Actor
from accounts.models import Event, Role
from predictions import erasure, events, review
from predictions.access_export import export_case
from predictions.case_document import as_json, as_pdf
from predictions.cases import find_case
from predictions.exceptions import CaseErased, NotEntitled, StepRefused
from predictions.facts import facts_of
from predictions.forms import LONGEST_REVIEW
from predictions.models import Prediction, Review
from predictions.tasks import confirm_predictions
from tests.cast import make_person

pytestmark = pytest.mark.django_db

REASON = "Ductal carcinoma in situ only; the panel is of the wrong block"


@pytest.fixture
def made(release, submit):
    return submit(0, case_reference="P-0042")


@pytest.fixture
def bob(clinic):
    return make_person("bob", clinic, Role.LAB)


@pytest.fixture
def bob_acting(bob, clinic):
    return Actor(clinic, "form", person=bob)


@pytest.fixture
def disputed(made):
    """The second reading differs."""
    dispute(made)
    return made


def dispute(made):
    Prediction.objects.filter(id=made.id).update(
        second_reading_at=timezone.now() + timedelta(seconds=1), second_reading_difference=0.1
    )


def decide(actor, made, verdict, text=""):
    return review.record_review(actor, made.id, verdict, text)


def decision(actor, made):
    prediction = Prediction.objects.get(id=made.id)
    return review.decision_of(actor, prediction, facts_of(prediction))


def erase(made):
    erasure.decide_again(made.case_key_id)
    erasure.finish_all()


def page_of(made):
    return f"/predictions/{made.id}/"


def words_in(response):
    return " ".join(response.content.decode().split())


def test_a_review_is_a_row_that_its_event_describes_without_a_value_of_the_patient(made, alice, alice_acting):
    row = decide(alice_acting, made, "disagree", REASON)
    event = Event.objects.get(id=row.event_id)
    assert (event.action, event.prediction_id, event.person) == (events.PREDICTION_REVIEWED, made.id, alice)
    assert event.case_digest == ledger.case_digest(made.organisation_id, "P-0042")
    assert (event.facts["verdict"], event.facts["review"]) == ("disagree", str(row.id))
    assert REASON not in json.dumps(event.facts)
    assert Review.objects.get().text == REASON


def test_what_was_written_lies_sealed_in_the_database(made, alice_acting):
    decide(alice_acting, made, "not_used", REASON)
    with connection.cursor() as cursor:
        cursor.execute("SELECT predictions_review::text FROM predictions_review")
        (row,) = cursor.fetchone()
    assert REASON.encode().hex() not in row
    assert REASON not in row


def test_the_latest_verdict_of_each_person_counts_and_notes_replace_nothing(made, alice_acting, bob_acting):
    for actor, verdict in (
        (alice_acting, "disagree"),
        (bob_acting, "agree"),
        (alice_acting, "agree"),
        (alice_acting, "note"),
    ):
        decide(actor, made, verdict, "because")
    entries = decision(alice_acting, made).entries
    assert [(entry.person.name, entry.verdict, entry.counts) for entry in entries] == [
        ("Alice", "note", True),
        ("Alice", "agree", True),
        ("Bob", "agree", True),
        ("Alice", "disagree", False),
    ]


def test_one_press_too_many_is_one_review(made, alice_acting, bob_acting):
    first = decide(alice_acting, made, "disagree", "The wrong block")
    assert decide(alice_acting, made, "disagree", "The wrong block") == first
    decide(alice_acting, made, "note", "Asked the lab")
    decide(bob_acting, made, "disagree", "The wrong block")
    decide(alice_acting, made, "disagree", "The wrong block")
    assert Review.objects.filter(prediction=made).count() == 4
    assert Event.objects.filter(action=events.PREDICTION_REVIEWED).count() == 4


@pytest.mark.parametrize(
    ("decided", "is_open"),
    [
        ([], False),
        (["alice note"], False),
        (["alice not_used"], False),
        (["alice agree"], True),
        (["alice agree", "alice note"], True),
        (["alice agree", "bob not_used"], True),
        (["alice agree", "bob disagree"], False),
        (["alice agree", "bob disagree", "bob agree"], True),
        (["alice agree", "bob disagree", "bob note"], False),
        (["alice agree", "alice not_used"], False),
        (["alice disagree", "alice agree"], True),
    ],
)
def test_the_patient_page_opens_when_somebody_agrees_and_nobody_disagrees(
    made, alice_acting, bob_acting, decided, is_open
):
    confirm_predictions()
    actors = {"alice": alice_acting, "bob": bob_acting}
    for step in decided:
        who, verdict = step.split()
        decide(actors[who], made, verdict, "because")
    assert (decision(alice_acting, made).why_no_patient_page == "") == is_open


@pytest.mark.parametrize("verdict", ["not_used", "disagree", "note"])
def test_only_who_agrees_may_leave_the_reason_out(made, alice_acting, verdict):
    with pytest.raises(StepRefused, match="reason"):
        decide(alice_acting, made, verdict)
    assert decide(alice_acting, made, "agree").text == ""


def test_a_disputed_result_is_not_decided_about(disputed, alice, alice_acting, browser_of):
    with pytest.raises(StepRefused, match="two readings"):
        decide(alice_acting, disputed, "agree")
    assert "no result to decide about" in words_in(browser_of(alice).get(page_of(disputed)))


def test_a_result_of_an_erased_case_is_not_decided_about(made, alice, alice_acting, browser_of):
    erase(made)
    with pytest.raises(CaseErased):
        decide(alice_acting, made, "agree")
    answer = browser_of(alice).post(f"{page_of(made)}reviews/", {"verdict": "agree"})
    assert answer.status_code == 410
    assert browser_of(alice).get(f"{page_of(made)}patient/").status_code == 410


def test_an_erasure_takes_what_was_written_and_leaves_that_somebody_decided(made, alice_acting):
    row = decide(alice_acting, made, "disagree", REASON)
    erase(made)
    left = Review.objects.get(id=row.id)
    assert left.verdict == "disagree"
    with pytest.raises(CaseErased):
        _ = left.text


@pytest.mark.parametrize(
    ("who", "status", "reviews"),
    [
        ("alice", 302, 1),
        ("bob", 302, 1),
        ("adam", 302, 1),
        ("audrey", 403, 0),
        ("charlie", 404, 0),
        ("sue", 403, 0),
        ("nobody", 302, 0),
    ],
)
def test_people_who_may_ask_review_and_others_do_not(
    made, alice, bob, adam, audrey, charlie, sue, browser_of, who, status, reviews
):
    people = {"alice": alice, "bob": bob, "adam": adam, "audrey": audrey, "charlie": charlie, "sue": sue}
    client = browser_of(people[who]) if who in people else Client()
    answer = client.post(f"{page_of(made)}reviews/", {"verdict": "agree"})
    assert (answer.status_code, Review.objects.count()) == (status, reviews)
    if who == "audrey":
        assert Event.objects.filter(action="request.refused", person=audrey).exists()


def test_auditors_read_what_was_decided_and_get_no_form(made, alice_acting, audrey, browser_of):
    decide(alice_acting, made, "disagree", REASON)
    page = words_in(browser_of(audrey).get(page_of(made)))
    assert REASON in page
    assert "reviews/" not in page


def test_a_system_with_a_key_neither_reviews_nor_reads_reviews(made, clinic, key, alice_acting):
    with pytest.raises(NotEntitled):
        decide(Actor(clinic, "api"), made, "agree")
    decide(alice_acting, made, "disagree", REASON)
    answer = Client().get(f"/api/v1/predictions/{made.id}", headers={"Authorization": f"Api-Key {key}"})
    assert answer.status_code == 200
    assert "review" not in answer.content.decode()


def test_a_review_leads_back_to_where_it_stands(made, alice, browser_of):
    answer = browser_of(alice).post(f"{page_of(made)}reviews/", {"verdict": "disagree", "text": REASON})
    assert (answer.status_code, answer["Location"]) == (302, f"{page_of(made)}#decision")
    assert REASON in words_in(browser_of(alice).get(page_of(made)))


def test_whoever_had_to_sign_in_first_is_led_to_the_result(made, alice, browser_of):
    answer = browser_of(alice).get(f"{page_of(made)}reviews/")
    assert (answer.status_code, answer["Location"]) == (302, f"{page_of(made)}#decision")


@pytest.mark.parametrize(
    ("sent", "said", "kept"),
    [
        ({}, "Choose one.", ""),
        ({"text": "typed"}, "Choose one.", "> typed</textarea>"),
        ({"verdict": "maybe", "text": "typed"}, "maybe is not one", "> typed</textarea>"),
        ({"verdict": "not_used", "text": "  "}, "Say why", 'value="not_used" checked'),
        ({"verdict": "disagree"}, "Say why", 'value="disagree" checked'),
        ({"verdict": "agree", "text": "x" * (LONGEST_REVIEW + 1)}, "at most", 'value="agree" checked'),
        ({"verdict": "agree", "text": "a\0b"}, "Null characters", 'value="agree" checked'),
    ],
)
def test_what_is_wrong_is_said_in_the_page_and_what_was_typed_is_kept(
    made, alice, browser_of, sent, said, kept
):
    answer = browser_of(alice).post(f"{page_of(made)}reviews/", sent)
    assert answer.status_code == 422
    assert said in words_in(answer)
    assert kept in words_in(answer)
    assert not Review.objects.exists()


def test_no_browser_cuts_off_a_reason_that_is_pasted(made, alice, browser_of):
    page = browser_of(alice).get(page_of(made)).content.decode()
    assert 'name="text"' in page
    assert "maxlength" not in page


def test_a_result_that_became_disputed_meanwhile_is_refused_in_the_page(disputed, alice, browser_of):
    answer = browser_of(alice).post(f"{page_of(disputed)}reviews/", {"verdict": "agree"})
    assert answer.status_code == 422
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ facts }}{% debug %}",
        "#panic() *b* $x$ \\ ]",
        "x" * LONGEST_REVIEW,
        "\u202eevil \u200d\U0001f600",
    ],
)
def test_what_people_wrote_is_never_markup(made, alice, alice_acting, audrey, clinic, browser_of, text):
    browser_of(alice).post(f"{page_of(made)}reviews/", {"verdict": "note", "text": text})
    assert Review.objects.get().text == text
    page = browser_of(alice).get(page_of(made)).content.decode()
    assert "<script>" not in page
    assert "<img src=x" not in page
    case = find_case(clinic, made.case_key_id)
    assert case is not None
    assert as_pdf(export_case(case, Actor(clinic, "form", person=audrey))).startswith(b"%PDF")


def test_when_the_audit_write_fails_there_is_no_review_either(made, alice_acting):
    def without_the_event(facts):
        return b"not json" if "action" in facts else json.dumps(facts).encode()

    with (
        mock.patch.object(ledger, "canonical_json", without_the_event),
        pytest.raises(DatabaseError),
        transaction.atomic(),
    ):
        decide(alice_acting, made, "agree")
    assert not Review.objects.exists()


def test_when_the_review_cannot_be_written_there_is_no_event_either(made, alice_acting):
    with (
        mock.patch.object(Review.objects, "create", side_effect=DatabaseError),
        pytest.raises(DatabaseError),
        transaction.atomic(),
    ):
        decide(alice_acting, made, "agree")
    assert not Event.objects.filter(action=events.PREDICTION_REVIEWED).exists()


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE predictions_review SET verdict = 'agree'",
        "UPDATE predictions_review SET sealed = NULL",
        "UPDATE predictions_review SET verdict = 'agree' WHERE false",
        "DELETE FROM predictions_review",
        "TRUNCATE predictions_review",
        "SET session_replication_role = replica; DELETE FROM predictions_review",
    ],
)
def test_nobody_changes_or_removes_a_review(made, alice_acting, attack):
    decide(alice_acting, made, "disagree", REASON)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack)
    assert Review.objects.get().verdict == "disagree"


@pytest.mark.parametrize(
    "forged",
    [
        {"verdict": "disagree"},
        {"person": "audrey"},
        {"prediction": "other"},
        {"event": "of the prediction"},
        {"sealed": b"another reason"},
        {"sealed": None},
        {"id": "another"},
    ],
)
def test_the_database_takes_no_review_of_which_the_event_says_another_thing(
    made, submit, alice, audrey, alice_acting, forged
):
    """The event is real: only the row that goes with it is another."""
    other = submit(5)
    with mock.patch.object(Review.objects, "create", side_effect=lambda **row: row):
        row = decide(alice_acting, made, "not_used", REASON)
    others = {
        "audrey": audrey,
        "other": other,
        "of the prediction": made.event,
        "another": uuid7(),
    }
    changed = {name: others.get(value, value) for name, value in forged.items()}
    with pytest.raises(DatabaseError), transaction.atomic():
        Review.objects.create(**{**row, **changed})
    assert Review.objects.create(**row).text == REASON


@pytest.mark.parametrize("changed", [{"verdict": "maybe"}, {"verdict": "disagree"}, {"verdict": "note"}])
def test_the_database_takes_no_unknown_verdict_and_none_without_its_reason(made, alice, clinic, changed):
    review_id = uuid7()
    actor = Actor(clinic, "form", person=alice)
    entry = ledger.record(events.PREDICTION_REVIEWED, actor, prediction=made.id, review=review_id, **changed)
    with pytest.raises(IntegrityError, match="review_"), transaction.atomic():
        Review.objects.create(id=review_id, prediction=made, event_id=entry.id, person=alice, **changed)


def test_an_export_holds_the_reviews_and_after_an_erasure_that_there_were_some(
    made, alice_acting, audrey, clinic
):
    decide(alice_acting, made, "disagree", REASON)
    decide(alice_acting, made, "agree")
    held = exported(made, audrey, clinic)
    found = held["predictions"][0]["reviews"]
    assert [(row["by"], row["verdict"], row["text"]) for row in found] == [
        ("Alice", "disagree", REASON),
        ("Alice", "agree", ""),
    ]
    assert as_pdf(held).startswith(b"%PDF")
    erase(made)
    held = exported(made, audrey, clinic)
    assert [row["text"] for row in held["predictions"][0]["reviews"]] == [None, None]
    assert REASON not in as_json(held).decode()
    assert as_pdf(held).startswith(b"%PDF")


def exported(made, audrey, clinic):
    case = find_case(clinic, made.case_key_id)
    assert case is not None
    return export_case(case, Actor(clinic, "form", person=audrey))
