"""Two people decide at the same moment, on two connections, with real commits."""

from threading import Barrier, Thread

from django.db import connection

from accounts.actors import Steward
from accounts.models import Organisation, Role
from predictions import lifecycle
from predictions.exceptions import StepRefused
from predictions.models import Activation, Release
from tests.cast import make_person
from tests.predictions.conftest import registered


def test_of_two_people_who_approve_at_once_one_makes_it_live_and_the_other_is_told(
    transactional_db, manifest, candidate_manifest
):
    clinic = Organisation.objects.create(slug="clinic", name="The clinic")
    names = {"adam": Role.ADMIN, "ada": Role.ADMIN, "audrey": Role.AUDITOR}
    adam, *approvers = [Steward(make_person(name, clinic, role), "form") for name, role in names.items()]
    lifecycle.start_with({"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256})
    proposal = lifecycle.propose(registered(candidate_manifest), adam)
    barrier, told = Barrier(2), []

    def approve(by):
        barrier.wait()
        try:
            told.append(str(lifecycle.approve(proposal, by).decided_by))
        except StepRefused as refusal:
            told.append(str(refusal))
        finally:
            connection.close()

    threads = [Thread(target=approve, args=[by]) for by in approvers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([outcome for outcome in told if outcome in {"Ada", "Audrey"}]) == 1
    assert len([outcome for outcome in told if "approved already" in outcome]) == 1
    assert Activation.objects.filter(proposal=proposal).count() == 1
    assert Release.objects.get(state="live").version == "1.1.0"
