"""The result page in a real browser: four views, with and without JavaScript, by keyboard and on paper."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import EXAMPLE, submit_example

VIEWS = ("text", "icons", "curve", "table")


@pytest.fixture
def result(visit):
    page = visit(EXAMPLE)
    submit_example(page)
    return page


def expect_only(page, chosen):
    for view in VIEWS:
        expect(page.locator(f"#view-{view}")).to_be_visible(visible=view == chosen)


def test_views_are_tabs_that_arrow_keys_move_through_and_the_choice_is_kept(result):
    expect_only(result, "text")
    tabs = result.get_by_role("tablist")
    tabs.get_by_role("tab", name="Text").focus()
    for key, name, view in (
        ("ArrowRight", "Icons", "icons"),
        ("End", "Table", "table"),
        ("ArrowRight", "Text", "text"),
        ("ArrowLeft", "Table", "table"),
        ("ArrowLeft", "Curve", "curve"),
    ):
        result.keyboard.press(key)
        expect(tabs.get_by_role("tab", name=name)).to_be_focused()
        expect(tabs.get_by_role("tab", selected=True)).to_have_text(name)
        expect_only(result, view)
    result.reload()
    expect_only(result, "curve")


def test_looking_at_another_view_asks_nothing_of_the_server(result):
    asked = []
    result.on("request", lambda request: asked.append(request.url))
    for name in ("Icons", "Curve", "Table"):
        result.get_by_role("tab", name=name).click()
    assert [url for url in asked if not url.endswith("/second-reading/")] == []


def test_views_are_links_without_javascript_and_the_choice_is_kept(visit):
    page = visit(EXAMPLE, java_script_enabled=False)
    submit_example(page)
    address = page.url
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Icons").click()
    expect_only(page, "icons")
    page.goto(address)
    expect_only(page, "icons")


def test_on_paper_there_are_all_views_and_no_tabs(result):
    result.emulate_media(media="print")
    for view in VIEWS:
        expect(result.locator(f"#view-{view}")).to_be_visible()
    expect(result.locator(".tabs")).to_be_hidden()
    expect(result.get_by_role("link", name="Report as PDF")).to_be_hidden()


def test_a_reader_who_waits_sees_the_second_reading_come(result):
    expect(result.get_by_text("Confirmed by a second reading")).to_be_visible(timeout=30_000)


def test_nothing_moves_while_a_page_loads(visit):
    page = visit("/predictions/")
    observe = """() => new Promise(done => {
        let shift = 0;
        new PerformanceObserver(seen => seen.getEntries().forEach(entry => shift += entry.value))
            .observe({type: 'layout-shift', buffered: true});
        setTimeout(() => done(shift), 500);
    })"""
    for path in (EXAMPLE, "/predictions/", "/models/", "/models/rotterdam76-ridge/1.0.0/"):
        page.goto(path)
        assert page.evaluate(observe) == 0, path
    page.goto(EXAMPLE)
    submit_example(page)
    assert page.evaluate(observe) == 0
