"""What labs send is recognised by what is in it, and read right or refused with the reason."""

import io
import json
import subprocess
import sys
from math import log2

import numpy as np
import pytest

from predictions.exceptions import PanelRefused
from predictions.intake.detection import READERS, ReaderUnclear, detect
from predictions.intake.opening import only_sample, open_table
from predictions.intake.tables import Choices, PartUnclear
from tests import lab_files
from tests.hostile_files import HOSTILE
from tests.lab_tables import WANTED, sample_answers

READ_AS = {
    "gene-values.csv": "gene_values",
    "samples-in-rows.csv": "samples_in_rows",
    "genes-in-rows.tsv": "genes_in_rows",
    "panel.xlsx": "xlsx",
    "expression.gct": "gct",
    "quant.genes.sf": "salmon",
    "abundance.tsv": "kallisto",
    "genes.results": "rsem",
    "salmon.merged.gene_tpm.tsv": "nf_core",
    "ReadsPerGene.out.tab": "star",
    "featurecounts.txt": "feature_counts",
    "htseq-counts.txt": "htseq",
    "lane.RCC": "rcc",
    "lanes.zip": "rcc",
    "series_matrix.txt": "series_matrix",
    "cohort.h5ad": "h5ad",
}


def table_of(content, part="", reader=""):
    return open_table(io.BytesIO(content), "", WANTED, Choices(part, reader))


def values_of_all(content, part=""):
    """Values by the names of genes and samples."""
    table = table_of(content, part)
    chunks = list(table.chunks)
    names = [name for chunk in chunks for name in chunk.sample_ids]
    return table.identifiers, names, np.concatenate([chunk.values for chunk in chunks])


@pytest.fixture(scope="module")
def samples_answered():
    return list(sample_answers())


@pytest.mark.parametrize("name", lab_files.FILES)
def test_the_sample_file_that_is_offered_is_what_the_script_makes(name):
    assert (lab_files.FOLDER / name).read_bytes() == lab_files.FILES[name]()


def test_every_sample_file_is_recognised_by_its_content_and_read_whole(samples_answered):
    assert {good.file: good.detected for good, _ in samples_answered} == READ_AS
    assert {good.code for good, _ in samples_answered} == {"read"}
    assert all(good.genes >= 69 and good.refused == 0 for good, _ in samples_answered)
    assert set(READ_AS.values()) == set(READERS)


def test_every_sample_file_with_one_thing_wrong_is_refused_with_the_place(samples_answered):
    refused = {bad.file: bad for _, bad in samples_answered}
    for name, bad in refused.items():
        if name in {"panel.xlsx", "lanes.zip"}:
            assert bad.code == "file_incomplete", name
        elif name == "cohort.h5ad":
            assert bad.code == "wrong_format", name
        else:
            assert (bad.code, "row" in bad.reason) == ("not_a_number", True), name


def test_every_hostile_file_is_read_right_or_refused_in_bounded_memory():
    command = [sys.executable, "-m", "tests.lab_tables", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(HOSTILE) >= 40
    assert {a["file"]: a["code"] for a in found} == {hostile.name: hostile.answer for hostile in HOSTILE}
    assert all(a["reason"] for a in found if a["code"] != "read")
    # The first answer is made when everything is imported; some files are made in memory by the test itself.
    assert found[-1]["peak_mb"] - found[0]["peak_mb"] < 200


@pytest.mark.parametrize("layout", ["array", "csr_matrix", "csc_matrix"])
def test_h5ad_holds_the_same_values_however_they_are_laid_out(layout):
    genes, names, values = values_of_all(lab_files.h5ad(layout, layers=True), "X")
    expected, _, original = values_of_all(lab_files.genes_in_rows())
    assert names == [f"S{patient:03}" for patient in lab_files.PATIENTS]
    assert len(genes) == len(expected)
    np.testing.assert_array_equal(values, original.astype(np.float32))


def test_the_layer_of_h5ad_is_asked_for_where_there_are_several():
    with pytest.raises(PartUnclear) as caught:
        table_of(lab_files.h5ad(layers=True))
    assert (list(caught.value.parts), caught.value.proposed) == (["X", "counts"], "X")
    assert values_of_all(lab_files.h5ad(layers=True), "counts")[2].max() > 1_000


@pytest.mark.parametrize(
    ("forward", "reverse", "proposed"),
    [(10_000, 200, "forward"), (200, 10_000, "reverse"), (5_000, 6_000, "unstranded")],
)
def test_the_strand_of_star_is_inferred_and_shown_with_its_reads(forward, reverse, proposed):
    rows = "".join(
        f"{name}\t1\t1\t1\n" for name in ("N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous")
    )
    content = f"{rows}{lab_files.ensembl_ids()['IL18']}\t10200\t{forward}\t{reverse}\n".encode()
    with pytest.raises(PartUnclear) as caught:
        table_of(content)
    assert caught.value.proposed == proposed
    assert f"{forward:,}" in caught.value.parts["forward"]
    sample = only_sample(table_of(content, "forward"))
    assert next(m.value for m in sample.measurements if m.value) == forward
    assert f"{reverse:,}" in sample.steps[-1].detail


def test_transcripts_of_a_gene_are_added_up_where_the_file_names_the_gene():
    table = table_of(lab_files.kallisto())
    (chunk,) = table.chunks
    symbols = [gene for gene in lab_files.log2_values(0) if gene not in lab_files.OTHERS]
    expected = [lab_files.tpm_of(0)[symbol] for symbol in symbols]
    np.testing.assert_allclose(chunk.values[0], expected, rtol=1e-5)
    assert "transcripts_added_up" in [step.code for step in table.steps]


def test_a_lane_is_normalised_by_its_own_controls_whoever_else_is_in_the_file():
    alone = values_of_all(lab_files.rcc(5))[2][0]
    _, names, together = values_of_all(lab_files.rcc_zip())
    np.testing.assert_array_equal(alone, together[names.index("S005")])
    twice = lab_files.rcc(5).decode().splitlines()
    twice = [
        f"{line.rpartition(',')[0]},{2 * int(line.rpartition(',')[2])}"
        if line.startswith(("Positive", "Housekeeping", "Endogenous"))
        else line
        for line in twice
    ]
    np.testing.assert_allclose(values_of_all("\n".join(twice).encode())[2][0], alone, atol=1e-12)
    counts, genes = lab_files.counts_of(5), table_of(lab_files.rcc(5)).identifiers
    assert alone[0] - alone[1] == pytest.approx(log2(counts[genes[0]] / counts[genes[1]]))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("FovCounted,551", "FovCounted,400", "nanostring_imaging"),
        ("BindingDensity,0.87", "BindingDensity,2.6", "nanostring_density"),
        ("BindingDensity,0.87", "BindingDensity,0.05", "nanostring_density"),
        ("POS_A(128),ERCC_00117.1,33282", "POS_A(128),ERCC_00117.1,20", "nanostring_linearity"),
    ],
)
def test_what_nanostring_would_flag_stands_with_the_sample(old, new, code):
    content = lab_files.rcc()
    assert old.encode() in content
    before = only_sample(table_of(content)).steps
    after = only_sample(table_of(content.replace(old.encode(), new.encode()))).steps
    assert code not in {step.code for step in before}
    assert code in {step.code for step in after}


def test_a_table_that_names_genes_both_ways_is_for_the_person_to_read():
    content = b"sample,IL18,POLQ\nPLK1,7,8\nC3,6,5\n"
    with pytest.raises(ReaderUnclear) as caught:
        detect(io.BytesIO(content), "", WANTED)
    assert set(caught.value.matches) == {"samples_in_rows", "genes_in_rows"}
    assert all(caught.value.matches.values())
    assert table_of(content, reader="samples_in_rows").identifiers == ("IL18", "POLQ")
    assert table_of(content, reader="genes_in_rows").identifiers == ("PLK1", "C3")


def test_a_name_decides_between_formats_that_fit_and_says_so_and_never_against_the_content():
    both = b"sample,IL18,POLQ\nPLK1,7,8\nC3,6,5\n"
    reader, reasons = detect(io.BytesIO(both), "data_mrna_seq_v2.txt", WANTED)
    assert (reader.CODE, len(reasons)) == ("genes_in_rows", 2)
    assert "data_mrna_seq_v2.txt" in reasons[-1]
    plain = io.BytesIO(lab_files.samples_in_rows())
    assert detect(plain, "data_mrna_seq_v2.txt", WANTED)[0].CODE == "samples_in_rows"
    with pytest.raises(ReaderUnclear):
        detect(io.BytesIO(both), "samples.csv", WANTED)


def test_a_file_that_was_to_be_read_as_another_format_is_refused_whatever_the_two():
    for reader in READERS:
        for name in ("gene-values.csv", "quant.genes.sf", "panel.xlsx", "cohort.h5ad", "lane.RCC"):
            try:
                list(table_of(lab_files.FILES[name](), reader=reader).chunks)
            except (PanelRefused, PartUnclear):
                continue


def test_gzip_and_zip_are_taken_off_and_the_reader_says_so():
    content = lab_files.zipped({"quant.genes.sf": lab_files.salmon()})
    table = table_of(content)
    assert table.steps[0].detail == "quant.genes.sf was taken out of zip."
    assert table.unit == "tpm"
