"""The bytes of a report do not depend on the process, its clock, its locale or its order of hashes."""

import os
import subprocess
import sys

from django.conf import settings
from django.db import connection

from accounts.actors import Actor
from accounts.models import Organisation, Role
from predictions import lifecycle, reporting
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.submission import submit_panel
from tests.cast import make_person
from tests.panels import values_of

ELSEWHERE = """
import locale, django
locale.setlocale(locale.LC_ALL, "")
django.setup()
from accounts.actors import actor_of_person
from accounts.models import Person
from accounts.row_scope import within
from predictions.models import Prediction
from predictions.reporting import disclose_report
actor = actor_of_person(Person.objects.get(name="Alice"))
with within(actor.organisation.id):
    print(disclose_report(actor, Prediction.objects.get().id, str).digest.hex())
"""


def test_another_process_in_another_place_makes_the_same_bytes(transactional_db, manifest):
    clinic = Organisation.objects.create(slug="clinic", name="The clinic")
    actor = Actor(clinic, "form", person=make_person("alice", clinic, Role.CLINICIAN))
    lifecycle.start_with({"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256})
    values = tuple(Measurement(*item) for item in values_of(5).items())
    made = submit_panel(PanelRequest(values, "log2_intensity", case_reference="P-0042"), actor)
    here = reporting.disclose_report(actor, made.id, str).digest.hex()
    address, name = os.environ["DATABASE_URL"], connection.settings_dict["NAME"]
    place = {
        "DATABASE_URL": f"{address.rpartition('/')[0]}/{name}",
        "DJANGO_SETTINGS_MODULE": "breastrisk.settings",
        "PYTHONHASHSEED": "7",
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": "1",
    }
    elsewhere = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        env={**os.environ, **place},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert elsewhere.stdout.split()[-1] == here
