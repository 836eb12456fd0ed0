"""The model card in a real browser: on a phone, in the dark, on paper, by keyboard."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import overflow

CARD = "/models/rotterdam76-ridge/1.0.0/"
SMALLEST_TEXT = 11


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/models/", CARD])
def test_it_fits_a_phone_with_every_table_open(visit, path, scheme):
    page = visit(path, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert overflow(page) <= 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) > 384) == (scheme == "light")


def test_the_words_of_a_chart_are_large_enough_on_a_phone_and_stay_inside(visit):
    page = visit(CARD, viewport={"width": 360, "height": 740})
    boxes = page.evaluate(
        """[...document.querySelectorAll('.chart text')].map(text => {
            const own = text.getBoundingClientRect(), frame = text.ownerSVGElement.getBoundingClientRect();
            const scale = frame.width / text.ownerSVGElement.viewBox.baseVal.width;
            return {words: text.textContent, size: parseFloat(getComputedStyle(text).fontSize) * scale,
                    inside: own.left >= frame.left - 1 && own.right <= frame.right + 1
                            && own.bottom <= frame.bottom + 1};
        })"""
    )
    assert len(boxes) > 40
    assert [box for box in boxes if box["size"] < SMALLEST_TEXT or not box["inside"]] == []


def test_no_words_of_a_chart_lie_on_others(visit):
    page = visit(CARD)
    overlapping = page.evaluate(
        """[...document.querySelectorAll('.chart')].flatMap(chart => {
            const texts = [...chart.querySelectorAll('text')]
                .map(text => [text.textContent, text.getBoundingClientRect()]);
            return texts.flatMap(([a, p], i) => texts.slice(i + 1)
                .filter(([b, q]) => p.left < q.right && q.left < p.right
                                    && p.top + 2 < q.bottom && q.top + 2 < p.bottom)
                .map(([b, q]) => a + ' / ' + b));
        })"""
    )
    assert overlapping == []


def test_series_of_a_chart_have_different_colours_on_screen_and_dashes_on_paper(visit):
    page = visit(CARD)
    look = """kind => [...document.querySelectorAll('.chart')[1].querySelectorAll('g > .link')]
        .map(line => getComputedStyle(line)[kind])"""
    assert len(set(page.evaluate(look, "stroke"))) == 3
    page.emulate_media(media="print")
    assert len(set(page.evaluate(look, "strokeDasharray"))) == 3


def test_a_reader_goes_from_the_result_to_the_card_and_to_the_numbers_of_a_figure(visit):
    page = visit("/predictions/new/?example=1")
    page.get_by_role("button", name="Read the risk").click()
    page.get_by_role("link", name="rotterdam76-ridge 1.0.0").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Model card: rotterdam76-ridge 1.0.0")
    expect(page.get_by_role("img", name="Calibration at 5 years")).to_be_visible()
    table = page.get_by_role("table", name="Net benefit for 100 patients")
    expect(table).to_be_hidden()
    page.get_by_text("The numbers of this figure").last.click()
    expect(table).to_be_visible()


def test_everything_that_is_folded_is_on_paper(visit):
    page = visit(CARD)
    expect(page.get_by_text("ENSG00000099204")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.get_by_text("ENSG00000099204")).to_be_visible()
    expect(page.get_by_role("navigation", name="On this page")).to_be_hidden()
