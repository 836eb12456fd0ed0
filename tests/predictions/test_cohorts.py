"""A file of many samples: nothing is lost, nobody's answer depends on the others, and it survives a kill."""

import io
import json
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from accounts import verification
from accounts.actors import Actor
from predictions import cohort_inputs, cohort_rows, cohort_work, cohorts, erasure
from predictions.cohort_records import Cohort, CohortInput, CohortRefusal, InputPart
from predictions.erasure_records import ErasureReason
from predictions.exceptions import CohortNotFound, PanelRefused
from predictions.facts import facts_of
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.intake.readers import samples_in_rows
from predictions.models import Prediction
from predictions.submission import submit_panel
from tests.panels import transbig

pytestmark = pytest.mark.django_db

SYMBOLS = [gene.symbol for gene in transbig().panel]
SHARED = PanelRequest(measurements=(), unit="log2_intensity")


def as_csv(rows, symbols=SYMBOLS):
    """Rows of (sample, age, values) as a file."""
    lines = [",".join(["sample", "age", *symbols])]
    lines += [",".join([sample, str(age), *map(str, values)]) for sample, age, values in rows]
    return ("\n".join(lines) + "\n").encode()


def patients(count, seed=0):
    """Real patients with a little noise, some of whom lack an age, a gene, or a scale that could be read."""
    random, data = np.random.default_rng(seed), transbig()
    for number in range(count):
        patient = int(random.integers(0, 198))
        values: list[float | str] = [
            float(v) for v in data.values[patient] + random.normal(0, 0.1, len(SYMBOLS))
        ]
        age = "" if random.random() < 0.3 else int(data.age[patient])
        if random.random() < 0.2:
            values[int(random.integers(0, len(values)))] = ""
        if random.random() < 0.1:
            values = [2**value if isinstance(value, float) else "" for value in values]
        yield f"Lab-{number}", age, values


@pytest.fixture
def send(release, alice_acting):
    def send_file(content, request=SHARED, **more):
        return cohorts.start_cohort(io.BytesIO(content), request, alice_acting, **more)

    return send_file


@pytest.fixture
def read(send):
    def read_file(content, request=SHARED):
        cohort = send(content, request)
        cohort_work.work()
        cohort.refresh_from_db()
        return cohort

    return read_file


def stored_file(cohort):
    stored = cohort_inputs.find(cohort)
    assert stored
    return stored.open()


def alone(actor, sample, age, values, unit="log2_intensity"):
    """The same sample as one panel: its prediction, or the codes of its refusal."""
    measurements = tuple(
        Measurement(*item) for item in zip(SYMBOLS, [None if v == "" else v for v in values], strict=True)
    )
    request = PanelRequest(measurements, unit, age_years=age or None, sample_id=sample)
    try:
        return submit_panel(request, actor)
    except PanelRefused as refusal:
        return sorted({problem.code for problem in refusal.problems})


def test_each_sample_of_a_cohort_has_the_answer_that_it_has_alone_to_the_last_bit(read, alice_acting):
    rows = list(patients(60))
    cohort = read(as_csv(rows))
    assert (cohort.state, cohort.received) == ("finished", 60)
    assert 0 < cohort.refused < cohort.predicted
    predictions = {one.cohort_number: one for one in Prediction.objects.filter(cohort=cohort)}
    refusals = {one.number: one for one in CohortRefusal.objects.filter(cohort=cohort)}
    for number, row in enumerate(rows, start=1):
        single = alone(alice_acting, *row)
        if isinstance(single, list):
            assert refusals[number].codes == single
            continue
        together, by_itself = (Prediction.objects.get(id=one.id) for one in (predictions[number], single))
        steps = together.contents["panel"].pop("steps")
        assert {step["code"] for step in steps} == {"format_found", "samples_named", "ages_read"}
        assert by_itself.contents["panel"].pop("steps") == []
        assert together.contents == by_itself.contents
        assert predictions[number].input_sha256 == single.input_sha256
        assert event_of(predictions[number])["result_sha256"] == event_of(single)["result_sha256"]


def event_of(prediction):
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM audit.event WHERE id = %s", [prediction.event_id])
        return json.loads(bytes(cursor.fetchone()[0]))


def test_a_cohort_leaves_a_trail_that_verifies_and_names_every_row(read):
    cohort = read(as_csv(patients(20)))
    assert list(verification.verify()) == []
    one = Prediction.objects.filter(cohort=cohort)[0]
    assert event_of(one)["cohort"] == str(cohort.id)
    assert event_of(one)["sealed_sha256"] == sha256(bytes(one.sealed)).hexdigest()
    assert facts_of(one)["status"] == "confirmed"


def test_received_is_predicted_and_refused_whatever_is_in_the_file(read):
    good = as_csv(patients(5)).decode()
    sevens, words = ",".join(["7"] * 69), ",".join(["x"] * 69)
    broken = f"{good}S9,50,7.1\nS10,six,{sevens}\nS11,50,{words}\n"
    cohort = read(broken.encode())
    assert cohort.received == 8
    assert cohort.received == cohort.predicted + cohort.refused
    assert [row.number for row in CohortRefusal.objects.filter(cohort=cohort)][-3:] == [6, 7, 8]


def test_the_database_itself_refuses_a_cohort_that_loses_a_row_goes_back_or_repeats_one(read):
    cohort = read(as_csv(patients(5)))
    for statement in (
        "UPDATE predictions_cohort SET received = received + 1",
        "UPDATE predictions_cohort SET state = 'waiting'",
        "UPDATE predictions_cohort SET input_sha256 = ''",
        "DELETE FROM predictions_cohort",
        "DELETE FROM predictions_cohortrefusal",
        "INSERT INTO predictions_prediction SELECT (jsonb_populate_record(p, jsonb_build_object('id', "
        "gen_random_uuid()))).* FROM predictions_prediction p WHERE cohort_number = 1",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert cohort.state == "finished"


def test_what_is_stored_of_the_file_cannot_be_read_without_its_key_and_goes_when_all_is_read(send):
    cohort = send(as_csv([row for row in patients(8) if max(map(float, [v or 0 for v in row[2]])) < 20]))
    assert b"Lab-1" not in b"".join(bytes(part.sealed) for part in InputPart.objects.all())
    assert stored_file(cohort).read().startswith(b"sample,age")
    cohort_work.work()
    assert (InputPart.objects.count(), CohortInput.objects.count()) == (0, 0)


def test_a_file_with_refused_samples_is_kept_until_it_expires_or_a_case_of_it_is_erased(read, audrey, adam):
    cohort = read(as_csv(patients(20)))
    problem, *_ = cohorts.disclose_problems(cohort_work.actor_of(cohort), cohort.id).samples
    assert str(problem.sample_id).startswith("Lab-")
    assert problem.problems
    key = Prediction.objects.filter(cohort=cohort)[0].key
    asking, approving = (Actor(cohort.organisation, "form", person=person) for person in (audrey, adam))
    request = erasure.request_erasure(key.id, asking, ErasureReason.ASKED, "")
    erasure.approve(request, approving)
    assert not CohortInput.objects.exists()
    problem, *_ = cohorts.disclose_problems(cohort_work.actor_of(cohort), cohort.id).samples
    assert (problem.sample_id, problem.problems) == (None, ())
    assert problem.codes


def test_a_file_of_which_no_sample_can_be_read_leaves_nothing_but_its_event(send):
    with pytest.raises(PanelRefused, match="unit_not_supported"):
        send(as_csv(patients(3)), replace(SHARED, unit="tpm"))
    assert not Cohort.objects.exists()
    assert not InputPart.objects.exists()


def test_a_worker_that_goes_on_repeats_nothing_and_leaves_nothing_out(send, monkeypatch):
    rows = list(patients(25))
    cohort = send(as_csv(rows))
    real, calls = cohort_rows.write_refusals, []

    def die(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise OperationalError("the worker is killed within its second chunk")
        return real(*arguments)

    monkeypatch.setattr(cohort_rows, "write_refusals", die)
    monkeypatch.setattr(cohort_work, "AT_ONCE", 10)
    with pytest.raises(OperationalError):
        cohort_work.work()
    cohort.refresh_from_db()
    assert (cohort.state, cohort.received) == ("running", 10)
    monkeypatch.setattr(samples_in_rows, "CHUNK", 7)  # another version cuts in another way
    cohort_work.work()
    cohort.refresh_from_db()
    assert (cohort.state, cohort.received) == ("finished", 25)
    numbers = [one.cohort_number or 0 for one in Prediction.objects.filter(cohort=cohort)]
    numbers += CohortRefusal.objects.filter(cohort=cohort).values_list("number", flat=True)
    assert sorted(numbers) == list(range(1, 26))


def test_a_cancelled_cohort_keeps_what_is_read_and_reads_no_more(send, alice_acting):
    cohort = send(as_csv(patients(5)))
    cohorts.cancel(alice_acting, cohort.id)
    cohort_work.work()
    cohort.refresh_from_db()
    assert (cohort.state, cohort.received) == ("cancelled", 0)
    assert not InputPart.objects.exists()


def test_a_cohort_of_another_organisation_does_not_exist(send, charlie, other_hospital):
    cohort = send(as_csv(patients(2)))
    with pytest.raises(CohortNotFound):
        cohorts.find_cohort(Actor(other_hospital, "form", person=charlie), cohort.id)


def test_converted_values_have_the_answer_that_they_have_alone(read, alice_acting):
    data = transbig()
    rows = [(f"Lab-{n}", 50, [float(2**value) for value in data.values[n]]) for n in range(4)]
    cohort = read(as_csv(rows), replace(SHARED, unit="intensity"))
    assert cohort.predicted
    for one in Prediction.objects.filter(cohort=cohort):
        single = alone(alice_acting, *rows[(one.cohort_number or 0) - 1], unit="intensity")
        together, by_itself = (Prediction.objects.get(id=made.id).contents for made in (one, single))
        assert together["panel"].pop("steps")[-1:] == by_itself["panel"].pop("steps")[-1:]
        assert together == by_itself
        assert one.input_sha256 == single.input_sha256


def test_what_is_wrong_with_a_sample_is_said_in_the_language_of_whoever_reads_it(read, alice, browser_of):
    cohort = read(as_csv([("Lab-1", 50, ["x"] * 69)]))
    said = {
        "en": "The value of ABLIM1 is not a finite decimal",
        "de": "ABLIM1 ist keine endliche Dezimalzahl",
    }
    for language, words in said.items():
        headers = {"Accept-Language": language}
        page = browser_of(alice).get(f"/cohorts/{cohort.id}/problems/", headers=headers).content.decode()
        assert words in page
