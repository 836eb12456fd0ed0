"""Two columns of text are read as they stand, or refused row by row."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.exceptions import PanelRefused
from predictions.intake.opening import only_sample
from predictions.intake.readers import gene_values
from predictions.intake.readers.gene_values import MOST_ROWS
from predictions.intake.tables import Choices

GENES = {"IL18", "POLQ", "PLK1", "C3"} | {f"GENE{i}" for i in range(80)}


def sample_of(data):
    file = io.BytesIO(data if isinstance(data, bytes) else data.encode("utf-8", "replace"))
    return only_sample(gene_values.read(file, GENES.__contains__, Choices()))


def read(data):
    return [(m.identifier, m.value) for m in sample_of(data).measurements]


def problems_of(data):
    try:
        return sample_of(data).problems
    except PanelRefused as refusal:
        return refusal.problems


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", " ", "   "])
def test_a_row_is_read_whatever_parts_its_columns(delimiter):
    assert read(f"IL18{delimiter}6.5\nPOLQ{delimiter}7") == [("IL18", 6.5), ("POLQ", 7.0)]


@pytest.mark.parametrize(
    "data",
    [
        "IL18\t6.5".encode("utf-8-sig"),
        "IL18\t6.5".encode("utf-16"),
        b"IL18\t6.5\r\n",
        b"IL18\t6.5\r",
        b"\n\n IL18 \t 6.5 \n\n",
        b'"IL18","6.5"',
    ],
    ids=["utf-8 with BOM", "utf-16", "CRLF", "CR", "blanks around", "quoted"],
)
def test_bytes_are_read_in_every_usual_encoding_and_line_ending(data):
    assert read(data) == [("IL18", 6.5)]


@pytest.mark.parametrize("word", ["", "NA", "na", "NaN", "null", "NULL"])
def test_a_missing_value_is_missing_however_it_is_written(word):
    assert read(f"IL18,{word}\nPOLQ,7") == [("IL18", None), ("POLQ", 7.0)]


def test_a_header_is_skipped_and_the_skipping_is_on_record():
    columns = sample_of("gene,value\nIL18,6.5")
    assert len(columns.measurements) == 1
    assert columns.steps[0].code == "header_skipped"
    assert "Row 1" in columns.steps[0].detail


def test_a_panel_without_a_header_loses_no_row():
    columns = sample_of("IL18,6.5\nPOLQ,7")
    assert len(columns.measurements) == 2
    assert columns.steps == ()


def test_a_decimal_comma_is_read_where_the_columns_are_not_parted_by_commas():
    columns = sample_of("IL18;6,5\nPOLQ;7")
    assert [m.value for m in columns.measurements] == [6.5, 7.0]
    assert [step.code for step in columns.steps] == ["decimal_comma_read"]


def test_decimal_comma_and_decimal_point_together_are_a_problem_not_a_guess():
    assert [(p.code, p.row, p.value) for p in problems_of("IL18;6,5\nPOLQ;7.1")] == [
        ("not_a_number", 1, "6,5")
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "1e309",
        "-1e309",
        "inf",
        "Infinity",
        "1_0",
        "٣",
        "0x10",
        "6.5 log2",
        "-",
        "1" * 5_000,
        "six",
        "1,234.5",
    ],
)
def test_what_is_not_a_finite_decimal_number_is_refused_with_row_and_value(cell):
    (problem,) = problems_of(f"IL18\t6.5\nPOLQ\t{cell}")
    assert (problem.code, problem.row) == ("not_a_number", 2)
    assert problem.value == cell[:80]


def test_all_problems_are_told_at_once_with_the_line_they_stand_in():
    found = problems_of("IL18\t6.5\n\nPOLQ\tsix\nPLK1\nC3\t1\t2")
    assert [(p.code, p.row) for p in found] == [
        ("not_a_number", 3),
        ("wrong_column_count", 4),
        ("wrong_column_count", 5),
    ]


def test_a_quote_that_is_never_closed_costs_only_its_own_row():
    found = problems_of('IL18,"6.5\nPOLQ,7\nPLK1,six')
    assert [p.row for p in found] == [3]


@pytest.mark.parametrize("data", ["", "  \n\t\n", b"", b"\xef\xbb\xbf", "gene,value"])
def test_nothing_in_it_is_said_so(data):
    assert [p.code for p in problems_of(data)] == ["empty_panel"]


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04\x14\x00\xff\xfe", b"IL18\t6\x00.5", b"IL18\t\x81", b"\xff\xfeI"]
)
def test_what_is_not_text_is_said_so(data):
    assert [p.code for p in problems_of(data)] == ["not_text"]


def test_what_is_too_large_is_refused_before_it_is_read():
    assert [p.code for p in problems_of("A 1\n" * (MOST_ROWS + 1))] == ["too_large"]


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_anything_at_all_is_read_or_refused_with_reasons(data):
    try:
        columns = sample_of(data)
    except PanelRefused as refusal:
        told = bool(refusal.problems)
    else:
        told = bool(columns.measurements)
        assert all(m.value is None or abs(m.value) < float("inf") for m in columns.measurements)
    assert told


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=80))
def test_every_finite_number_comes_through_to_the_last_bit(values):
    text = "\n".join(f"GENE{i}\t{value!r}" for i, value in enumerate(values))
    assert [m.value for m in sample_of(text).measurements] == values


@pytest.mark.parametrize("data", [",,,\n,,,\n", "\t\t", ";\n;", ', ,\n"",""'])
def test_a_text_of_nothing_but_delimiters_is_empty(data):
    assert [problem.code for problem in problems_of(data)] == ["empty_panel"]


@pytest.mark.parametrize("cell", ["7" * 131_073, '"' + "7" * 200_000, "7" * 1_900_000])
def test_a_cell_that_csv_gives_up_on_costs_its_own_row(cell):
    columns = sample_of(f"POLQ,7\nIL18,{cell}\nPLK1,6")
    assert [(problem.code, problem.row) for problem in columns.problems] == [("row_too_long", 2)]
    assert [m.value for m in columns.measurements] == [7.0, None, 6.0]
