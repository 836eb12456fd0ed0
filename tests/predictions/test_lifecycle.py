"""How a release becomes live, and stops to be: by two people, on record, and held by the database."""

import json

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import ledger
from accounts.actors import Steward
from accounts.models import Event, Role
from predictions import comparison, lifecycle, releases
from predictions.exceptions import NotEntitled, PanelRefused, ReleaseUnavailable, StepRefused, UnknownRelease
from predictions.facts import facts_of
from predictions.models import Activation, Proposal, Release, ReleaseState
from tests.cast import make_person
from tests.predictions.conftest import registered

pytestmark = pytest.mark.django_db


def bring(release, state, proposer, approver):
    """Take a callable release to a state by the ordinary way."""
    match state:
        case "live":
            lifecycle.approve(lifecycle.propose(release, proposer), approver)
        case "shadow":
            lifecycle.shadow(release, proposer)
        case "retired":
            lifecycle.retire(release, proposer)
        case "quarantined":
            lifecycle.quarantine(release, "a test")
    release.refresh_from_db()
    assert release.state == state


def take(step, release, proposer, approver):
    if step == "activate":
        lifecycle.approve(lifecycle.propose(release, proposer), approver)
    else:
        getattr(lifecycle, step)(release, proposer)


def bodies(action):
    return [json.loads(bytes(event.body)) for event in Event.objects.filter(action=action)]


def run(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement, parameters)


@pytest.mark.parametrize(
    ("state", "step", "expected"),
    [
        ("callable", "activate", "live"),
        ("callable", "shadow", "shadow"),
        ("callable", "make_callable", "is callable already"),
        ("callable", "retire", "retired"),
        ("live", "activate", "is live already"),
        ("live", "shadow", "make another release live first"),
        ("live", "make_callable", "make another release live first"),
        ("live", "retire", "make another release live first"),
        ("shadow", "activate", "live"),
        ("shadow", "shadow", "is shadow already"),
        ("shadow", "make_callable", "callable"),
        ("shadow", "retire", "retired"),
        ("retired", "activate", "live"),
        ("retired", "shadow", "is retired"),
        ("retired", "make_callable", "is retired"),
        ("retired", "retire", "is retired already"),
        ("quarantined", "activate", "is quarantined"),
        ("quarantined", "shadow", "is quarantined"),
        ("quarantined", "make_callable", "is quarantined"),
        ("quarantined", "retire", "is quarantined"),
    ],
)
def test_a_release_goes_from_state_to_state_along_the_known_ways_only(
    candidate, proposer, approver, state, step, expected
):
    bring(candidate, state, proposer, approver)
    if expected in ReleaseState.values:
        take(step, candidate, proposer, approver)
        candidate.refresh_from_db()
        assert candidate.state == expected
    else:
        with pytest.raises(StepRefused, match=expected):
            take(step, candidate, proposer, approver)


@pytest.mark.parametrize("state", ReleaseState.values)
def test_every_release_can_be_quarantined_and_no_one_brings_it_back(candidate, proposer, approver, state):
    bring(candidate, state, proposer, approver)
    lifecycle.quarantine(candidate, "a test")
    lifecycle.quarantine(candidate, "and once more")
    candidate.refresh_from_db()
    assert candidate.state == ReleaseState.QUARANTINED
    assert len(bodies("release.quarantined")) == 1


@pytest.mark.parametrize("state", ["callable", "live", "shadow", "retired", "quarantined"])
def test_only_a_live_or_callable_release_answers_those_who_name_it(
    candidate, proposer, approver, submit, state
):
    bring(candidate, state, proposer, approver)
    if state in {"callable", "live"}:
        assert submit(0, model="rotterdam76-ridge/1.1.0").release == candidate
    else:
        with pytest.raises(UnknownRelease):
            releases.find_release("rotterdam76-ridge/1.1.0")
        with pytest.raises(PanelRefused, match="model_unknown"):
            submit(0, model="rotterdam76-ridge/1.1.0")


def test_a_retired_release_still_explains_what_it_answered(candidate, proposer, submit):
    prediction = submit(0, model="rotterdam76-ridge/1.1.0")
    before = facts_of(prediction)
    lifecycle.retire(candidate, proposer)
    prediction.refresh_from_db()
    assert facts_of(prediction) == before


@pytest.mark.parametrize(
    ("who", "step", "allowed"),
    [
        ("adam", "propose", True),
        ("adam", "approve", True),
        ("adam", "roll_back", True),
        ("adam", "shadow", True),
        ("adam", "retire", True),
        ("ada", "approve", True),
        ("sue", "propose", True),
        ("sue", "approve", True),
        ("sue", "roll_back", True),
        ("audrey", "approve", True),
        ("audrey", "propose", False),
        ("audrey", "roll_back", False),
        ("audrey", "shadow", False),
        ("audrey", "retire", False),
        ("alice", "propose", False),
        ("alice", "approve", False),
        ("alice", "roll_back", False),
        ("alice", "shadow", False),
        ("alice", "retire", False),
    ],
)
def test_each_step_is_for_those_who_answer_for_it(
    candidate, narrow, alice, adam, ada, audrey, sue, other_hospital, who, step, allowed
):
    olga = Steward(make_person("olga", other_hospital, Role.ADMIN), "form")
    lifecycle.approve(lifecycle.propose(candidate, olga), Steward(audrey, "form"))
    proposal = lifecycle.propose(narrow, olga)
    by = Steward({"adam": adam, "ada": ada, "audrey": audrey, "sue": sue, "alice": alice}[who], "form")
    steps = {
        "propose": lambda: lifecycle.propose(narrow, by),
        "approve": lambda: lifecycle.approve(proposal, by),
        "roll_back": lambda: lifecycle.roll_back(lifecycle.current_activation(), by, "it was wrong"),
        "shadow": lambda: lifecycle.shadow(narrow, by),
        "retire": lambda: lifecycle.retire(narrow, by),
    }
    if allowed:
        steps[step]()
    else:
        with pytest.raises(NotEntitled):
            steps[step]()


def test_an_administrator_who_left_decides_nothing(candidate, adam, proposer):
    adam.is_active = False
    with pytest.raises(NotEntitled):
        lifecycle.propose(candidate, proposer)


def test_two_people_make_a_release_live_and_the_one_before_stays_callable(
    release, candidate, proposer, approver, submit
):
    activation = lifecycle.approve(lifecycle.propose(candidate, proposer), approver)
    release.refresh_from_db()
    assert release.state == ReleaseState.CALLABLE
    assert submit(0).release == candidate
    assert (activation.proposed_by, activation.decided_by) == (proposer.person, approver.person)


def test_nobody_approves_what_they_proposed_not_even_the_superuser(candidate, sue):
    proposal = lifecycle.propose(candidate, Steward(sue, "form"))
    with pytest.raises(StepRefused, match="somebody else approves"):
        lifecycle.approve(proposal, Steward(sue, "command"))
    assert releases.find_release() != candidate


def test_a_first_start_makes_its_release_live_without_people_and_no_later_one(release, candidate_manifest):
    with pytest.raises(StepRefused, match="two people"):
        lifecycle.start_with({"name": "another", "version": "1.0.0", "sha256": candidate_manifest.sha256})
    assert not Release.objects.filter(name="another").exists()
    assert Activation.objects.get().kind == "first"


def test_where_nothing_was_ever_live_two_people_start(db, manifest, proposer, approver):
    release = registered(manifest)
    proposal = lifecycle.propose(release, proposer)
    assert proposal.report["before"] is None
    lifecycle.approve(proposal, approver)
    assert releases.find_release() == release


def test_a_release_whose_file_is_not_the_one_on_record_never_goes_live(release, proposer, approver):
    forged = releases.register({"name": release.name, "version": "2.0.0", "sha256": "0" * 64})
    with pytest.raises(ReleaseUnavailable):
        lifecycle.propose(forged, proposer)
    proposal = Proposal.objects.create(
        release=forged, against=lifecycle.current_activation(), proposed_by=proposer.person, report={}
    )
    with pytest.raises(ReleaseUnavailable):
        lifecycle.approve(proposal, approver)
    assert releases.find_release() == release


def test_a_seal_that_breaks_after_the_proposal_is_found_though_the_release_is_remembered(
    candidate, candidate_manifest, proposer, approver, tmp_path, settings
):
    proposal = lifecycle.propose(candidate, proposer)
    settings.MODEL_STORE = str(tmp_path)
    with pytest.raises(ReleaseUnavailable):
        lifecycle.approve(proposal, approver)


def test_a_quarantined_release_is_not_approved_though_it_was_proposed_before(candidate, proposer, approver):
    proposal = lifecycle.propose(candidate, proposer)
    lifecycle.quarantine(candidate, "a test")
    with pytest.raises(StepRefused, match="is quarantined"):
        lifecycle.approve(proposal, approver)


def test_a_proposal_is_stale_once_another_release_went_live(candidate, narrow, proposer, approver):
    stale = lifecycle.propose(candidate, proposer)
    lifecycle.approve(lifecycle.propose(narrow, proposer), approver)
    with pytest.raises(StepRefused, match=r"1\.2\.0 went live since .*1\.1\.0 was proposed"):
        lifecycle.approve(stale, approver)
    lifecycle.approve(lifecycle.propose(candidate, proposer), approver)
    assert releases.find_release() == candidate


def test_a_proposal_is_stale_even_if_the_same_release_is_live_again(candidate, narrow, proposer, approver):
    stale = lifecycle.propose(candidate, proposer)
    lifecycle.approve(lifecycle.propose(narrow, proposer), approver)
    lifecycle.roll_back(lifecycle.current_activation(), proposer, "it was wrong")
    with pytest.raises(StepRefused, match="propose it again"):
        lifecycle.approve(stale, approver)


def test_a_newer_proposal_replaces_an_older_one(candidate, proposer, approver):
    older = lifecycle.propose(candidate, proposer)
    newer = lifecycle.propose(candidate, proposer)
    with pytest.raises(StepRefused, match="newer proposal"):
        lifecycle.approve(older, approver)
    lifecycle.approve(newer, approver)


def test_a_release_that_was_retired_after_its_proposal_is_not_brought_back_by_it(
    candidate, proposer, approver
):
    proposal = lifecycle.propose(candidate, proposer)
    lifecycle.retire(candidate, proposer)
    with pytest.raises(StepRefused, match="was retired since"):
        lifecycle.approve(proposal, approver)


def test_a_proposal_is_approved_once(candidate, proposer, approver, ada):
    proposal = lifecycle.propose(candidate, proposer)
    lifecycle.approve(proposal, approver)
    with pytest.raises(StepRefused, match="approved already"):
        lifecycle.approve(proposal, Steward(ada, "form"))


def test_one_person_rolls_back_at_once_with_a_reason(release, candidate, proposer, approver, submit):
    bring(candidate, "live", proposer, approver)
    with pytest.raises(StepRefused, match="reason"):
        lifecycle.roll_back(lifecycle.current_activation(), proposer, "  ")
    lifecycle.roll_back(lifecycle.current_activation(), proposer, "Too high in young patients")
    assert submit(0).release == release
    (body,) = bodies("release.rolled_back")
    assert (body["reason"], body["replaced"]) == ("Too high in young patients", str(candidate))
    assert body["person"] == str(proposer.person.id)


def test_a_roll_back_gets_out_of_a_quarantine(release, candidate, proposer, approver, submit):
    bring(candidate, "live", proposer, approver)
    lifecycle.quarantine(candidate, "its two readings disagree")
    with pytest.raises(ReleaseUnavailable):
        submit(0)
    lifecycle.roll_back(lifecycle.current_activation(), proposer, "Quarantined")
    assert submit(0).release == release


def test_whoever_rolls_back_twice_by_accident_rolls_back_once(candidate, narrow, proposer, approver):
    bring(candidate, "live", proposer, approver)
    bring(narrow, "live", proposer, approver)
    leaving = lifecycle.current_activation()
    lifecycle.roll_back(leaving, proposer, "it was wrong")
    with pytest.raises(StepRefused, match="meanwhile"):
        lifecycle.roll_back(leaving, proposer, "it was wrong")
    assert releases.find_release() == candidate


def test_rolling_back_again_goes_further_back_and_never_to_what_was_left(
    release, candidate, narrow, proposer, approver
):
    bring(candidate, "live", proposer, approver)
    bring(narrow, "live", proposer, approver)
    for expected in (candidate, release):
        lifecycle.roll_back(lifecycle.current_activation(), proposer, "it was wrong")
        assert releases.find_release() == expected
    with pytest.raises(StepRefused, match="nothing to roll back to"):
        lifecycle.roll_back(lifecycle.current_activation(), proposer, "it was wrong")


@pytest.mark.parametrize(("state", "said"), [("retired", "two people"), ("quarantined", "is quarantined")])
def test_there_is_no_roll_back_to_a_release_that_must_not_answer(
    release, candidate, proposer, approver, state, said
):
    bring(candidate, "live", proposer, approver)
    bring(Release.objects.get(pk=release.pk), state, proposer, approver)
    with pytest.raises(StepRefused, match=said):
        lifecycle.roll_back(lifecycle.current_activation(), proposer, "it was wrong")


def test_every_step_is_on_record_with_who_took_it(release, candidate, proposer, approver):
    lifecycle.shadow(candidate, proposer)
    proposal = lifecycle.propose(candidate, proposer)
    lifecycle.approve(proposal, approver)
    lifecycle.roll_back(lifecycle.current_activation(), proposer, "it was wrong")
    lifecycle.retire(candidate, proposer)
    lifecycle.quarantine(candidate, "a test")
    told = [
        (event.action, str(event.release).split()[1], event.person and event.person.name)
        for event in Event.objects.filter(action__startswith="release.").order_by("id")
    ]
    assert told == [
        ("release.registered", "1.0.0", None),
        ("release.activated", "1.0.0", None),
        ("release.registered", "1.1.0", None),
        ("release.shadowed", "1.1.0", "Adam"),
        ("release.proposed", "1.1.0", "Adam"),
        ("release.activated", "1.1.0", "Audrey"),
        ("release.rolled_back", "1.0.0", "Adam"),
        ("release.retired", "1.1.0", "Adam"),
        ("release.quarantined", "1.1.0", None),
    ]
    assert bodies("release.activated")[0]["proposed_by"] == str(proposer.person.id)


def test_when_the_audit_write_fails_the_release_stays_what_it_was(
    release, candidate, proposer, approver, monkeypatch
):
    proposal = lifecycle.propose(candidate, proposer)
    monkeypatch.setattr(ledger, "canonical_json", lambda _facts: b"not json")
    with pytest.raises(DatabaseError), transaction.atomic():
        lifecycle.approve(proposal, approver)
    assert not Activation.objects.filter(release=candidate).exists()
    assert Release.objects.get(state="live") == release


def test_auditors_of_every_organisation_read_what_happened_to_releases(
    candidate, proposer, audrey, ada, browser_of
):
    lifecycle.shadow(candidate, proposer)
    for person in (audrey, ada):
        page = browser_of(person).get("/admin/accounts/event/").content.decode()
        assert "release.shadowed" in page


@pytest.fixture
def decided(release, candidate, proposer, approver):
    """A proposal that was approved, to be tampered with."""
    return lifecycle.approve(lifecycle.propose(candidate, proposer), approver)


INSERT = (
    "INSERT INTO predictions_activation (id, kind, release_id, activated_at, follows_id, proposal_id, "
    "proposed_by_id, decided_by_id, returns_to_id, reason) "
    "VALUES (gen_random_uuid(), %s, %s, now(), %s, %s, %s, %s, %s, %s)"
)


def test_the_database_refuses_an_approval_by_the_proposer(release, candidate, proposer):
    proposal = lifecycle.propose(candidate, proposer)
    same = proposer.person.id
    with pytest.raises(DatabaseError, match="activation_two_people"), transaction.atomic():
        run(INSERT, "approved", candidate.id, proposal.against_id, proposal.id, same, same, None, "")


def test_the_database_refuses_an_approval_in_the_name_of_another_proposer(candidate, proposer, approver, ada):
    proposal = lifecycle.propose(candidate, proposer)
    with pytest.raises(DatabaseError, match="activation_as_proposed"), transaction.atomic():
        run(
            INSERT, "approved", candidate.id, proposal.against_id, proposal.id, ada.id, proposer.person.id,
            None, "",
        )  # fmt: skip


def test_the_database_refuses_to_approve_another_release_than_the_proposed(
    candidate, narrow, proposer, approver
):
    proposal = lifecycle.propose(candidate, proposer)
    people = (proposer.person.id, approver.person.id)
    with pytest.raises(DatabaseError, match="activation_as_proposed"), transaction.atomic():
        run(INSERT, "approved", narrow.id, proposal.against_id, proposal.id, *people, None, "")


def test_the_database_refuses_a_stale_proposal(candidate, narrow, proposer, approver):
    stale = lifecycle.propose(candidate, proposer)
    lifecycle.approve(lifecycle.propose(narrow, proposer), approver)
    people = (proposer.person.id, approver.person.id)
    follows = Activation.objects.get(followed_by=None).id
    with pytest.raises(DatabaseError, match="activation_not_stale"), transaction.atomic():
        run(INSERT, "approved", candidate.id, follows, stale.id, *people, None, "")
    with pytest.raises(DatabaseError, match="follows_id"), transaction.atomic():
        run(INSERT, "approved", candidate.id, stale.against_id, stale.id, *people, None, "")


def test_the_database_refuses_a_second_first_release(release, candidate):
    with pytest.raises(DatabaseError, match="activation_one_first"), transaction.atomic():
        run(INSERT, "first", candidate.id, None, None, None, None, None, "")


def test_the_database_refuses_a_roll_back_without_reason_or_to_another_release(decided, narrow, adam):
    first = decided.follows
    with pytest.raises(DatabaseError, match="activation_whole"), transaction.atomic():
        run(INSERT, "rolled_back", first.release_id, decided.id, None, None, adam.id, first.id, "")
    with pytest.raises(DatabaseError, match="activation_returns"), transaction.atomic():
        run(INSERT, "rolled_back", narrow.id, decided.id, None, None, adam.id, first.id, "it was wrong")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE predictions_proposal SET report = '{}'",
        "UPDATE predictions_proposal SET proposed_by_id = gen_random_uuid()",
        "DELETE FROM predictions_proposal",
        "TRUNCATE predictions_proposal CASCADE",
        "UPDATE predictions_activation SET reason = 'another'",
        "DELETE FROM predictions_activation",
        "TRUNCATE predictions_activation CASCADE",
        "UPDATE predictions_release SET sha256 = repeat('0', 64) WHERE state = 'callable'",
        "UPDATE predictions_release SET name = 'another'",
        "UPDATE predictions_release SET state = 'shadow' WHERE state = 'live'",
        "UPDATE predictions_release SET state = 'retired' WHERE state = 'live'",
        "UPDATE predictions_release SET state = 'unheard of'",
        "DELETE FROM predictions_release",
        "TRUNCATE predictions_release CASCADE",
        "INSERT INTO predictions_release SELECT gen_random_uuid(), 'new', '1.0.0', repeat('1', 64), 'live', "
        "now(), now()",
    ],
)
def test_the_database_refuses_to_change_what_was_decided(decided, statement):
    refusal = r"refused|only the state|does not go|starts callable"
    with pytest.raises(DatabaseError, match=refusal), transaction.atomic():
        run(statement)


def test_the_database_refuses_to_make_a_release_live_without_an_activation(release, candidate):
    run("UPDATE predictions_release SET state = 'callable' WHERE state = 'live'")
    with pytest.raises(DatabaseError, match="latest activation only"), transaction.atomic():
        run("UPDATE predictions_release SET state = 'live' WHERE id = %s", candidate.id)


def test_silencing_ordinary_triggers_does_not_silence_these():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal "
            "AND tgrelid::regclass::text LIKE 'predictions_%'"
        )
        triggers = cursor.fetchall()
    assert {table for table, _, _ in triggers} == {
        "predictions_prediction",
        "predictions_release",
        "predictions_proposal",
        "predictions_activation",
        "predictions_shadowreading",
        "predictions_review",
        "predictions_erasurerequest",
        "predictions_erasuredecision",
        "predictions_erasurecompletion",
        "predictions_retentionproposal",
        "predictions_retentionrule",
        "predictions_madereport",
        "predictions_cohort",
        "predictions_cohortrefusal",
        "predictions_platformprofile",
    }
    assert {enabled for _, _, enabled in triggers} == {"A"}


def test_the_report_is_bound_to_its_event(candidate, proposer):
    proposal = lifecycle.propose(candidate, proposer)
    (body,) = bodies("release.proposed")
    assert body["proposal"] == str(proposal.id)
    assert body["report_sha256"] == lifecycle._digest(Proposal.objects.get().report)


def test_the_number_of_inputs_that_are_compared_can_be_chosen(candidate, proposer, submit):
    for patient in range(3):
        submit(patient)
    assert lifecycle.propose(candidate, proposer, 2).report["inputs"] == 2
    assert lifecycle.propose(candidate, proposer).report["inputs"] == 3
    assert comparison.INPUTS == 200
