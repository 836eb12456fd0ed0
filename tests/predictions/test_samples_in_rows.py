"""A row for each sample: the fast way reads what the exact way reads, and nothing is lost."""

import io
from itertools import chain
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.exceptions import PanelRefused
from predictions.intake.cells import LONGEST_LINE
from predictions.intake.readers import samples_in_rows
from predictions.intake.readers.samples_in_rows import LINES_LOOKED_AT, Layout, read_cells, read_plain
from predictions.intake.tables import CHUNK, Choices

GENES = {"IL18", "POLQ", "PLK1"}
HEADER = "sample,age,IL18,POLQ,PLK1\n"


def read(data):
    file = io.BytesIO(data if isinstance(data, bytes) else data.encode())
    return samples_in_rows.read(file, GENES.__contains__, Choices())


def samples_of(data):
    """Name, age, values and problem codes of each sample."""
    return [
        (name, age, values, [problem.code for problem in chunk.problems.get(index, ())])
        for chunk in read(data).chunks
        for index, (name, age, values) in enumerate(
            zip(chunk.sample_ids, chunk.ages, chunk.values.tolist(), strict=True)
        )
    ]


def problems_of(data):
    try:
        chunks = list(read(data).chunks)
    except PanelRefused as refusal:
        return [(p.code, p.row, p.column, p.value) for p in refusal.problems]
    return [
        (p.code, p.row, p.column, p.value)
        for chunk in chunks
        for of_sample in chunk.problems.values()
        for p in of_sample
    ]


def is_same(first, second):
    return (
        first.values.tobytes() == second.values.tobytes()
        and (first.sample_ids, first.ages, first.rows) == (second.sample_ids, second.ages, second.rows)
        and first.problems == second.problems
    )


PLAIN = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers(-99, 99).map(str)
# What only one of two parsers might take for a number, or for a border between cells.
ODDITIES = (
    "|NA|nan|NaN|-nan|NULL|inf|-Infinity|1e309|-1e309|1e-400|1_0|0x10|1d5|1e|--1|.|-|.5|5.|+1|1E+05| 7|7 "
    '|\xa07|\u0663|6,5|6,|,5|1.2.3|six|#N/A|"7"|"7,5"|7"|"|\'7\'|4.9406564584124654e-324|\\|\x0b7|\x1c7|\t7'
)
ODD = st.sampled_from(ODDITIES.split("|"))
DIGITS = st.from_regex(r"[+-]?[0-9]{0,30}[.,]?[0-9]{0,400}(e[+-]?[0-9]{1,3})?", fullmatch=True)
CELL = PLAIN | PLAIN | PLAIN | ODD | DIGITS | st.text(max_size=3).filter(lambda t: not {*t} & {*"\n\r"})
ROW = st.lists(CELL, min_size=5, max_size=5) | st.lists(CELL, max_size=6)


def block_of(rows, delimiter):
    return "".join(f"{delimiter.join(row)}\n" for row in rows).encode(errors="replace")


@given(
    st.lists(ROW, min_size=1, max_size=4), st.sampled_from(",;\t"), st.booleans(), st.sampled_from([0, None])
)
def test_polars_reads_to_the_last_bit_what_is_read_cell_by_cell_or_leaves_it_alone(
    rows, delimiter, with_comma, sample
):
    layout = Layout(
        ("sample", "age", "IL18", "POLQ", "PLK1"),
        delimiter,
        with_comma and delimiter != ",",
        (2, 3, 4),
        sample,
        1,
    )
    block = block_of(rows, delimiter)
    plain = read_plain(block, 2, layout)
    assert plain is None or is_same(plain, read_cells(block, 2, layout))


@given(
    st.lists(st.lists(PLAIN | st.sampled_from(["", "NA"]), min_size=3, max_size=3), min_size=1, max_size=9)
)
def test_plain_rows_are_read_the_fast_way(rows):
    layout = Layout(("sample", "age", "IL18", "POLQ", "PLK1"), ",", False, (2, 3, 4), 0, 1)
    block = block_of([['"S 1"', "57", *row] for row in rows], ",")
    plain = read_plain(block, 2, layout)
    assert plain or set(chain.from_iterable(rows)) <= {"", "NA"}  # nothing measured is no table to be fast at
    assert plain is None or is_same(plain, read_cells(block, 2, layout))


def test_id_age_and_genes_are_found_by_their_names_in_any_order():
    data = "TP53;POLQ;Age (years);IL18;Sample ID\n1;7;57;6.5;S1\n1;NA;;8;S2\n"
    table = read(data)
    assert (table.identifiers, table.others, table.others_count) == (("POLQ", "IL18"), ("TP53",), 1)
    (chunk,) = table.chunks
    assert (chunk.sample_ids, chunk.ages, chunk.rows) == (("S1", "S2"), (57, None), (2, 3))
    np.testing.assert_array_equal(chunk.values, [[7, 6.5], [nan, 8]])
    assert [step.code for step in table.steps] == ["samples_named", "ages_read"]


def test_a_first_column_of_words_names_the_samples_and_one_of_numbers_does_not():
    assert [row[0] for row in samples_of("tumour,IL18,POLQ\nT1,1,2\n")] == ["T1"]
    assert [row[0] for row in samples_of("stage,IL18,POLQ\n2,1,2\n")] == [""]


def test_the_names_that_r_writes_without_a_header_are_read():
    assert samples_of('"IL18"\t"POLQ"\n"T1"\t1\t2\n"T2"\t3\t4\n') == [
        ("T1", None, [1, 2], []),
        ("T2", None, [3, 4], []),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_usual_encoding_and_line_ending_gives_the_same_samples(encoding, ending):
    text = f"{HEADER}Müller,57,1,2,3\nS2,,4,5,6".replace("\n", ending)
    table = read(text.encode(encoding))
    (chunk,) = table.chunks
    assert (chunk.sample_ids, chunk.rows, chunk.values.tolist()) == (
        ("Müller", "S2"),
        (2, 3),
        [[1, 2, 3], [4, 5, 6]],
    )
    assert ("latin_1_read" in {step.code for step in table.steps}) == (encoding == "cp1252")


def test_every_cell_that_cannot_be_read_is_named_and_costs_its_own_sample_only():
    assert problems_of(
        HEADER + "S1,57,1,2,3\nS2,old,six,1e309,3\nS3,57,1,2\nS4,,,,\n,,,,\nS5,57,1,2,3\n"
    ) == [
        ("not_a_number", 3, "IL18", "six"),
        ("not_a_number", 3, "POLQ", "1e309"),
        ("age_unreadable", 3, "age", "old"),
        ("wrong_column_count", 4, None, "S3 | 57 | 1 | 2"),
    ]
    assert [row[0] for row in samples_of(HEADER + "S1,57,1,2,3\nS3,57\n\n,,,,\nS4,,,,\n")] == [
        "S1",
        "S3",
        "S4",
    ]


def test_a_short_line_beside_a_long_one_is_not_filled_up():
    assert [codes for *_, codes in samples_of(HEADER + "S1,57,1,2\nS2,57,1,2,3,4\n")] == [
        ["wrong_column_count"]
    ] * 2


def test_a_decimal_comma_is_read_where_columns_are_parted_otherwise():
    rows = "S;6,5;7\n".replace("S", "{}") * LINES_LOOKED_AT
    data = "sample;IL18;POLQ\n" + rows.format(*range(LINES_LOOKED_AT)) + "X;6.5;7\n"
    first, *_, last = samples_of(data)
    assert first == ("0", None, [6.5, 7], [])
    assert last == ("X", None, [inf, 7], ["not_a_number"])


def test_decimal_comma_and_decimal_point_together_are_a_problem_not_a_guess():
    assert problems_of("sample;IL18;POLQ\nS1;6,5;7\nS2;6.5;7") == [("not_a_number", 2, "IL18", "6,5")]


def test_the_second_sample_of_a_name_is_refused_however_far_below():
    rows = [f"S{i},57,1,2,3" for i in range(2 * CHUNK)]
    data = HEADER + "\n".join([*rows, rows[3], ",57,1,2,3", ",57,1,2,3"])
    assert problems_of(data) == [("sample_repeated", 2 * CHUNK + 2, None, "S3")]


def test_chunks_hold_every_sample_once_in_the_order_of_the_file():
    chunks = list(read(HEADER + "".join(f"S{i},57,{i},2,3\n" for i in range(3 * CHUNK))).chunks)
    assert max(len(chunk.rows) for chunk in chunks) <= CHUNK
    assert np.concatenate([chunk.values[:, 0] for chunk in chunks]).tolist() == list(range(3 * CHUNK))
    assert [row for chunk in chunks for row in chunk.rows] == list(range(2, 3 * CHUNK + 2))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "empty_panel"),
        (HEADER, "empty_panel"),
        ("IL18\n7\n", "empty_panel"),
        ("sample,TP53\nS1,7\n", "no_gene_known"),
        (HEADER.encode() + b"S1,57,1,2,3\0\n", "not_text"),
        (HEADER.encode("utf-16-le"), "not_text"),
        (HEADER + "x" * (LONGEST_LINE + 1), "row_too_long"),
        (HEADER.strip() + ",x" * 75_000 + "\n1,2", "too_large"),
    ],
)
def test_what_is_no_table_of_samples_is_refused_as_a_whole(data, code):
    assert [problem[0] for problem in problems_of(data)] == [code]
