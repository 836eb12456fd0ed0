"""A result is decided about and a page handed to the patient, in a real browser."""

import io
import re
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser.test_accessibility import check, with_axe

EXAMPLE = "/predictions/new/?example=1"
PATIENT_PAGE = "Open the page for the patient"


def ask(visit, **options: Any) -> Page:
    """The result of the example, confirmed by the second reading."""
    page: Page = visit(EXAMPLE, **options)
    page.get_by_role("button", name="Read the risk").click()
    for _ in range(80):
        page.get_by_text("out of 100").first.wait_for()
        if page.get_by_text("Confirmed by a second reading").count():
            return page
        page.wait_for_timeout(250)
        page.reload()
    pytest.fail("the second reading never came")


def decide(page: Page, verdict: str, text: str = "") -> None:
    page.get_by_role("radio", name=re.compile(f"^{verdict}")).check()
    page.get_by_label("Reason or note").fill(text)
    page.get_by_role("button", name="Put my review on record").click()


@pytest.fixture
def agreed(visit) -> Page:
    page = ask(visit)
    decide(page, "Agree")
    return page


def press_until(page: Page, key: str, role: str, name: str) -> None:
    """Press a key until something has the focus that is so called."""
    wanted = page.get_by_role(role, name=re.compile(f"^{name}"))  # type: ignore[arg-type]
    for _ in range(120):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    pytest.fail(f"{name} was never reached")


def test_the_keyboard_alone_reviews_a_result_and_opens_the_page_for_the_patient(visit):
    page = ask(visit)
    page.get_by_text("Nobody has reviewed this result yet").wait_for()
    press_until(page, "Tab", "radio", "Agree")
    page.keyboard.press("Space")
    press_until(page, "Tab", "button", "Put my review on record")
    page.keyboard.press("Enter")
    page.get_by_role("cell", name="Agree", exact=True).wait_for()
    assert page.url.endswith("#decision")
    press_until(page, "Tab", "link", PATIENT_PAGE)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("What your tumour test can tell you")


def test_without_javascript_a_reason_is_asked_for_and_kept_and_the_page_closes_again(visit):
    page = ask(visit, java_script_enabled=False)
    decide(page, "Disagree")
    expect(page.get_by_role("alert").get_by_role("link", name="Say why")).to_be_visible()
    expect(page.get_by_role("radio", name="Disagree")).to_be_checked()
    decide(page, "Disagree", "The block was the wrong one")
    expect(page.get_by_role("cell", name="The block was the wrong one")).to_be_visible()
    expect(page.get_by_text("Somebody disagrees with the result")).to_be_visible()
    decide(page, "Agree")
    expect(page.get_by_text("replaced by a later one")).to_be_visible()
    address = page.get_by_role("link", name=PATIENT_PAGE).get_attribute("href")
    decide(page, "Not used", "She decided already")
    page.goto(str(address))
    expect(page.get_by_role("heading", level=1)).to_have_text("The page for the patient is not available yet")
    page.get_by_role("link", name="Back to the result").click()
    expect(page.get_by_role("heading", name="Your decision")).to_be_visible()


def test_the_page_for_the_patient_is_one_sheet_of_paper_in_every_language(agreed):
    address = agreed.url.split("#")[0] + "patient/"
    for language, _ in settings.LANGUAGES:
        agreed.context.add_cookies([{"name": "django_language", "value": language, "url": address}])
        agreed.goto(address)
        assert agreed.locator("html").get_attribute("lang") == language
        ligatures = agreed.locator(".whole").evaluate("it => getComputedStyle(it).fontVariantLigatures")
        assert ligatures == "none"  # with them, what is copied from paper is another identifier
        printed = PdfReader(io.BytesIO(agreed.pdf(prefer_css_page_size=True)))
        assert len(printed.pages) == 1
        assert address.split("/")[-3] in printed.pages[0].extract_text()


def test_axe_finds_nothing_on_the_decision_and_on_the_page_for_the_patient(visit):
    page = ask(visit, bypass_csp=True, reduced_motion="reduce")
    decide(page, "Agree")
    address = page.get_by_role("link", name=PATIENT_PAGE).get_attribute("href")
    check(with_axe(page), page.url.partition("#")[0])
    check(page, str(address))
