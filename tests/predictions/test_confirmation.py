"""The second reading confirms, or raises the alarm."""

import dataclasses
import logging

import pytest

from accounts.models import Event
from ml_models.sealing import SealBroken
from predictions import pickled_forms, submission
from predictions.exceptions import ReleaseUnavailable
from predictions.facts import facts_of
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.models import Prediction, ReleaseState
from predictions.tasks import confirm_predictions
from tests.panels import age_of, values_of

pytestmark = pytest.mark.django_db


def submit(patient, actor, **options):
    measurements = tuple(
        Measurement(*item) for item in {**values_of(patient), **options.pop("changed", {})}.items()
    )
    return submission.submit_panel(PanelRequest(measurements, "log2_intensity", **options), actor)


@pytest.fixture
def distorted(monkeypatch):
    """The pickled form reads every risk a billionth too high."""
    pickled_form = pickled_forms.pickled_form

    class Distorted:
        def __init__(self, release):
            self.model = pickled_form(release)

        def score(self, values, age):
            scores = self.model.score(values, age)
            return dataclasses.replace(scores, risk=scores.risk + 2e-9)

    monkeypatch.setattr(pickled_forms, "pickled_form", Distorted)


def test_both_readings_of_real_patients_agree(release, alice_acting):
    for patient in range(22, 34):
        submit(patient, alice_acting, age_years=age_of(patient) if patient % 2 else None)
    submit(13, alice_acting, changed={"IL18": None, "POLQ": None})
    assert facts_of(Prediction.objects.earliest("id"))["status"] == "awaiting_second_reading"
    assert confirm_predictions() == 13
    assert not Prediction.objects.exclude(second_reading_difference__lt=1e-12).exists()
    assert {facts_of(prediction)["status"] for prediction in Prediction.objects.all()} == {"confirmed"}


def test_a_prediction_is_read_again_only_once(release, alice_acting):
    submit(0, alice_acting)
    assert confirm_predictions() == 1
    first = Prediction.objects.get().second_reading_at
    assert confirm_predictions() == 0
    assert Prediction.objects.get().second_reading_at == first


def test_readings_that_differ_quarantine_the_release_and_raise_the_alarm(
    release, alice_acting, distorted, caplog
):
    prediction = submit(0, alice_acting)
    with caplog.at_level(logging.CRITICAL):
        confirm_predictions()
    prediction.refresh_from_db()
    assert facts_of(prediction)["status"] == "disputed"
    release.refresh_from_db()
    assert release.state == ReleaseState.QUARANTINED
    assert Event.objects.filter(action="release.quarantined").count() == 1
    assert "quarantined" in caplog.text
    with pytest.raises(ReleaseUnavailable):
        submit(0, alice_acting)


def test_a_pickle_that_is_not_the_sealed_one_quarantines_the_release(release, alice_acting, monkeypatch):
    def refuse(_release):
        raise SealBroken("altered", "pickle")

    submit(0, alice_acting)
    monkeypatch.setattr(pickled_forms, "pickled_form", refuse)
    assert confirm_predictions() == 0
    release.refresh_from_db()
    assert release.state == ReleaseState.QUARANTINED
    assert facts_of(Prediction.objects.get())["status"] == "awaiting_second_reading"


def test_the_audit_trail_says_how_large_the_difference_was(release, alice_acting, distorted):
    submit(0, alice_acting)
    confirm_predictions()
    event = Event.objects.get(action="release.quarantined")
    assert b"2e-09 apart" in bytes(event.body)
