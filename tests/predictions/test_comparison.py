"""The report that an approver reads says what really would change."""

import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from scipy.stats import spearmanr

from accounts.models import Event
from predictions import comparison, lifecycle, releases
from predictions.comparison import category_of
from predictions.models import Release, ReleaseState
from tests.panels import age_of, transbig, values_of

pytestmark = pytest.mark.django_db

PATIENTS = range(16)
STRICTER = 0.85


def read(release, patients):
    """Risks in percent, shape (patients, years), by the other form of the model, straight from the cohort."""
    model = releases.store().open_pickled(release.name, release.version, release.sha256, releases.keys())
    data = transbig()
    ages = np.array([age_of(patient) for patient in patients], dtype=float)
    return 100 * model.score(data.values[list(patients)], ages).risk


def rho(patient, manifest):
    return spearmanr(transbig().values[patient], manifest.means).statistic


def test_the_numbers_of_the_report_are_those_computed_from_the_cohort_itself(
    release, candidate, manifest, submit
):
    accepted = [patient for patient in PATIENTS if rho(patient, manifest) >= manifest.gate.spearman_minimum]
    ids = {patient: str(submit(patient).id) for patient in accepted}
    report = comparison.compare(candidate, release)

    both = [patient for patient in accepted if rho(patient, manifest) >= STRICTER]
    before, after = read(release, both), read(candidate, both)
    bands = [np.digitize(risks[:, 4], [10, 20]) for risks in (before, after)]
    assert 0 < len(both) < len(accepted)
    assert (report["inputs"], report["compared"]) == (len(accepted), len(both))
    assert report["newly_refused"] == len(accepted) - len(both)
    assert (report["newly_accepted"], report["not_comparable"]) == (0, 0)
    assert sum(move["count"] for move in report["category_changes"]) == (bands[0] != bands[1]).sum()
    for change, year in zip(report["years"], (4, 9), strict=True):
        difference = after[:, year] - before[:, year]
        assert change["mean_change"] == pytest.approx(difference.mean(), abs=1e-9)
        assert change["mean_absolute_change"] == pytest.approx(np.abs(difference).mean(), abs=1e-9)
        assert change["largest_absolute_change"] == pytest.approx(np.abs(difference).max(), abs=1e-9)
    worst = np.abs(after - before)[:, [4, 9]].max(axis=1).argmax()
    assert report["worst"][0]["prediction"] == ids[both[worst]]
    assert report["worst"][0]["before_percent"] == pytest.approx(before[worst, [4, 9]], abs=1e-9)
    assert report["worst"][0]["after_percent"] == pytest.approx(after[worst, [4, 9]], abs=1e-9)


def test_an_input_that_only_the_proposed_release_takes_is_newly_accepted(release, candidate, submit):
    off_scale = {symbol: value + 1.2 for symbol, value in values_of(5).items()}
    submit(5, changed=off_scale, model="rotterdam76-ridge/1.1.0")
    report = comparison.compare(candidate, release)
    assert (report["newly_accepted"], report["newly_refused"], report["compared"]) == (1, 0, 0)


def test_what_a_panel_never_had_a_place_for_cannot_be_compared(release, narrow, candidate, submit):
    submit(5)
    submit(7, model="rotterdam76-ridge/1.2.0")
    report = comparison.compare(candidate, release)
    assert (report["inputs"], report["compared"], report["not_comparable"]) == (2, 1, 1)
    assert comparison.compare(narrow, release)["not_comparable"] == 1


def test_a_release_of_fewer_genes_is_compared_on_those_it_reads(release, narrow, submit):
    submit(5)
    report = comparison.compare(narrow, release)
    assert (report["compared"], report["not_comparable"]) == (1, 0)


def test_too_few_genes_for_the_proposed_release_is_a_refusal(release, narrow, submit):
    missing = dict.fromkeys(list(values_of(5))[:20], None)
    submit(5, changed=missing)  # 49 of 69 are enough for one, 40 of 60 are not for the other
    assert comparison.compare(narrow, release)["newly_refused"] == 1


def test_the_report_names_no_case_and_no_value(release, candidate, submit):
    submit(5, case_reference="P-0042", sample_id="S-7")
    text = json.dumps(comparison.compare(candidate, release))
    assert "P-0042" not in text
    assert "S-7" not in text
    assert "clinic" not in text.lower()


def test_without_a_release_that_opens_there_is_nothing_to_compare_with(release, candidate, submit):
    submit(5)
    gone = Release(name="gone", version="1.0.0", sha256="0" * 64)
    assert comparison.compare(candidate, gone)["before"] is None


def test_a_release_in_quarantine_is_still_compared_with(release, candidate, proposer, submit):
    submit(5)
    lifecycle.quarantine(release, "a test")
    assert lifecycle.propose(candidate, proposer).report["compared"] == 1


@pytest.mark.parametrize(
    ("risk", "words"),
    [
        (0.0, "under 10 %"),
        (0.0999, "under 10 %"),
        (0.1, "10 to 20 %"),
        (0.2, "20 % or more"),
        (1.0, "20 % or more"),
    ],
)
def test_a_category_starts_at_its_cut_point(manifest, risk, words):
    assert category_of(risk, manifest.classification.categories) == words


def test_an_operator_names_two_people_and_reads_the_report(release, candidate, adam, audrey, submit, capsys):
    prediction = submit(5)
    name = ("activate_model", candidate.name, candidate.version)
    call_command(*name, proposed_by="ADAM@clinic.example")
    printed = capsys.readouterr().out
    assert "Adam proposes rotterdam76-ridge 1.1.0" in printed
    assert "The last 1 inputs" in printed
    assert str(prediction.id) in printed
    assert "--approved-by EMAIL" in printed
    with pytest.raises(CommandError, match="somebody else approves"):
        call_command(*name, approved_by=adam.email)
    call_command(*name, approved_by=audrey.email)
    assert "is live: proposed by Adam, approved by Audrey" in capsys.readouterr().out
    event = Event.objects.filter(action="release.activated").latest("id")
    assert (event.person, json.loads(bytes(event.body))["door"]) == (audrey, "command")
    call_command("roll_back_model", by=adam.email, reason="it was wrong")
    assert "rotterdam76-ridge 1.0.0 is live again" in capsys.readouterr().out
    candidate.refresh_from_db()
    assert candidate.state == ReleaseState.CALLABLE


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "Name who proposes"),
        ({"proposed_by": "nobody@clinic.example"}, "Nobody has the address"),
        ({"proposed_by": "alice@clinic.example"}, "not one of those who"),
        ({"approved_by": "audrey@clinic.example"}, "Nobody has proposed"),
    ],
)
def test_an_operator_is_told_what_does_not_go(candidate, alice, audrey, options, said):
    with pytest.raises(CommandError, match=said):
        call_command("activate_model", candidate.name, candidate.version, **options)


def test_an_operator_who_names_a_release_that_is_not_there_reads_which_are(release):
    with pytest.raises(CommandError, match=r"Registered: rotterdam76-ridge 1\.0\.0"):
        call_command("activate_model", "another", "1.0.0", proposed_by="x@y.example")
