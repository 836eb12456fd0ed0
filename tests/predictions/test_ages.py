"""The age that a file tells of its samples is read where it is plain; else it is left out, and said."""

import io

import h5py
import numpy as np
import pytest

from predictions.intake.opening import open_table
from predictions.intake.tables import Choices
from tests import lab_files
from tests.lab_files import PATIENTS, lines
from tests.lab_tables import WANTED
from tests.panels import age_of

AGES = [age_of(patient) for patient in PATIENTS]
UNKNOWN = [None] * len(PATIENTS)
NAMES = [f"S{patient:03}" for patient in PATIENTS]


def read(content):
    """The ages of all samples, and what was said of them."""
    table = open_table(io.BytesIO(content), "", WANTED, Choices())
    steps = [step.code for step in table.steps if step.code.startswith("ages")]
    return [age for chunk in table.chunks for age in chunk.ages], steps


def series(*described):
    """A series matrix in which these lines of cells describe the samples."""
    given = lab_files.series_matrix().decode().split("\n")
    own = next(line for line in given if line.startswith("!Sample_characteristics_ch1"))
    said = [
        "\t".join(["!Sample_characteristics_ch1", *(f'"{cell}"' for cell in cells)]) for cells in described
    ]
    return "\n".join(other for line in given for other in (said if line == own else [line])).encode()


def gct(*notes):
    """GCT 1.3 with these lines about the samples."""
    _, counts, header, *rows = lab_files.gct().decode().splitlines()
    genes, samples = counts.split("\t")
    about = ["\t".join([name, "na", *map(str, cells)]) for name, cells in notes]
    return lines("#1.3", (genes, samples, 1, len(notes)), header, *about, *rows)


def h5ad(**columns):
    """An h5ad file with these columns in obs."""
    file = io.BytesIO(lab_files.h5ad())
    with h5py.File(file, "r+") as root:
        for name, values in columns.items():
            if isinstance(values, tuple):
                group = root["obs"].create_group(name)
                group.create_dataset("categories", data=values[0], dtype=h5py.string_dtype())
                group.create_dataset("codes", data=values[1])
            else:
                root["obs"].create_dataset(name, data=values)
    return file.getvalue()


def described(key, values):
    return [f"{key}: {value}" for value in values]


@pytest.mark.parametrize(
    "content",
    [
        series(described("age", AGES)),
        series(described("grade", AGES), described("Age at diagnosis (years)", AGES)),
        gct(("grade", AGES), ("age_at_diagnosis", AGES)),
        h5ad(age=AGES),
        h5ad(grade=[3] * len(AGES), Age=np.array(AGES, dtype=np.float64)),
        h5ad(age=([str(age) for age in AGES], np.arange(len(AGES), dtype=np.int8))),
    ],
)
def test_an_age_of_each_sample_is_read_and_said(content):
    assert read(content) == (AGES, ["ages_read"])


def test_an_age_that_is_missing_is_unknown_and_the_others_stand():
    some = [None, *AGES[1:]]
    assert read(series(described("age", ["NA", *AGES[1:]]))) == (some, ["ages_read"])
    assert read(series(["age:", *described("age", AGES[1:])])) == (some, ["ages_read"])
    assert read(gct(("age", ["", *AGES[1:]]))) == (some, ["ages_read"])
    assert read(h5ad(age=np.array([np.nan, *AGES[1:]]))) == (some, ["ages_read"])
    assert read(h5ad(age=([str(age) for age in AGES], np.array([-1, 1, 2, 3, 4, 5])))) == (
        some,
        ["ages_read"],
    )


def test_lines_of_a_series_that_describe_other_things_of_other_samples_are_put_together():
    first = [*described("age", AGES[:3]), *described("grade", [1, 2, 3])]
    second = [*described("grade", [1, 2, 3]), *described("age", AGES[3:])]
    assert read(series(first, second)) == (AGES, ["ages_read"])


def test_ages_go_to_the_sample_of_their_name_where_the_table_has_another_order():
    content = series(described("age", AGES)).decode()
    ids = [f'"GSM{177885 + patient}"' for patient in PATIENTS]
    turned = content.replace(
        "\t".join(["!Sample_geo_accession", *ids]), "\t".join(["!Sample_geo_accession", *ids[::-1]])
    )
    assert turned != content
    assert read(turned.encode()) == (AGES[::-1], ["ages_read"])


@pytest.mark.parametrize(
    "content",
    [
        series(described("age", AGES), described("age at diagnosis", AGES)),
        series(described("age", AGES), described("age", AGES[::-1])),
        series(described("age", [54.5, *AGES[1:]])),
        series(described("age", ["forty", *AGES[1:]])),
        gct(("age", AGES), ("age", AGES)),
        gct(("age", AGES), ("Age (years)", AGES)),
        gct(("age", ["-", *AGES[1:]])),
        h5ad(age=AGES, age_at_diagnosis=AGES),
        h5ad(age=np.array(AGES) + 0.5),
        h5ad(age=np.zeros((len(AGES), 2))),
    ],
)
def test_an_age_that_is_not_plain_is_not_read_and_said(content):
    assert read(content) == (UNKNOWN, ["ages_not_read"])


@pytest.mark.parametrize(
    "content",
    [
        series(described("days to last contact", AGES)),
        series(described("average", AGES), described("stage", AGES)),
        gct(("ageing", AGES)),
        h5ad(months=AGES),
    ],
)
def test_what_is_no_age_by_its_name_is_none(content):
    assert read(content) == (UNKNOWN, [])


def test_of_two_columns_of_ages_in_a_table_of_samples_none_is_read():
    header, *rows = lab_files.samples_in_rows().decode().splitlines()
    twice = "\n".join([f"{header},age_years", *(f"{row},50" for row in rows), ""])
    assert read(twice.encode()) == (UNKNOWN, ["ages_not_read"])
