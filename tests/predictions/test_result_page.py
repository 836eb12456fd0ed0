"""The result page says what the API says, and what was found of the case before."""

import re
from html import unescape
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import translation

from accounts.actors import Actor
from accounts.models import Event
from predictions import submission
from predictions.confirmation import confirm_waiting
from predictions.facts import facts_of
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.models import Prediction, ReleaseState
from predictions.result_charts import curve_of, people_of, place_in_cohort
from predictions.result_words import words_of
from tests.drawings import figures_in
from tests.panels import values_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(release, alice_acting):
    def ask_about(patient=5, age=57, case="P-0042", without=(), **values):
        panel = {**values_of(patient), **dict.fromkeys(without), **values}
        request = PanelRequest(
            measurements=tuple(Measurement(symbol, value) for symbol, value in panel.items()),
            unit="log2_intensity",
            age_years=age,
            case_reference=case,
        )
        return submission.submit_panel(request, alice_acting)

    return ask_about


@pytest.fixture
def page_of(browser_of, alice):
    client = browser_of(alice)

    def read(prediction, query=""):
        response = client.get(f"/predictions/{prediction.id}/{query}")
        assert response.status_code == 200
        return " ".join(unescape(response.content.decode()).split())

    return read


@pytest.mark.parametrize("patient", [0, 5, 40, 120])
def test_every_number_of_the_page_is_the_apis(ask, page_of, key, patient):
    prediction = ask(patient, age=None)
    page = re.sub(r"<[^>]+>", "", page_of(prediction))
    headers = {"Authorization": f"Api-Key {key}"}
    facts = Client().get(f"/api/v1/predictions/{prediction.id}", headers=headers).json()
    for horizon in facts["result"]["horizons"]:
        risk = int(horizon["risk_percent"] + 0.5)
        rounded = (int(bound + 0.5) for bound in horizon["interval95_percent"])
        low, high = ({0: "<1", 100: ">99"}.get(bound, bound) for bound in rounded)
        average = int(horizon["cohort_average_percent"] + 0.5)
        assert f"{risk} out of 100 people" in page
        assert f"within {horizon['years']} years of surgery. {100 - risk} out of 100 did not." in page
        assert f"Likely range {low} to {high} out of 100 (95 %)." in page
        assert f"Average of the cohort: {average} out of 100." in page
        assert f"{horizon['risk_percent']:.1f} (" in page
    for part in facts["contributions"]:
        assert f"{part['of']} {part['value'] or 0:.2f}" in page or part["of"] == "age"
    assert facts["input"]["sha256"] in page
    assert facts["model"]["sha256"] in page


def test_the_points_of_a_gene_are_the_change_that_its_mean_would_make(ask, manifest):
    facts = facts_of(ask())
    part = facts["contributions"][0]
    gene = part["of"]
    at_mean = values_of(5)[gene] - part["standard_deviations_from_mean"] * _sd(gene, manifest)
    without = facts_of(ask(**{gene: at_mean}))
    change = facts["result"]["horizons"][0]["risk_percent"] - without["result"]["horizons"][0]["risk_percent"]
    assert part["risk_change_5y_percentage_points"] == pytest.approx(change, abs=1e-6)


def _sd(symbol, manifest):
    return next(gene.sd for gene in manifest.genes if gene.symbol == symbol)


def test_what_missing_genes_add_to_the_range_is_told_apart(ask):
    missing = sorted(values_of(5))[:13]
    facts = facts_of(ask(without=missing))
    words = words_of(facts)
    (low, high), (alone_low, alone_high) = (
        facts["result"]["horizons"][0][key]
        for key in ("interval95_percent", "interval95_if_complete_percent")
    )
    assert high - low > alone_high - alone_low
    assert f"{alone_low:.0f} to {alone_high:.0f} out of 100" in words.uncertainty[0]
    assert f"the 13 that were not measured leave open, it is {low:.0f} to {high:.0f}" in words.uncertainty[1]


def test_of_a_complete_panel_the_range_is_the_models_alone(ask):
    horizon = facts_of(ask())["result"]["horizons"][0]
    assert horizon["interval95_if_complete_percent"] == horizon["interval95_percent"]


def test_the_comparison_with_the_average_fits_the_whole_numbers_beside_it(ask):
    for patient in (0, 5, 40, 120):
        for finding in words_of(facts_of(ask(patient, case=""))).findings:
            difference = int(finding.words.had_it) - int(finding.words.cohort_average)
            said = re.search(r"(\d+) p(?:erson|eople) in 100 (more|fewer)", finding.comparison)
            found = int(said[1]) * (1 if said[2] == "more" else -1) if said else 0
            assert found == difference


def test_the_parts_that_raised_and_lowered_are_told_strongest_first(ask):
    words = words_of(facts_of(ask()))
    assert all(part.is_up and part.points.startswith("+") for part in words.raised)
    assert all(not part.is_up and part.points.startswith("\N{MINUS SIGN}") for part in words.lowered)
    for parts in (words.raised, words.lowered):
        sizes = [float(part.points[1:]) for part in parts]
        assert sizes == sorted(sizes, reverse=True)


def test_the_page_says_whom_it_learned_from_and_for_whom_it_is_not_shown_to_work(ask, page_of, manifest):
    page = page_of(ask())
    assert "five cancer centres" in page
    said = page[page.index("Not shown to be better than chance in:") :]
    for group in manifest.evaluation.subgroups:
        is_unproven = group.c_index_harrell and group.c_index_harrell.lower <= 0.5
        assert (f"{group.name}, C-index {group.c_index_harrell.value:.2f} (" in said) == bool(is_unproven)


def test_the_hundred_people_stand_above_their_likely_range(ask, page_of):
    prediction = ask()
    icons = page_of(prediction, "?view=icons").partition('id="view-icons"')[2].partition('id="view-curve"')[0]
    for finding in words_of(facts_of(prediction)).findings:
        assert finding.range in icons


def test_the_list_shows_no_risk_without_its_range(ask, browser_of, alice):
    words = words_of(facts_of(ask())).findings[0].words
    listed = browser_of(alice).get("/predictions/").content.decode()
    assert f"{words.had_it} ({words.interval})" in unescape(listed)


def test_a_hundred_people_are_drawn_for_each_horizon(ask):
    for finding in words_of(facts_of(ask())).findings:
        fills = [fill for _outline, fill in figures_in(people_of(finding.words).svg)]
        assert fills.count("currentColor") == int(finding.words.had_it)
        assert len(fills) == 100


def test_the_curve_starts_at_surgery_and_has_the_people_still_followed_beneath(ask):
    chart = curve_of(facts_of(ask()))
    assert [point.y for point in chart.series[0].points][:1] == [0]
    assert chart.beneath
    counted, numbers = chart.beneath
    assert numbers[0] == 198
    assert list(numbers) == sorted(numbers, reverse=True)
    assert chart.svg.count('class="band"') == 2  # in the key, and in the plot
    assert counted in chart.svg
    assert "without metastasis" in counted  # who had one may still be followed, and is not counted


@pytest.mark.parametrize(("percent", "said"), [(0.2, "<1"), (2.5, "3"), (99.8, ">99")])
def test_the_curve_is_told_in_the_whole_numbers_of_the_page(ask, percent, said):
    facts = facts_of(ask())
    facts["result"]["curve"][-1] |= {
        "risk_percent": percent,
        "interval95_percent": [percent, percent],
        "cohort_average_percent": percent,
    }
    description = curve_of(facts).description
    assert f"rises from 0 at surgery to {said} out of 100 after 10 years" in description
    assert f"likely range {said} to {said}; the average of the cohort rises to {said}." in description


@pytest.mark.parametrize(("distance", "x"), [(0, 0.0), (1.5, 24.0), (-3, -48.0), (9, 48), (-9, -48)])
def test_a_value_far_out_stands_at_the_end_of_its_line(distance, x):
    assert f'cx="{x}"' in place_in_cohort(distance) or f'cx="{float(x)}"' in place_in_cohort(distance)


def test_numbers_are_written_as_the_language_writes_them(ask):
    facts = facts_of(ask())
    with translation.override("de"):
        assert re.fullmatch("[+\N{MINUS SIGN}]\\d+,\\d", words_of(facts).raised[0].points)


@pytest.mark.parametrize("view", ["text", "icons", "curve", "table"])
def test_the_view_that_was_chosen_is_remembered(ask, page_of, view):
    prediction = ask()
    assert f'id="view-{view}" class="view chosen"' in page_of(prediction, f"?view={view}")
    assert f'id="view-{view}" class="view chosen"' in page_of(prediction)


def test_over_https_the_choice_is_a_cookie_of_this_host_alone(ask, alice, browser_of):
    client, path = browser_of(alice), f"/predictions/{ask().id}/"
    cookie = client.get(f"{path}?view=curve", secure=True).cookies["__Host-view"]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    assert 'id="view-curve" class="view chosen"' in client.get(path, secure=True).content.decode()


def test_an_unknown_view_is_the_text(ask, page_of):
    assert 'id="view-text" class="view chosen"' in page_of(ask(), "?view=<script>")


def test_earlier_results_of_the_case_are_told_with_what_changed(ask, page_of):
    first = ask()
    second = ask(age=58)
    third = ask(age=58, without=["CCNE2"], IL18=7.25)
    fourth = ask(age=58, without=["CCNE2"], IL18=7.25)
    page = page_of(fourth)
    for words in (
        "The first.",
        "Age 57 became 58.",
        "1 gene not measured any more.",
        "1 gene has another value.",
        "Nothing: the same input and release.",
    ):
        assert page.count(words) == 1, words
    for earlier in (first, second, third):
        assert f"/predictions/{earlier.id}/" in page
    assert "1 gene not measured any more. 1 gene has another value." in page
    disclosed = Event.objects.filter(action="prediction.disclosed").latest("id")
    assert disclosed.facts["of_the_same_case"] == [str(row.id) for row in (third, second, first)]


def test_whoever_reads_an_earlier_result_is_led_to_the_latest(ask, page_of):
    first, _second, third = ask(), ask(age=58), ask(age=59)
    page = page_of(first)
    notice = page[page.index("This is not the latest result of the case.") :]
    assert notice.index(f"/predictions/{third.id}/") < notice.index("out of 100")
    assert "This is not the latest" not in page_of(third)


def test_predictions_of_no_case_have_no_history(ask, page_of):
    ask(case="")
    assert "All results of this case" not in page_of(ask(case=""))


def test_the_same_reference_elsewhere_is_another_case(ask, page_of, other_hospital, charlie):
    theirs = submission.submit_panel(
        PanelRequest(
            measurements=tuple(Measurement(symbol, value) for symbol, value in values_of(1).items()),
            unit="log2_intensity",
            case_reference="P-0042",
        ),
        Actor(other_hospital, "form", person=charlie),
    )
    ask()
    assert str(theirs.id) not in page_of(ask())


def test_a_reader_of_a_waiting_result_hears_of_the_second_reading(ask, browser_of, alice):
    client, prediction = browser_of(alice), ask()
    address = f"/predictions/{prediction.id}/second-reading/"
    waiting = client.get(address)
    assert (waiting.status_code, waiting.content) == (200, b"Waiting for the second reading")
    confirm_waiting()
    done = client.get(address)
    assert (done.status_code, done.content) == (286, b"Confirmed by a second reading")
    assert not Event.objects.filter(action="prediction.disclosed").exists()


def test_a_dispute_reloads_the_page_that_waited(ask, browser_of, alice):
    prediction = ask()
    Prediction.objects.filter(id=prediction.id).update(
        second_reading_at=prediction.created_at, second_reading_difference=0.1
    )
    answer = browser_of(alice).get(f"/predictions/{prediction.id}/second-reading/")
    assert answer["HX-Refresh"] == "true"


@pytest.mark.parametrize("page", ["second-reading/", "compare/?release=rotterdam76-ridge/1.0.0"])
def test_nothing_of_a_prediction_is_told_to_another_hospital(ask, browser_of, charlie, page):
    assert browser_of(charlie).get(f"/predictions/{ask().id}/{page}").status_code == 404
    assert browser_of(charlie).get(f"/predictions/{uuid4()}/{page}").status_code == 404


def test_another_release_may_be_asked_and_who_saw_it_is_on_record(ask, browser_of, alice, narrow):
    prediction = ask()
    client = browser_of(alice)
    assert "What another release says" in client.get(f"/predictions/{prediction.id}/").content.decode()
    wanted = f"{narrow.name}/{narrow.version}"
    response = client.get(f"/predictions/{prediction.id}/compare/", {"release": wanted})
    page = " ".join(response.content.decode().split())
    assert f"{narrow} says is shown to compare the two" in page
    own, others = (side["words"].findings[0].words.had_it for side in response.context["sides"])
    assert own != others
    event = Event.objects.get(action="prediction.compared")
    assert event.facts["other_release"] == str(narrow)
    assert Prediction.objects.count() == 1


@pytest.mark.parametrize("wanted", ["", "stable/9", "x" * 3000, "rotterdam76-ridge/9.9.9", "\x00"])
def test_a_release_that_may_not_be_called_is_not_found(ask, browser_of, alice, wanted):
    response = browser_of(alice).get(f"/predictions/{ask().id}/compare/", {"release": wanted})
    assert response.status_code == 404


def test_a_retired_release_is_not_offered(ask, page_of, narrow):
    narrow.state = ReleaseState.RETIRED
    narrow.save()
    assert "What another release says" not in page_of(ask())
