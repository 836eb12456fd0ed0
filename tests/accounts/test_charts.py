"""A chart puts every value where its axes say, and can be read without colour or eyes."""

import re
from xml.etree import ElementTree as ET

import pytest

from accounts.charts import LEFT, PLOT_HEIGHT, RIGHT, Axis, Chart, Point, Series

SVG = "{http://www.w3.org/2000/svg}"


def chart(*series, title="A title", y=(0.0, 50.0, 100.0)):
    x = Axis("Across", (0.0, 5.0, 10.0))
    return Chart("key", title, "What it shows", x, Axis("Upwards", y), series)


def drawn(a_chart):
    """The chart as an XML parser sees it."""
    root = ET.fromstring(a_chart.svg.replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" '))  # noqa: S314
    return {
        kind: [path for path in root.iter(f"{SVG}path") if path.get("class") == kind]
        for kind in ("link", "mark", "interval", "grid")
    } | {"text": [text.text for text in root.iter(f"{SVG}text")], "root": root}


def test_the_ends_of_the_axes_are_the_corners_of_the_plot():
    line = drawn(chart(Series("Line", (Point(0, 0), Point(10, 100)), "line")))["link"][-1].get("d")
    x0, y0, x1, y1 = map(float, re.findall(r"[\d.]+", line))
    assert (x0, x1) == (LEFT, RIGHT)
    assert y0 - y1 == PLOT_HEIGHT


def test_a_step_rises_before_it_goes_on():
    steps = drawn(chart(Series("Steps", (Point(0, 0), Point(5, 50), Point(10, 100)), "step")))
    assert re.fullmatch(r"M[\d.]+ [\d.]+(V[\d.]+H[\d.]+){2}", steps["link"][-1].get("d"))


def test_an_interval_is_drawn_where_there_is_one():
    points = (Point(1, 10, 5, 20), Point(2, 30))
    found = drawn(chart(Series("Marks", points, "marks")))
    assert len(found["interval"]) == 1
    assert len(found["mark"]) == 2 + 1  # and the one of the key
    assert found["link"] == []


def test_series_differ_in_their_marks_and_each_is_in_the_key():
    found = drawn(chart(*(Series(name, (Point(5, 50),), "linked") for name in "ABCD")))
    shapes = {re.sub(r"M[\d.]+ [\d.]+", "", mark.get("d")) for mark in found["mark"]}
    assert len(shapes) == 4
    assert {"A", "B", "C", "D"} < set(found["text"])


def test_a_screen_reader_is_told_the_title_and_what_is_seen():
    root = drawn(chart(Series("Line", (Point(0, 0), Point(1, 1)), "line")))["root"]
    assert root.get("role") == "img"
    named = {child.get("id"): child.text for child in root if child.get("id")}
    assert [named[key] for key in root.get("aria-labelledby").split()] == ["A title", "What it shows"]


def test_words_are_inert():
    hostile = "</title><script>alert(1)</script>"
    svg = chart(Series(hostile, (Point(0, 0),), "marks"), title=hostile).svg
    assert "<script>" not in svg


@pytest.mark.parametrize(
    ("lowest", "highest", "ticks"),
    [
        (0, 53.4, (0, 10, 20, 30, 40, 50, 60)),
        (0, 100, (0, 20, 40, 60, 80, 100)),
        (-5, 21.9, (-5, 0, 5, 10, 15, 20, 25)),
        (0, 0.6, (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)),
    ],
)
def test_ticks_are_round_and_hold_every_value(lowest, highest, ticks):
    assert Axis.covering("", lowest, highest).ticks == pytest.approx(ticks)


def test_a_number_below_nothing_has_a_true_minus():
    found = drawn(chart(Series("Line", (Point(0, 0), Point(1, 1)), "line"), y=(-5.0, 0.0, 5.0)))
    assert "\N{MINUS SIGN}5" in found["text"]


@pytest.mark.parametrize(
    ("most", "ticks"), [(0, [0, 1]), (1, [0, 1]), (3, [0, 1, 2, 3]), (40, [0, 10, 20, 30, 40])]
)
def test_an_axis_that_counts_has_no_halves(most, ticks):
    assert Axis.counting("", most).ticks == tuple(ticks)
