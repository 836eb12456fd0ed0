"""A share of the sample is taken where a file has all genes of it, and nowhere else."""

import io
from dataclasses import replace

import h5py
import numpy as np
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_models.platform_profiles import learn_scale
from predictions.exceptions import PanelRefused
from predictions.intake.cohort_panels import build_one, lay_out
from predictions.intake.conversions import FEWEST_GENES
from predictions.intake.measurements import PanelRequest
from predictions.intake.opening import only_sample, open_table
from predictions.intake.panel import build_panel
from predictions.intake.scales import Profile
from predictions.intake.tables import Choices
from tests.lab_files import _frame, _matrix, ensembl_ids, lines
from tests.lab_tables import WANTED
from tests.panels import transbig

PANEL = [ensembl_ids()[gene.symbol] for gene in transbig().panel]
OTHERS = [f"ENSG{900_000_000 + number:011}" for number in range(FEWEST_GENES - len(PANEL))]
GENES = [*PANEL, *OTHERS]
PARTS = {"star": "unstranded"}


def counts_of(patient: int, factor: int = 1) -> list[int]:
    """Reads of all genes, of a library that is deeper by a factor."""
    others = np.random.default_rng(patient).poisson(40, len(OTHERS))
    return [*(factor * (2 ** transbig().values[patient]).round().astype(int)).tolist(), *(factor * others)]


def star(columns):
    (counts,) = columns
    notes = [(name, 10**6, 10**6, 10**6) for name in ("N_unmapped", "N_multimapping", "N_noFeature")]
    rows = [(gene, count, count // 2, count - count // 2) for gene, count in zip(GENES, counts, strict=True)]
    return lines(*notes, ("N_ambiguous", 1, 1, 1), *rows)


def htseq(columns):
    (counts,) = columns
    return lines(*zip(GENES, counts, strict=True), ("__no_feature", 10**6), ("__not_aligned", 10**6))


def feature_counts(columns):
    header = ("Geneid", "Chr", "Start", "End", "Strand", "Length", *(f"S{n}" for n in range(len(columns))))
    rows = zip(GENES, *columns, strict=True)
    return lines("# Program:featureCounts v2", header, *((g, "1", 1, 9, "+", 900, *row) for g, *row in rows))


def nf_core(columns):
    header = ("gene_id", "gene_name", *(f"S{n}" for n in range(len(columns))))
    return lines(header, *((gene, "", *row) for gene, *row in zip(GENES, *columns, strict=True)))


def genes_in_rows(columns):
    header = ("gene", "S0", *(f"S{n}" for n in range(1, len(columns))), "description")
    rows = [(gene, *row, "of ours") for gene, *row in zip(GENES, *columns, strict=True)]
    spiked = [("ERCC-00002", *(10**6 for _ in columns), "added to the tube")]
    return lines(header, *rows, *spiked)


def gene_values(columns):
    return lines(("gene", "value"), *zip(GENES, *columns, strict=True))


def gct(columns):
    header = ("Name", "Description", *(f"S{n}" for n in range(len(columns))))
    rows = [(gene, "", *row) for gene, *row in zip(GENES, *columns, strict=True)]
    return lines("#1.2", (len(rows), len(columns)), header, *rows)


def samples_in_rows(columns):
    rows = [(f"S{n}", 50, *counts) for n, counts in enumerate(columns)]
    return lines(("sample", "age", *GENES), *rows)


def xlsx(columns):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Counts")
        for row, cells in enumerate([("gene", "S0", "S1"), *zip(GENES, *columns, strict=True)]):
            sheet.write_row(row, 0, cells)
    return file.getvalue()


def h5ad(columns, layout="csr_matrix", genes=GENES):
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        _matrix(root, "X", np.array(columns, dtype=np.float32), layout)
        _frame(root, "obs", [f"S{n}" for n in range(len(columns))])
        _frame(root, "var", genes)
    return file.getvalue()


def dense(columns):
    return h5ad(columns, "array")


ONE = {write.__name__: write for write in (star, htseq, feature_counts, gene_values)}
MANY = {
    write.__name__: write
    for write in (feature_counts, nf_core, genes_in_rows, gct, samples_in_rows, xlsx, h5ad, dense)
}


def table_of(content, reader="", unit="raw_counts"):
    return open_table(io.BytesIO(content), "", WANTED, Choices(PARTS.get(reader, ""), unit=unit))


def panels_of(table, manifest, profile):
    """Every sample of a file through the checks of a cohort."""
    layout = lay_out(table, PanelRequest((), table.unit or "raw_counts"), manifest, profile)
    return [build_one(chunk, n, layout) for chunk in table.chunks for n in range(len(chunk.rows))]


def request_of(content, reader):
    sample = only_sample(table_of(content, reader))
    return PanelRequest(sample.measurements, sample.unit or "raw_counts", total=sample.total)


@pytest.fixture(scope="module")
def profile(manifest):
    counts = np.array([counts_of(patient) for patient in range(40)], dtype=np.float64)
    cpm = counts[:, : len(PANEL)] / counts.sum(axis=1, keepdims=True) * 1e6
    scale = learn_scale(np.log2(cpm + 1))
    pairs = zip(scale.location.tolist(), scale.scale.tolist(), strict=True)
    return Profile("0", "ours", 1, "log2_cpm", 40, None, "", dict(zip(manifest.symbols, pairs, strict=True)))


@settings(max_examples=5, deadline=None)
@given(reader=st.sampled_from(sorted(ONE)), patient=st.integers(40, 197), factor=st.integers(2, 1_000))
def test_reads_that_are_more_by_any_factor_give_the_same_answer(manifest, profile, reader, patient, factor):
    one, deeper = (
        build_panel(request_of(ONE[reader]([counts_of(patient, times)]), reader), manifest, profile)
        for times in (1, factor)
    )
    assert one.values == deeper.values
    assert one.sha256 == deeper.sha256
    assert deeper.total == factor * sum(counts_of(patient))


@pytest.mark.parametrize("reader", MANY)
def test_a_file_of_several_samples_brings_the_sum_over_all_genes_of_each(manifest, profile, reader):
    given_counts = [counts_of(40), counts_of(41, 7)]
    panels = panels_of(table_of(MANY[reader](given_counts)), manifest, profile)
    assert [panel.total for panel in panels] == [sum(counts) for counts in given_counts]
    alone = build_panel(request_of(htseq([counts_of(41)]), "htseq"), manifest, profile)
    assert panels[1].values == alone.values


def test_what_the_values_were_divided_by_is_on_record(manifest, profile):
    counts = counts_of(50)
    panel = build_panel(request_of(htseq([counts]), "htseq"), manifest, profile)
    codes = [step.code for step in panel.steps][-3:]
    assert codes == ["converted_share_of_a_million", "converted_log2_plus_1", "profile_mapped"]
    assert f"{sum(counts):,}" in panel.steps[-3].detail
    assert panel.facts["total"] == sum(counts)


def codes_of(caught):
    return [problem.code for problem in caught.value.problems]


@pytest.mark.parametrize("genes", [len(PANEL), 5_000, FEWEST_GENES - 1])
def test_a_file_of_fewer_genes_never_passes_for_all_of_them(manifest, profile, genes):
    content = lines(("gene", "value"), *zip(GENES[:genes], counts_of(50)[:genes], strict=False))
    with pytest.raises(PanelRefused) as caught:
        build_panel(request_of(content, "gene_values"), manifest, profile)
    assert codes_of(caught) == ["totals_unknown"]
    table = table_of(h5ad([counts_of(50)[:genes]] * 2, genes=GENES[:genes]))
    with pytest.raises(PanelRefused) as caught:
        panels_of(table, manifest, profile)
    assert codes_of(caught) == ["totals_unknown"]


@pytest.mark.parametrize("cell", ["", "NA", "-1", "1_000", "inf", "many"])
def test_a_sample_with_a_gene_of_no_value_has_no_sum_and_the_others_keep_theirs(cell):
    first, second = counts_of(50), counts_of(51)
    content = feature_counts([[*first[:-1], cell], second])
    (chunk,) = table_of(content).chunks
    assert [chunk.total_of(0), chunk.total_of(1)] == [None, sum(second)]
    (chunk,) = table_of(samples_in_rows([[*first[:-1], cell], second])).chunks
    assert [chunk.total_of(0), chunk.total_of(1)] == [None, sum(second)]


def test_a_sparse_file_by_columns_tells_no_sum(manifest, profile):
    table = table_of(h5ad([counts_of(50)] * 2, "csc_matrix"))
    assert not table.has_totals
    assert [chunk.totals for chunk in table.chunks] == [None]


def test_a_piece_of_a_chunk_keeps_the_sums_of_its_samples():
    (chunk,) = table_of(samples_in_rows([counts_of(50), counts_of(51)])).chunks
    assert chunk.cut(1, 2).total_of(0) == sum(counts_of(51))


def test_fpkm_become_tpm_by_the_sum_over_all_genes(manifest, profile):
    """TPM are FPKM as a share of a million (Wagner 2012), whatever the length of the library made of them."""
    of_tpm = replace(profile, unit="log2_tpm")
    tpm = np.array(counts_of(50)) / sum(counts_of(50)) * 1e6

    def read(values, unit):
        sample = only_sample(table_of(genes_in_rows([values.tolist()]), unit=unit))
        return build_panel(PanelRequest(sample.measurements, unit, total=sample.total), manifest, of_tpm)

    assert read(0.4 * tpm, "fpkm").vector == pytest.approx(read(tpm, "tpm").vector, abs=1e-9)


def test_totals_of_logarithms_are_not_kept_of_any_panel(manifest):
    values = [*transbig().values[50].tolist(), *(7.0 for _ in OTHERS)]
    sample = only_sample(table_of(lines(("gene", "value"), *zip(GENES, values, strict=True))))
    panel = build_panel(
        PanelRequest(sample.measurements, "log2_intensity", total=sample.total), manifest, None
    )
    assert panel.total is None
