"""A panel is understood or refused: identifiers, units, missing genes, age."""

from typing import get_args

import pytest

from ml_models.manifest import Unit
from ml_models.units import detect_unit
from predictions.exceptions import PanelRefused
from predictions.intake.identifiers import name_others
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.intake.panel import build_panel
from predictions.intake.units import UNITS
from tests.panels import transbig, values_of


def request_of(values, unit="log2_intensity", **options):
    measurements = tuple(
        Measurement(name, value, row=row) for row, (name, value) in enumerate(values.items(), 1)
    )
    return PanelRequest(measurements, unit, **options)


def problems_of(manifest, values, **options):
    with pytest.raises(PanelRefused) as caught:
        build_panel(request_of(values, **options), manifest)
    return caught.value.problems


def codes_of(manifest, values, **options):
    return [problem.code for problem in problems_of(manifest, values, **options)]


def renamed(values, old, new):
    return {new if name == old else name: value for name, value in values.items()}


def test_a_whole_panel_is_taken_as_it_is(manifest):
    panel = build_panel(request_of(values_of(0), age_years=50), manifest)
    assert panel.values == values_of(0)
    assert panel.missing == ()
    assert panel.steps == ()
    assert panel.identifiers == "hgnc_symbol"


def test_a_gene_that_was_taken_for_a_header_is_a_problem_and_not_lost(manifest):
    values = values_of(0)
    gene = values.pop("IL18")
    assert gene
    header = Measurement("IL18", None, row=1)
    (problem,) = problems_of(manifest, values, header=header)
    assert (problem.code, problem.row) == ("not_a_number", 1)
    build_panel(request_of(values_of(0), header=Measurement("gene", None, row=1)), manifest)


def test_probe_sets_are_recognised_and_several_of_one_gene_are_averaged_on_record(manifest):
    cd44 = next(gene for gene in manifest.genes if gene.symbol == "CD44")
    assert len(cd44.probe_sets) == 2
    values = {probe_set: gene.mean for gene in manifest.genes for probe_set in gene.probe_sets}
    values |= {cd44.probe_sets[0]: 7.0, cd44.probe_sets[1]: 9.0}
    panel = build_panel(request_of(values), manifest)
    assert panel.identifiers == "affymetrix_probe_set"
    assert panel.values["CD44"] == 8.0
    assert sum(step.code == "probe_sets_averaged" for step in panel.steps) == 5


def test_genes_give_the_same_digest_in_any_order_and_another_age_another_one(manifest):
    forward = build_panel(request_of(values_of(0)), manifest)
    backward = build_panel(request_of(dict(reversed(values_of(0).items()))), manifest)
    older = build_panel(request_of(values_of(0), age_years=50), manifest)
    assert forward.sha256 == backward.sha256 != older.sha256


def test_a_former_symbol_is_proposed_and_never_renamed_in_silence(manifest):
    values = renamed(values_of(0), "MYRF", "C11orf9")
    (problem,) = problems_of(manifest, values)
    assert problem.code == "former_symbol"
    assert "MYRF" in problem.detail
    panel = build_panel(request_of(values, accept_former_symbols=True), manifest)
    assert panel.former_symbols == {"C11orf9": "MYRF"}
    assert panel.values["MYRF"] == values_of(0)["MYRF"]


def test_two_names_of_one_gene_block_the_panel(manifest):
    values = {**values_of(0), "C11orf9": 6.0}
    assert codes_of(manifest, values, accept_former_symbols=True) == ["identifiers_collide"]


def test_a_gene_that_stands_twice_blocks_the_panel_with_both_rows(manifest):
    measurements = (*request_of(values_of(0)).measurements, Measurement("IL18", 5.0, row=70))
    with pytest.raises(PanelRefused) as caught:
        build_panel(PanelRequest(measurements, "log2_intensity"), manifest)
    (problem,) = caught.value.problems
    assert problem.code == "identifier_repeated"
    assert "70" in problem.detail


def test_genes_of_no_panel_are_counted_and_not_used(manifest):
    panel = build_panel(request_of({**values_of(0), "TP53": 8.0}), manifest)
    assert panel.not_in_panel == ("TP53",)


def test_a_lower_case_symbol_is_not_the_gene_but_is_suggested(manifest):
    panel = build_panel(request_of(renamed(values_of(0), "IL18", "il18")), manifest)
    assert panel.missing == ("IL18",)
    assert name_others(["il18", "TP53"], panel.missing, manifest.genes) == "il18 (is it IL18?), TP53"
    assert name_others(list("ABCDEF"), [], manifest.genes) == "A, B, C, D, E, …"


@pytest.mark.parametrize("name", ["", "A\0B", "A\nB", "X" * 61, "\ud800"])
def test_an_identifier_that_cannot_be_shown_is_refused(manifest, name):
    assert codes_of(manifest, {**values_of(0), name: 1.0}) == ["identifier_unreadable"]


def test_missing_genes_are_named_when_they_are_too_many(manifest):
    few = dict(list(values_of(0).items())[:40])
    (problem,) = problems_of(manifest, few)
    assert problem.code == "too_few_genes"
    assert "40 of the 69" in problem.detail
    assert manifest.symbols[-1] in problem.detail


def test_missing_genes_are_refused_where_the_sender_wants_none(manifest):
    values = {**values_of(0), "IL18": None}
    assert codes_of(manifest, values, allow_missing_genes=False) == ["genes_missing"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([5.1, 8.2, 11.9], "log_scale"),
        ([0.0, 12.0, 61_204.0], "raw_counts"),
        ([0.3, 88.1, 1_204.5], "linear"),
        ([-1.2, 0.3, 0.9, -0.4], "centred"),
        ([0.0, 0.0, 0.0], "log_scale"),
    ],
)
def test_the_look_of_a_unit_is_told_by_range_and_grain(values, code):
    assert detect_unit(values).code == code


@pytest.mark.parametrize(
    ("transform", "look"),
    [
        (lambda v: float(int(2**v)), "raw counts"),
        (lambda v: 2**v, "not logged"),
        (lambda v: v - 8, "z-scores"),
    ],
    ids=["counts", "linear", "centred"],
)
def test_values_that_contradict_the_declared_unit_are_refused_with_the_evidence(manifest, transform, look):
    values = {name: transform(value) for name, value in values_of(0).items()}
    (problem,) = problems_of(manifest, values)
    assert problem.code == "unit_contradicted"
    assert look in problem.detail


@pytest.mark.parametrize("unit", [unit for unit in UNITS if not unit.endswith("intensity")])
def test_a_unit_that_the_release_does_not_read_is_refused_though_the_values_would_fit(manifest, unit):
    assert codes_of(manifest, values_of(0), unit=unit) == ["unit_not_supported"]


def test_every_unit_that_a_release_may_read_has_words():
    assert set(get_args(Unit)) < UNITS.keys()


def test_everything_wrong_is_told_at_once(manifest):
    values = {**renamed(values_of(0), "MYRF", "C11orf9"), "A\nB": 1.0}
    options = {"unit": "furlong", "age_years": 7, "platform": "nanostring", "case_reference": "P\n1"}
    assert codes_of(manifest, values, **options) == [
        "identifier_unreadable",
        "former_symbol",
        "unit_unknown",
        "age_out_of_range",
        "platform_not_supported",
        "reference_unreadable",
    ]


def test_every_patient_of_the_cohort_has_a_panel_that_is_understood(manifest):
    for patient in range(len(transbig().age)):
        build_panel(request_of(values_of(patient)), manifest)
