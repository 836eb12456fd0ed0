"""The page for the patient: when it opens, what it says, and that a child of 12 can read it."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Event
from ml_models.manifest import Cohort
from predictions import events, lifecycle, review
from predictions.facts import facts_of
from predictions.models import Prediction, Verdict
from predictions.patient_page import patient_words
from predictions.presentation import horizon_words
from predictions.tasks import confirm_predictions
from tests.drawings import figures_in
from tests.panels import transbig

pytestmark = pytest.mark.django_db

READING_AGE_12 = 7  # the school grade of the United States in which children are 12
SKIPPED = {"svg", "dl", "h1", "h2", "h3"}
COHORT = Cohort(name="Some cohort", citation="", patients=300, distant_metastases=80, observed=())
JARGON = (
    "metasta",
    "hazard",
    "interval",
    "gene",
    "percent",
    "%",
    "prognos",
    "expression",
    "probab",
    "cohort",
    "RNA",
    "risk",
)


@pytest.fixture
def made(release, submit):
    prediction = submit(0, case_reference="P-0042", sample_id="S-7")
    confirm_predictions()
    return Prediction.objects.get(id=prediction.id)


@pytest.fixture
def agreed(made, alice_acting):
    review.record_review(alice_acting, made.id, Verdict.AGREE, "")
    return made


@pytest.fixture
def page(agreed, alice, browser_of):
    response = browser_of(alice).get(address(agreed))
    assert response.status_code == 200
    return response.content.decode()


class Blocks(HTMLParser):
    """The text of each paragraph and item within <main>, without headings and drawings: they are too easy."""

    def __init__(self, page):
        super().__init__()
        self.blocks = [""]
        self._outside = ["everything"]
        self.feed(page)

    def handle_starttag(self, tag, attrs):  # noqa: ARG002
        if tag == "main":
            self._outside.clear()
        elif tag in SKIPPED:
            self._outside.append(tag)
        elif tag in {"p", "li"}:
            self.blocks.append("")

    def handle_endtag(self, tag):
        if tag == "main":
            self._outside.append("footer")
        elif tag in SKIPPED and self._outside:
            self._outside.pop()

    def handle_data(self, data):
        if not self._outside:
            self.blocks[-1] += data


def facts_with(*horizons):
    return {"model": {"intended_use": "Research use only. For nobody."}, "result": {"horizons": horizons}}


def address(made):
    return f"/predictions/{made.id}/patient/"


def text_of(page):
    """As it is read: each paragraph and item ends a sentence."""
    blocks = [" ".join(block.split()) for block in Blocks(page).blocks]
    return " ".join(block if block[-1] in ".?" else f"{block}." for block in blocks if block)


def syllables(word):
    """Groups of vowels; a mute e at the end counts for nothing, but "le" after a consonant does."""
    word = word.lower()
    mute = re.search(r"[^aeiouy](e|es)$|[^aeiouytd]ed$", word) and not re.search(r"[^aeiouy]les?$", word)
    return max(1, len(re.findall(r"[aeiouy]+", word)) - bool(mute))


def grade(text):
    """The Flesch-Kincaid grade (Kincaid 1975): 0.39 words a sentence + 11.8 syllables a word - 15.59."""
    sentences = [sentence for sentence in re.split(r"[.?!]", text) if sentence.strip()]
    words = re.findall(r"[A-Za-z']+|\d+", text)
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def test_reading_is_measured_as_it_was_published():
    """Syllables are those of https://en.wikipedia.org/wiki/Flesch-Kincaid_readability_tests: 6, and 24."""
    assert grade("The cat sat on the mat.") == pytest.approx(0.39 * 6 + 11.8 * 6 / 6 - 15.59)
    platypus = "The Australian platypus is seemingly a hybrid of a mammal and reptilian creature."
    assert grade(platypus) == pytest.approx(0.39 * 13 + 11.8 * 24 / 13 - 15.59, abs=1)


def test_a_child_of_12_can_read_it(page):
    assert grade(text_of(page)) <= READING_AGE_12


def test_it_says_nothing_in_the_language_of_the_clinic_and_nothing_that_names_the_case(page):
    text = text_of(page)
    assert len(text.split()) > 150
    assert [word for word in JARGON if re.search(rf"\b{word}", text, re.IGNORECASE)] == []
    assert "P-0042" not in page
    assert "S-7" not in page
    assert [gene.symbol for gene in transbig().panel if re.search(rf"\b{gene.symbol}\b", page)] == []


def test_it_says_the_numbers_of_the_result_in_both_framings_five_years_first(page, agreed):
    text = text_of(page)
    said = re.findall(r"spread in (\S+) of them\. It did not spread in (\S+) of them", text)
    words = [horizon_words(horizon) for horizon in facts_of(agreed)["result"]["horizons"]]
    assert said == [(word.had_it, word.did_not) for word in words]
    assert [word.years for word in words] == [5, 10]
    assert [sum(map(int, pair)) for pair in said] == [100, 100]
    text = text.replace("fewer than ", "<").replace("more than ", ">")
    ranges = re.findall(r"as low as (\S+) or as high as (\S+)\.", text)
    assert [f"{low} to {high}" for low, high in ranges] == [word.interval for word in words]


def test_the_result_page_says_the_same_numbers(page, agreed, alice, browser_of):
    result = " ".join(browser_of(alice).get(f"/predictions/{agreed.id}/").content.decode().split())
    for had_it, did_not in re.findall(
        r"spread in (\S+) of them\. It did not spread in (\S+) of", text_of(page)
    ):
        assert f"{had_it} out of 100" in result
        assert f"{did_not} out of 100" in result


def test_each_horizon_is_drawn_as_a_hundred_people(page, agreed):
    drawings = [figures_in(svg) for svg in re.findall(r'<svg class="icons".*?</svg>', page)]
    words = [horizon_words(horizon) for horizon in facts_of(agreed)["result"]["horizons"]]
    filled = [[fill for _outline, fill in figures].count("currentColor") for figures in drawings]
    assert filled == [int(word.had_it) for word in words]
    assert [len(figures) for figures in drawings] == [100, 100]


@given(risk=st.floats(0, 100), low=st.floats(0, 100), high=st.floats(0, 100))
def test_no_number_is_ever_a_sign_that_has_to_be_explained(risk, low, high):
    horizon = {
        "years": 5,
        "risk_percent": risk,
        "interval95_percent": [low, high],
        "cohort_average_percent": 20.0,
    }
    (words,) = patient_words(facts_with(horizon), COHORT)["horizons"]
    for number in (words.had_it, words.did_not, words.lowest, words.highest):
        assert re.fullmatch(r"[1-9]\d?|fewer than 1|more than 99", number)


def test_that_the_people_of_the_study_had_no_drugs_is_said_of_the_cohort_of_which_it_is_known(page):
    assert "no drugs against cancer" in text_of(page)
    assert not patient_words(facts_with(), COHORT)["had_no_drugs"]


def test_opening_it_is_on_record_each_time(page, agreed, alice):
    (event,) = Event.objects.filter(action=events.PREDICTION_SHOWN_TO_PATIENT)
    assert (event.prediction_id, event.person) == (agreed.id, alice)


def test_before_the_review_it_says_why_it_is_closed_and_nothing_is_shown(made, alice, browser_of):
    client = browser_of(alice)
    response = client.get(address(made))
    assert response.status_code == 403
    assert "opens when somebody has reviewed" in response.content.decode()
    assert f"/predictions/{made.id}/#decision" in response.content.decode()
    assert "out of 100" not in response.content.decode()
    assert not Event.objects.filter(action=events.PREDICTION_SHOWN_TO_PATIENT).exists()
    assert address(made) not in client.get(f"/predictions/{made.id}/").content.decode()


def test_after_the_review_the_result_leads_to_it(agreed, alice, browser_of):
    assert address(agreed) in browser_of(alice).get(f"/predictions/{agreed.id}/").content.decode()


def test_it_is_closed_until_the_second_reading_has_confirmed_the_result(
    release, submit, alice, alice_acting, browser_of
):
    made = submit(0)
    review.record_review(alice_acting, made.id, Verdict.AGREE, "")
    assert "second reading has not" in browser_of(alice).get(address(made)).content.decode()
    confirm_predictions()
    assert browser_of(alice).get(address(made)).status_code == 200


def test_it_closes_when_the_readings_differ(release, submit, alice, alice_acting, browser_of):
    made = submit(0)
    review.record_review(alice_acting, made.id, Verdict.AGREE, "")
    Prediction.objects.filter(id=made.id).update(
        second_reading_at=timezone.now() + timedelta(seconds=1), second_reading_difference=0.1
    )
    assert browser_of(alice).get(address(made)).status_code == 403


def test_it_closes_when_the_release_was_taken_out_of_use(agreed, release, alice, browser_of):
    lifecycle.quarantine(release, "its pickled form cannot be trusted")
    response = browser_of(alice).get(address(agreed))
    assert (response.status_code, "taken out of use" in response.content.decode()) == (403, True)


def test_it_is_not_offered_for_a_sample_outside_the_data(release, submit, alice, alice_acting, browser_of):
    made = submit(0, age_years=80)
    confirm_predictions()
    review.record_review(alice_acting, made.id, Verdict.AGREE, "")
    response = browser_of(alice).get(address(made))
    assert (response.status_code, "outside the data" in response.content.decode()) == (403, True)


@pytest.mark.parametrize(
    ("who", "status"),
    [("alice", 200), ("adam", 200), ("audrey", 403), ("charlie", 404), ("sue", 403), ("nobody", 302)],
)
def test_those_who_may_ask_open_it(agreed, alice, adam, audrey, charlie, sue, browser_of, who, status):
    people = {"alice": alice, "adam": adam, "audrey": audrey, "charlie": charlie, "sue": sue}
    client = browser_of(people[who]) if who in people else Client()
    assert client.get(address(agreed)).status_code == status
    assert Event.objects.filter(action=events.PREDICTION_SHOWN_TO_PATIENT).exists() == (status == 200)
