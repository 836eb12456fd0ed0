"""A file of many samples: nothing is lost, nobody's answer depends on the others, and it survives a kill."""

import io
import json
from hashlib import sha256

import numpy as np
import pytest
from django.db import DatabaseError, connection, transaction

from accounts import ledger, verification
from predictions import cohort_inputs, cohort_work, cohorts, erasure
from predictions.cohort_records import Cohort, CohortInput, CohortRefusal, InputPart
from predictions.exceptions import CohortNotFound, PanelRefused
from predictions.facts import facts_of
from predictions.intake.measurements import Measurement, PanelRequest
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
        values = [float(v) for v in data.values[patient] + random.normal(0, 0.1, len(SYMBOLS))]
        age = "" if random.random() < 0.3 else int(data.age[patient])
        if random.random() < 0.2:
            values[int(random.integers(0, len(values)))] = ""
        if random.random() < 0.1:
            values = [2**value if value else "" for value in values]
        yield f"S{number}", age, values


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


def alone(actor, sample, age, values):
    """The same sample as one panel: its prediction, or the codes of its refusal."""
    measurements = tuple(
        Measurement(*item) for item in zip(SYMBOLS, [None if v == "" else v for v in values], strict=True)
    )
    request = PanelRequest(measurements, "log2_intensity", age_years=age or None, sample_id=sample)
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
        Prediction.objects.get(id=single.id)
        assert predictions[number].contents == Prediction.objects.get(id=single.id).contents
        assert predictions[number].input_sha256 == single.input_sha256
        assert event_of(predictions[number])["result_sha256"] == event_of(single)["result_sha256"]


def event_of(prediction):
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM audit.event WHERE id = %s", [prediction.event_id])
        return json.loads(bytes(cursor.fetchone()[0]))


def test_a_cohort_leaves_a_trail_that_verifies_and_names_every_row(read):
    cohort = read(as_csv(patients(20)))
    assert list(verification.verify()) == []
    one = Prediction.objects.filter(cohort=cohort).first()
    assert event_of(one)["cohort"] == str(cohort.id)
    assert event_of(one)["sealed_sha256"] == sha256(bytes(one.sealed)).hexdigest()
    assert facts_of(one)["status"] == "confirmed"


def test_received_is_predicted_and_refused_whatever_is_in_the_file(read):
    good = as_csv(patients(5)).decode()
    broken = good + "S9,50,7.1\n" + "S10,six," + ",".join(["7"] * 69) + "\nS11,50," + ",".join(["x"] * 69) + "\n"
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
