"""A hundred people drawn as SVG: filled figures had it, open ones did not. It reads without colour."""

from collections.abc import Iterable

from django.utils.html import format_html
from django.utils.safestring import SafeString

PEOPLE = 100
AT_THE_ENDS = {"<1": 0, ">99": PEOPLE}
ROW = 10
HALF = ROW // 2
# Units of the view box. The wider gap after each five lets people count without counting.
FIGURE_WIDTH, FIGURE_HEIGHT = 14, 24
ACROSS, DOWN = 20, 30
GAP = 8
MARGIN = 1
WIDTH = ACROSS * ROW + GAP - (ACROSS - FIGURE_WIDTH) + 2 * MARGIN
HEIGHT = DOWN * ROW + GAP - (DOWN - FIGURE_HEIGHT) + 2 * MARGIN


def icon_array(key: str, had_it: str, title: str, description: str) -> SafeString:
    """10 rows of 10 people, of whom the first `had_it` are filled.

    `key` is the id of the drawing on its page, `had_it` the text of `presentation.out_of_100`: for "<1"
    nobody is filled, for ">99" everybody, so `title` has to say the number.
    """
    filled = filled_figures(had_it)
    return format_html(
        '<svg class="icons" role="img" aria-labelledby="{0}-title {0}-desc" viewBox="0 0 {1} {2}">'
        '<title id="{0}-title">{3}</title><desc id="{0}-desc">{4}</desc>{5}</svg>',
        key,
        WIDTH,
        HEIGHT,
        title,
        description,
        _figures(range(filled), is_filled=True) + _figures(range(filled, PEOPLE), is_filled=False),
    )


def filled_figures(had_it: str) -> int:
    """How many of the hundred are filled."""
    return AT_THE_ENDS[had_it] if had_it in AT_THE_ENDS else int(had_it)


def figure(*, is_filled: bool) -> SafeString:
    """One of the figures, for the key beside the words; a screen reader passes over it."""
    return format_html(
        '<svg class="icon" aria-hidden="true" viewBox="0 0 {} {}">{}</svg>',
        FIGURE_WIDTH + 2 * MARGIN,
        FIGURE_HEIGHT + 2 * MARGIN,
        _figures([0], is_filled=is_filled),
    )


def _figures(places: Iterable[int], *, is_filled: bool) -> SafeString:
    """One path for all, which is drawn much faster. Its attributes make it readable without a stylesheet."""
    outlines = "".join(map(_outline, places))
    return format_html(
        '<path class="{}" fill="{}" stroke="currentColor" stroke-width="1.5" d="{}"/>' if outlines else "",
        "had-it" if is_filled else "did-not",
        "currentColor" if is_filled else "none",
        outlines,
    )


def _outline(place: int) -> str:
    """A head and shoulders."""
    row, column = divmod(place, ROW)
    x = MARGIN + ACROSS * column + GAP * (column >= HALF)
    y = MARGIN + DOWN * row + GAP * (row >= HALF)
    return f"M{x + 3} {y + 4}a4 4 0 1 0 8 0a4 4 0 1 0-8 0zM{x} {y + FIGURE_HEIGHT}v-7a7 7 0 0 1 14 0v7z"
