"""The hundred people."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.icon_array import icon_array
from predictions.presentation import out_of_100
from tests.drawings import figures_in


def parsed(drawing):
    return ET.fromstring(drawing)  # noqa: S314 - our own


def figures_of(had_it):
    return figures_in(icon_array("five", had_it, "Title", "Description"))


@given(percent=st.floats(0, 100))
def test_there_are_always_a_hundred_people_of_whom_the_whole_number_is_filled(percent):
    had_it = out_of_100(percent)
    figures = figures_of(had_it)
    filled = [figure for figure in figures if figure[1] == "currentColor"]
    assert len(figures) == 100
    assert len({outline for outline, _fill in figures}) == 100
    assert len(filled) == {"<1": 0, ">99": 100}.get(had_it, int(had_it.strip("<>")))
    assert figures[: len(filled)] == filled


@pytest.mark.parametrize("had_it", ["0", "1", "18", "99", "100"])
def test_those_who_did_not_are_open_figures_and_not_only_of_another_colour(had_it):
    assert [fill for _outline, fill in figures_of(had_it)].count("none") == 100 - int(had_it)


def test_a_screen_reader_hears_one_picture_with_its_title_and_what_it_shows():
    drawing = parsed(icon_array("ten", "18", "18 of 100", "18 filled, 82 open"))
    named = {part.get("id"): part.text for part in drawing if part.get("id")}
    assert drawing.get("role") == "img"
    assert [named[key] for key in drawing.attrib["aria-labelledby"].split()] == [
        "18 of 100",
        "18 filled, 82 open",
    ]


def test_hostile_words_stay_words():
    drawing = icon_array('"><script>', "18", "<script>alert(1)</script>", "</desc><script>")
    assert "<script" not in drawing
    assert len(figures_in(drawing)) == 100


def test_nothing_of_it_needs_a_style_attribute_which_the_policy_forbids():
    assert "style=" not in icon_array("five", "18", "Title", "Description")
