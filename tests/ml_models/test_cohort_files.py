"""Two files of one's own become a cohort, or everything that is wrong with them is told at once."""

import re
from pathlib import Path

import numpy as np
import pytest

from ml_models import expression_file
from ml_models.cohort_files import read_cohort, read_external, read_symbols
from ml_models.cohorts import RECEPTOR_POSITIVE, Provenance
from ml_models.text_tables import CohortRefused

ABOUT = Provenance("Ours", "Not published.", "Research use only.", "log2_tpm", "illumina")
GENES = [f"GENE{number:02}" for number in range(12)]
PATIENTS = 60


@pytest.fixture
def cohort(tmp_path):
    return Files(tmp_path)


class Files:
    """A sound cohort of 60 patients and 12 genes that a test may spoil before it is written."""

    def __init__(self, folder: Path) -> None:
        random = np.random.default_rng(3)
        self.folder = folder
        self.samples = [f"S{number}" for number in range(PATIENTS)]
        self.genes = list(GENES)
        values = np.round(random.normal(0, 1, (12, PATIENTS)) + np.linspace(4, 12, 12)[:, None], 3)
        self.values = values.astype(object)
        self.clinical = {
            "sample_id": list(self.samples),
            "time_years": [0.9 + number / 5 for number in range(PATIENTS)],
            "event": [number % 2 for number in range(PATIENTS)],
            "age": [40 + number % 30 for number in range(PATIENTS)],
            "er": ["positive" if number % 3 else "negative" for number in range(PATIENTS)],
        }

    def write(self, *, by_gene=True, delimiter=",", corner="gene"):
        matrix = self.values if by_gene else self.values.T
        across, down = (self.samples, self.genes) if by_gene else (self.genes, self.samples)
        rows = [[corner, *across], *([name, *row] for name, row in zip(down, matrix, strict=True))]
        if corner is None:
            rows[0] = rows[0][1:]
        clinical = [list(self.clinical), *zip(*self.clinical.values(), strict=True)]
        paths = self.folder / "expression.csv", self.folder / "clinical.csv"
        for path, table in zip(paths, (rows, clinical), strict=True):
            path.write_text("\n".join(delimiter.join(map(str, row)) for row in table))
        return paths

    def read(self, genes=None, **layout):
        expression, clinical = self.write(**layout)
        return read_cohort(expression, clinical, ABOUT, genes)

    def problems(self, genes=None):
        with pytest.raises(CohortRefused) as caught:
            self.read(genes)
        return caught.value.problems

    def problem(self):
        (problem,) = self.problems()
        return problem


@pytest.mark.parametrize("by_gene", [True, False])
@pytest.mark.parametrize(("delimiter", "corner"), [(",", "gene"), ("\t", ""), ("\t", None)])
def test_genes_may_stand_across_or_down_in_csv_or_tsv(cohort, by_gene, delimiter, corner):
    own = cohort.read(by_gene=by_gene, delimiter=delimiter, corner=corner)
    assert [gene.symbol for gene in own.data.panel] == GENES
    np.testing.assert_array_equal(own.data.values, cohort.values.T.astype(float))
    assert ("genes by samples" if by_gene else "samples by genes") in own.notes[0]
    assert own.data.outcomes.event.sum() == 30
    assert own.data.has_age
    assert own.data.subgroups[RECEPTOR_POSITIVE].sum() == 40


def test_samples_are_matched_by_name_and_genes_are_sorted(cohort):
    in_order = cohort.read().data
    for column in cohort.clinical.values():
        column.reverse()
    cohort.genes.reverse()
    cohort.values = cohort.values[::-1]
    turned = cohort.read().data
    assert turned.panel == in_order.panel
    np.testing.assert_array_equal(turned.values, in_order.values[::-1])


@pytest.mark.parametrize(
    ("unit", "days"), [("time_days", 1), ("time_months", 30.4375), ("time_years", 365.25)]
)
def test_the_name_of_the_column_says_the_unit_of_the_times(cohort, unit, days):
    years = cohort.clinical.pop("time_years")
    cohort.clinical[unit] = [year * 365.25 / days for year in years]
    np.testing.assert_allclose(cohort.read().data.outcomes.time, np.array(years) * 365.25)


def test_age_and_receptor_are_optional_and_their_absence_is_said(cohort):
    del cohort.clinical["age"], cohort.clinical["er"]
    own = cohort.read()
    assert not own.data.has_age
    assert own.data.subgroups == {}
    assert "fit without age" in own.notes[1]
    assert "receptor" in own.notes[2]


def spoil(column, row, value):
    def change(cohort):
        cohort.clinical[column][row] = value

    return change


def spoil_value(gene, sample, value):
    def change(cohort):
        cohort.values[gene, sample] = value

    return change


def change_all(action):
    def change(cohort):
        cohort.values = action(cohort.values.astype(float)).astype(object)

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (spoil("event", 3, 2), r"clinical.csv, column event: 1 wrong: row 5 \[2\]\. Write 1 for"),
        (spoil("time_years", 0, 0), r"column time_years: 1 wrong: row 2 \[0\]"),
        (spoil("time_years", 0, -1.5), r"row 2 \[-1.5\]"),
        (spoil("time_years", 0, "long"), r"row 2 \[long\]"),
        (spoil("time_years", 0, ""), r"row 2 \[\]"),
        (spoil("age", 9, 7), r"column age: 1 wrong: row 11 \[7\]"),
        (spoil("age", 9, ""), r"column age: 1 of 60 are missing"),
        (spoil("er", 9, "weak"), r"column er: 1 wrong: row 11 \[weak\]"),
        (spoil("sample_id", 1, "S0"), r"S0 stand there more than once"),
        (spoil("sample_id", 1, "S1b"), r"1 samples are not in the expression file: S1b"),
        (spoil_value(2, 4, "high"), r"expression.csv: 1 values .* row 4, column S4 \[high\]"),
        (spoil_value(2, 4, "1_0"), r"\[1_0\]"),
        (spoil_value(2, 4, "7.1.2"), r"with a decimal point"),
        (spoil_value(2, 4, "NA"), r"1 values are missing .* of the genes GENE02 \(1\) in the samples S4"),
        (change_all(lambda v: np.where(np.arange(12)[:, None] == 5, 7.0, v)), r"same value .* GENE05"),
        (change_all(lambda v: np.round(2**v + 1000)), r"60 of 60 samples .* raw counts"),
        (change_all(lambda v: 2**v), r"not logged"),
        (change_all(lambda v: v - v.mean(axis=1, keepdims=True)), r"centred on zero"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_value(cohort, change, told):
    change(cohort)
    problems = "\n".join(cohort.problems())
    assert re.search(told, problems), problems


def test_everything_that_is_wrong_is_told_at_once(cohort):
    spoil("event", 3, 2)(cohort)
    spoil("time_years", 0, -1)(cohort)
    spoil("sample_id", 1, "S1b")(cohort)
    spoil_value(2, 4, "high")(cohort)
    cohort.genes[1] = "GENE00"
    assert len(cohort.problems()) >= 6


def test_a_gene_that_stands_twice_is_refused(cohort):
    cohort.genes[1] = "GENE00"
    assert "genes GENE00 stand there more than once" in cohort.problem()


@pytest.mark.parametrize("column", ["sample_id", "event", "time_years"])
def test_a_column_that_is_needed_is_named_when_it_is_absent(cohort, column):
    del cohort.clinical[column]
    assert column in cohort.problem()


def test_two_columns_of_times_are_not_guessed_between(cohort):
    cohort.clinical["time_days"] = cohort.clinical["time_years"]
    assert "2 columns of times" in cohort.problem()


def test_too_few_patients_events_or_years_are_refused(cohort):
    cohort.clinical["event"] = [number % 5 == 0 for number in range(PATIENTS)]
    cohort.clinical["event"] = [int(event) for event in cohort.clinical["event"]]
    cohort.clinical["time_years"] = [1 + number / 10 for number in range(PATIENTS)]
    told = "\n".join(cohort.problems())
    assert "60 patients with 12 events" in told
    assert "0 patients were followed beyond 10 years" in told


def test_a_genome_needs_a_list_of_genes_and_then_gives_the_panel(cohort, monkeypatch):
    monkeypatch.setattr(expression_file, "MOST_GENES", 11)
    assert "--genes FILE" in cohort.problem()
    assert len(cohort.read(GENES[:10]).data.panel) == 10
    assert "GENE99" in cohort.problems([*GENES[:10], "GENE99"])[0]


def test_too_few_genes_make_no_panel(cohort):
    assert "9 genes" in cohort.problems(GENES[:9])[0]


def test_a_list_of_genes_holds_each_once(tmp_path):
    path = tmp_path / "genes.txt"
    path.write_text("A\n\nB \n")
    assert read_symbols(path) == ("A", "B")
    path.write_text("A\nB\nA\n")
    with pytest.raises(CohortRefused, match="A stand there"):
        read_symbols(path)


@pytest.mark.parametrize("content", [b"", b"gene,S1\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_table_is_refused(cohort, content):
    expression, clinical = cohort.write()
    expression.write_bytes(content)
    with pytest.raises(CohortRefused, match=r"expression\.csv"):
        read_cohort(expression, clinical, ABOUT)


def test_an_external_cohort_may_miss_genes_and_use_former_symbols(cohort, release):
    panel = release.manifest.genes
    renamed = next(gene for gene in panel if gene.former_symbols)
    cohort.genes = [renamed.former_symbols[0], *(gene.symbol for gene in panel if gene is not renamed)][:12]
    expression, clinical = cohort.write()
    external = read_external(expression, clinical, panel, "Theirs")
    assert np.isfinite(external.values).all(axis=0).sum() == 12
    position = release.manifest.symbols.index(renamed.symbol)
    np.testing.assert_array_equal(external.values[:, position], cohort.values[0].astype(float))
    assert f"{renamed.former_symbols[0]} as {renamed.symbol}" in external.notes[-1]
