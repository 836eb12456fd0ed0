"""How a cohort ends other than well, and when its file goes."""

from datetime import timedelta
from io import BytesIO, StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, connection, transaction
from django.utils import timezone

from accounts.models import Event
from predictions import cohort_inputs, cohort_rows, cohort_work, cohorts, lifecycle
from predictions.cohort_records import CohortInput, CohortRefusal, InputPart
from predictions.models import Prediction
from predictions.tasks import forget_cohort_files
from tests.predictions.test_cohorts import SHARED, as_csv, patients

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(release, alice_acting):
    """Twenty-five samples, of which some will be refused."""
    return cohorts.start_cohort(BytesIO(as_csv(patients(25))), SHARED, alice_acting)


@pytest.fixture
def read(sent):
    cohort_work.work()
    sent.refresh_from_db()
    assert sent.refused
    return sent


def test_a_release_that_is_quarantined_meanwhile_answers_nobody_more_and_the_page_says_so(
    sent, monkeypatch, alice, browser_of
):
    real = cohort_rows.write

    def write_and_quarantine(predictions, cohort, actor):
        real(predictions, cohort, actor)
        lifecycle.quarantine(cohort.release, "a test")

    monkeypatch.setattr(cohort_work, "AT_ONCE", 10)
    monkeypatch.setattr(cohort_rows, "write", write_and_quarantine)
    cohort_work.work()
    sent.refresh_from_db()
    assert (sent.state, sent.reason, sent.received) == ("failed", "release_quarantined", 10)
    assert Prediction.objects.filter(cohort=sent).count() == sent.predicted
    assert CohortRefusal.objects.filter(cohort=sent).count() == sent.refused
    assert cohort_work.work() == 0
    page = browser_of(alice).get(f"/cohorts/{sent.id}/").content.decode()
    assert "Reading stopped before the end of the file" in page
    assert "release_quarantined" in page


def test_an_error_while_rows_are_copied_is_one_that_the_worker_knows():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(cohort_rows.STAGE)
        with pytest.raises(DataError, match="field count"), transaction.atomic():
            cohort_rows.copy_rows(cohort_rows.COPY, [(b"no identifier",)])


def test_a_file_with_refused_samples_goes_after_fourteen_days(read):
    kept = CohortInput.objects.get(cohort=read)
    assert timedelta(days=13, hours=23) < kept.expires_at - read.created_at < timedelta(days=14, hours=1)
    assert forget_cohort_files() == 0
    CohortInput.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert forget_cohort_files() == 1
    assert not InputPart.objects.exists()
    assert Event.objects.filter(action="cohort.input_deleted").count() == 1
    sample, *_ = cohorts.disclose_problems(cohort_work.actor_of(read), read.id).samples
    assert (sample.sample_id, bool(sample.codes)) == (None, True)


def test_a_file_that_still_waits_is_kept_however_long_that_takes(sent):
    CohortInput.objects.update(expires_at=timezone.now() - timedelta(days=1))
    InputPart.objects.update(stored_at=timezone.now() - timedelta(days=15))
    assert forget_cohort_files() == 0
    cohort_work.work()
    sent.refresh_from_db()
    assert sent.state == "finished"


def test_an_upload_that_nobody_took_is_swept_after_a_day_and_others_stay(sent):
    cohort_inputs.store(BytesIO(bytes(3 * cohort_inputs.PART)))
    assert InputPart.objects.count() == 4
    assert forget_cohort_files() == 0
    InputPart.objects.update(stored_at=timezone.now() - timedelta(hours=25))
    assert forget_cohort_files() == 3
    assert InputPart.objects.get().upload == CohortInput.objects.get(cohort=sent).upload


def test_a_rotation_wraps_the_keys_of_stored_files_too_and_a_former_key_is_no_longer_needed(sent, settings):
    settings.CASE_KEYS = {"new": bytes(range(32)), **settings.CASE_KEYS}
    said = StringIO()
    call_command("rotate_case_keys", stdout=said)
    assert "1 keys of stored files rewrapped" in said.getvalue()
    settings.CASE_KEYS = {"new": bytes(range(32))}
    stored = cohort_inputs.find(sent)
    assert stored is not None
    assert stored.open().read() == as_csv(patients(25))
    assert Event.objects.filter(action="cohort.keys_rewrapped").count() == 1
    cohort_work.work()
    sent.refresh_from_db()
    assert sent.state == "finished"


def test_a_rotation_that_lacks_the_key_of_a_file_does_not_say_that_it_is_done(sent, settings):
    settings.CASE_KEYS = {"new": bytes(range(32)), "newer": bytes(32)}
    with pytest.raises(CommandError, match="1 keys are not wrapped by new yet"):
        call_command("rotate_case_keys", stdout=StringIO())
