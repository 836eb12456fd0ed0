"""docs/asvs.md is whole: each requirement stands once, what it names exists, and it counts right."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENT = (CHECKOUT / "docs" / "asvs.md").read_text()
LISTED = (CHECKOUT / "tests" / "asvs_5_0_0.txt").read_text().splitlines()
LEVELS = dict(line.split() for line in LISTED if not line.startswith("#"))
# In the order in which the document counts them; what begins with none of the others is shown.
STATES = ("shown", "not applicable, because ", "open: ", "open, for the operator: ")
ROW = re.compile(r"^\| (?P<ids>\d[\d., ]*) \| (?P<asks>[^|]+) \| (?P<shown>[^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+(?:::\w+)?)`")
LINK = re.compile(r"\]\((?!https:)([^)]+)\)")
ROWS = [(row["ids"].split(", "), row["shown"]) for row in ROW.finditer(DOCUMENT)]
COUNTED = re.compile(r"^\| (Level 1|Level 2|both) \| (.+) \|$", re.MULTILINE)


def state_of(shown: str) -> str:
    return next((state for state in STATES[1:] if shown.startswith(state)), STATES[0])


def named_in(body: list[ast.stmt], of: str = "") -> Iterator[str]:
    """The tests of a file as pytest calls them, without running any of it."""
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield of + node.name
        elif isinstance(node, ast.ClassDef):
            yield from named_in(node.body, f"{node.name}::")


def test_every_requirement_of_level_1_and_2_stands_once():
    assert Counter(LEVELS.values()) == {"1": 70, "2": 183}
    assert Counter(requirement for ids, _ in ROWS for requirement in ids) == Counter(list(LEVELS))


def test_no_row_of_a_table_is_written_so_that_it_is_not_counted():
    rows = re.findall(r"^\| \d.*$", DOCUMENT, re.MULTILINE)
    assert [row for row in rows if not ROW.fullmatch(row)] == []


@pytest.mark.parametrize("file", sorted({file for file, _ in TEST.findall(DOCUMENT)}))
def test_every_test_that_is_named_exists(file):
    named = {name for where, name in TEST.findall(DOCUMENT) if where == file}
    assert named - set(named_in(ast.parse((CHECKOUT / file).read_text()).body)) == set()


def test_every_document_that_is_named_exists():
    assert [link for link in LINK.findall(DOCUMENT) if not (CHECKOUT / "docs" / link).exists()] == []


def test_what_is_shown_names_a_test_or_a_document():
    shown = [text for _, text in ROWS if state_of(text) == "shown"]
    assert [text for text in shown if not (TEST.match(text) or re.match(r"\[[^]]+\]\(", text))] == []


def test_what_is_open_or_does_not_apply_says_why():
    assert [text for _, text in ROWS for state in STATES[1:] if text.strip() == state.strip()] == []


def test_the_counts_at_the_top_are_right():
    found = Counter((f"Level {LEVELS[each]}", state_of(shown)) for ids, shown in ROWS for each in ids)
    for label, cells in COUNTED.findall(DOCUMENT):
        levels = ("Level 1", "Level 2") if label == "both" else (label,)
        counts = [sum(found[level, state] for level in levels) for state in STATES]
        assert [int(cell) for cell in cells.split(" | ")] == [sum(counts), *counts], label
    assert len(COUNTED.findall(DOCUMENT)) == 3
