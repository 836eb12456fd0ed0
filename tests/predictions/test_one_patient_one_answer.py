"""Whoever else is in the file, in whatever order and in pieces of any size: one patient has one answer."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_models.applicability import assess
from predictions import releases
from predictions.cohort_readings import read_chunk
from predictions.intake.cohort_panels import lay_out
from predictions.intake.measurements import PanelRequest
from predictions.intake.tables import Chunk, Table
from tests.panels import transbig


@pytest.fixture(scope="module")
def reader(manifest):
    """Reads patients (number, missing genes, whether the age is known) together, in pieces of a size."""
    sealed = (manifest.name, manifest.version, manifest.sha256, releases.keys())
    portable, pickled = releases.store().open_portable(*sealed), releases.store().open_pickled(*sealed)
    table = Table(tuple(manifest.symbols), iter(()))
    layout = lay_out(table, PanelRequest((), "log2_intensity"), manifest)

    def read(patients, size):
        answers = []
        for start in range(0, len(patients), size):
            chunk = as_chunk(patients[start : start + size])
            found = read_chunk(chunk, layout, portable, pickled)
            assert sorted([*found.places.tolist(), *found.refusals]) == list(range(len(chunk.rows)))
            for row, place in enumerate(found.places.tolist()):
                numbers = [part[row].tobytes() for part in astuple(found.scores)]
                answers.append((start + place, [*numbers, found.spearman[row], found.mean_absolute_z[row]]))
            assert (found.differences <= releases.TOLERANCE).all()
        return dict(answers)

    def alone(patient):
        chunk = as_chunk([patient])
        scores = portable.score(chunk.values, np.array(chunk.ages, dtype=np.float64))
        evidence = assess(chunk.values[0], manifest)
        numbers = [part[0].tobytes() for part in astuple(scores)]
        return [*numbers, evidence.spearman, evidence.mean_absolute_z]

    return read, alone


def as_chunk(patients):
    data = transbig()
    values = np.array([data.values[number] for number, _, _ in patients])
    for row, (_, missing, _) in enumerate(patients):
        values[row, list(missing)] = np.nan
    ages = tuple(int(data.age[number]) if is_known else None for number, _, is_known in patients)
    names = tuple(f"P{place}" for place in range(len(patients)))
    return Chunk(names, ages, tuple(range(2, 2 + len(patients))), values)


PATIENTS = st.lists(
    st.tuples(st.integers(0, 197), st.sets(st.integers(0, 68), max_size=4), st.booleans()),
    min_size=1,
    max_size=40,
)


@settings(max_examples=25, deadline=None)
@given(patients=PATIENTS, size=st.integers(1, 40))
def test_an_answer_has_the_same_bits_in_any_company(reader, patients, size):
    read, alone = reader
    together = read(patients, size)
    assert together
    for place, answer in together.items():
        assert answer == alone(patients[place])
