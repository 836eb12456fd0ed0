"""What a lab calls a gene is found, proposed or refused, never guessed."""

import csv
from importlib.resources import files
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_models.cohorts import load_panel
from predictions.exceptions import PanelRefused
from predictions.intake.gene_names import names_of, wanted_by
from predictions.intake.identifiers import identify, match, match_names, name_damaged
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.intake.panel import build_panel
from predictions.intake.spreadsheet_damage import is_damaged, likely_genes
from tests.panels import values_of

KINDS = ("hgnc_symbol", "entrez_gene_id", "ensembl_gene_id", "affymetrix_probe_set")


def build(manifest, values, **options):
    measurements = tuple(Measurement(name, value, row) for row, (name, value) in enumerate(values.items(), 1))
    return build_panel(PanelRequest(measurements, "log2_intensity", **options), manifest)


def problems_of(manifest, values, **options):
    with pytest.raises(PanelRefused) as caught:
        build(manifest, values, **options)
    return caught.value.problems


def renamed(name, to):
    return {to if symbol == name else symbol: value for symbol, value in values_of(0).items()}


def names_in(manifest, kind):
    known = names_of(manifest.genes).certain[kind]
    return {name: values_of(0)[symbol] for name, symbol in known.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_panel_is_read_by_any_kind_of_identifier_and_the_kind_is_told(manifest, kind):
    panel = build(manifest, names_in(manifest, kind))
    assert panel.identifiers == kind
    assert panel.values == pytest.approx(values_of(0))


def test_the_version_of_an_ensembl_gene_is_left_out_on_record(manifest):
    values = {
        f"{name}.{row}": value for row, (name, value) in enumerate(names_in(manifest, KINDS[2]).items())
    }
    panel = build(manifest, values)
    assert panel.values == values_of(0)
    assert [step.detail for step in panel.steps] == [
        "Ensembl identifiers were read without their version: 69."
    ]


def test_two_versions_of_one_ensembl_gene_collide(manifest):
    values = {**names_in(manifest, KINDS[2]), "ENSG00000150782.12": 5.0}
    assert [problem.code for problem in problems_of(manifest, values)] == ["identifiers_collide"]


@pytest.mark.parametrize(
    ("symbol", "written", "code"),
    [
        ("GOLM1", "GOLPH2", "former_symbol"),
        ("TNFSF10", "TRAIL", "alias_symbol"),
        ("H4C8", "H4/h", "alias_symbol"),
    ],
)
def test_another_name_is_proposed_and_read_only_when_confirmed(manifest, symbol, written, code):
    (problem,) = problems_of(manifest, renamed(symbol, written))
    assert problem.code == code
    assert symbol in problem.mend
    panel = build(manifest, renamed(symbol, written), accept_former_symbols=True)
    assert panel.former_symbols == {written: symbol}
    assert panel.values == values_of(0)


@pytest.mark.parametrize("accept", [True, False])
def test_a_proposal_beside_the_gene_itself_blocks_whatever_is_confirmed(manifest, accept):
    values = {**values_of(0), "TRAIL": 6.0}
    assert [p.code for p in problems_of(manifest, values, accept_former_symbols=accept)] == [
        "identifiers_collide"
    ]


def test_names_of_other_genes_are_never_read(manifest):
    """POLH and BRF2 are genes of their own; HS1 and APRIL are also what other genes are called."""
    strangers = ["POLH", "BRF2", "HS1", "APRIL"]
    matched = match_names(strangers, manifest.genes, accept_former=True)
    assert matched.not_in_panel == strangers
    assert not matched.problems


def test_a_name_of_several_genes_is_hinted_at_where_its_gene_is_missing(manifest):
    few = dict(list(values_of(0).items())[:40])
    (problem,) = problems_of(manifest, {**few, "APRIL": 7.0})
    assert "APRIL (is it TNFSF13?)" in problem.mend


def test_no_name_of_the_catalogue_stands_for_two_genes(manifest):
    known = names_of(manifest.genes)
    names = [
        *known.former,
        *known.aliases,
        *known.shared,
        *(name for kind in known.certain.values() for name in kind),
    ]
    assert len(names) == len(set(names))


def test_the_catalogue_agrees_with_the_panel_of_the_model():
    text = files("predictions.intake").joinpath("gene_names.csv").read_text()
    rows = {row["symbol"]: row for row in csv.DictReader(text.splitlines())}
    assert {s: (int(row["entrez_id"]), row["ensembl_id"]) for s, row in rows.items()} == {
        gene.symbol: (gene.entrez_id, gene.ensembl_id) for gene in load_panel()
    }
    assert len({row["hgnc_id"] for row in rows.values()}) == 69


@pytest.mark.parametrize(
    ("left", "genes"),
    [
        ("2-Sep", ("SEPTIN2",)),
        ("Sep-02", ("SEPTIN2",)),
        ("2025-03-01", ("MARCHF1", "MTARC1")),
        ("2025-03-01 00:00:00", ("MARCHF1", "MTARC1")),
        ("45901", ("SEPTIN1",)),
        ("1-Dec", ("DELEC1", "BHLHE40")),
        ("1.00E+05", ()),
        ("#N/A", ()),
        ("#NAME?", ()),
    ],
)
def test_what_a_spreadsheet_leaves_of_a_name_is_recognised_with_the_likely_genes(left, genes):
    assert is_damaged(left)
    assert likely_genes(left) == genes


@pytest.mark.parametrize(
    "whole", ["SEPTIN2", "C3", "12345", "99999", "H4/h", "202-Sep", "1-SEP", "IL-18", "2025-13-01"]
)
def test_a_name_that_is_whole_is_not_called_damaged(whole):
    assert not likely_genes(whole)


def test_damage_that_concerns_no_gene_of_the_panel_is_told_and_does_not_block(manifest):
    panel = build(manifest, {**values_of(0), "2-Sep": 6.0, "#N/A": 5.0})
    assert panel.not_in_panel == ("2-Sep", "#N/A")
    assert name_damaged(panel.not_in_panel, panel.identifiers) == (
        "2-Sep (was it SEPTIN2?), #N/A (nobody can tell which gene it was)"
    )


def test_damage_that_may_have_been_a_missing_gene_of_the_panel_blocks(manifest):
    values = names_in(manifest, KINDS[1])
    values["1.49E+05"] = values.pop("149076")
    (problem,) = problems_of(manifest, values)
    assert problem.code == "identifier_damaged"
    assert "ZNF362" in problem.detail


def test_a_number_is_no_damage_where_genes_are_called_by_numbers(manifest):
    values = {**names_in(manifest, KINDS[1]), "45901": 5.0}
    panel = build(manifest, values)
    assert not name_damaged(panel.not_in_panel, panel.identifiers)


def test_a_reader_keeps_what_may_concern_the_panel_and_nothing_else(manifest):
    wanted = wanted_by(manifest.genes)
    for name in (
        "IL18",
        "il18",
        "GOLPH2",
        "TRAIL",
        "3606",
        "ENSG00000150782.12",
        "206295_at",
        "1.49E+05",
    ):
        assert wanted(name), name
    for name in ("TP53", "45901", "2-Sep", "#N/A", "ENSG00000141510", "201746_at", ""):
        assert not wanted(name), name


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_file_gives_each_sample_the_values_that_it_has_alone(manifest, data):
    names = list(names_in(manifest, data.draw(st.sampled_from(KINDS))))
    names = data.draw(st.permutations(names))
    numbers = st.none() | st.floats(-5, 20)
    rows = data.draw(
        st.lists(st.lists(numbers, min_size=len(names), max_size=len(names)), min_size=1, max_size=3)
    )
    matched = match_names(names, manifest.genes, accept_former=False)
    together = matched.values(np.array(rows, dtype=np.float64), manifest.symbols)
    for row, values in zip(rows, together, strict=True):
        measurements = [Measurement(name, value) for name, value in zip(names, row, strict=True)]
        matched = match(measurements, manifest.genes, None, accept_former=False)
        alone = identify(measurements, matched).values
        assert alone == {s: v for s, v in zip(manifest.symbols, values.tolist(), strict=True) if not isnan(v)}
