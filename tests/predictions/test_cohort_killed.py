"""A worker that is killed in the middle of a chunk: a real process, with real commits."""

import io
import os
import signal
import subprocess
import sys
from time import monotonic, sleep

from django.db import connection

from accounts import verification
from accounts.actors import Actor
from accounts.models import Organisation, Role
from predictions import cohort_work, cohorts, lifecycle
from predictions.intake.measurements import PanelRequest
from predictions.models import Prediction
from tests.cast import make_person
from tests.predictions.test_cohorts import as_csv, patients

# After the rows of the second piece were sent to the database, and before they are committed.
KILLED = """
import os, signal, django
django.setup()
from predictions import cohort_rows, cohort_work
cohort_work.AT_ONCE = 10
real, calls = cohort_rows.write_refusals, []
def write_refusals(*arguments):
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
cohort_rows.write_refusals = write_refusals
cohort_work.work()
"""


def go_on():
    """Work as soon as the database has noticed that the killed worker, whose lock it held, is gone."""
    end = monotonic() + 10
    while not cohort_work.work() and monotonic() < end:
        sleep(0.05)


def test_what_a_killed_worker_committed_stays_and_the_next_one_goes_on_behind_it(transactional_db, manifest):
    clinic = Organisation.objects.create(slug="clinic", name="The clinic")
    alice = Actor(clinic, "form", person=make_person("alice", clinic, Role.CLINICIAN))
    lifecycle.start_with({"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256})
    file = io.BytesIO(as_csv(patients(25)))
    cohort = cohorts.start_cohort(file, PanelRequest((), "log2_intensity"), alice)

    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    database = {"DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}"}
    environment = {**os.environ, **database, "DJANGO_SETTINGS_MODULE": "breastrisk.settings"}
    worker = subprocess.run([sys.executable, "-c", KILLED], check=False, env=environment)
    cohort.refresh_from_db()
    assert worker.returncode == -signal.SIGKILL
    assert (cohort.state, cohort.received) == ("running", 10)

    go_on()
    cohort.refresh_from_db()
    assert (cohort.state, cohort.received) == ("finished", 25)
    assert Prediction.objects.filter(cohort=cohort).count() == cohort.predicted
    assert cohort.received == cohort.predicted + cohort.refused
    assert list(verification.verify()) == []
