"""Two people take a release live and one takes it back, in a real browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.product import Product

RELEASES = "/admin/predictions/release/"
NEW = "rotterdam76-ridge 1.1.0"
FIRST = "rotterdam76-ridge 1.0.0"


@pytest.fixture(scope="module")
def second_release(product: Product) -> str:
    """The same model as the first, under the next version."""
    output, _ = product.manage("train_model", "1.1.0").communicate()
    assert f"{NEW} is sealed" in output
    return NEW


def open_release(visit, who: str, name: str, **options: Any) -> Page:
    page: Page = visit(RELEASES, who, **options)
    page.get_by_role("link", name=name).click()
    return page


def state_of(page: Page, name: str) -> str:
    page.goto(RELEASES)
    return page.get_by_role("row", name=name).locator(".field-state").inner_text()


@pytest.fixture
def proposed(visit, second_release: str) -> Page:
    """The administrator has asked for a prediction's comparison and proposed the release."""
    clinician = visit("/predictions/new/?example=1")
    clinician.get_by_role("button", name="Read the risk").click()
    clinician.get_by_text("out of 100").first.wait_for()
    page = open_release(visit, "administrator", NEW)
    page.get_by_role("link", name="Propose").click()
    page.get_by_role("button", name=f"Propose {NEW}").click()
    expect(page.get_by_text("is proposed. Somebody else reads the report")).to_be_visible()
    return page


def test_one_proposes_another_approves_and_one_rolls_back(visit, proposed):
    administrator = proposed
    expect(administrator.get_by_text("waits for somebody else to approve it")).to_be_visible()
    expect(administrator.get_by_role("link", name="Approve")).to_have_count(0)

    auditor = open_release(visit, "auditor", NEW)
    expect(auditor.get_by_role("link", name="Retire")).to_have_count(0)
    auditor.get_by_role("link", name="Approve").click()
    expect(auditor.get_by_role("table", name=re.compile("percentage points"))).to_contain_text("5 years")
    auditor.get_by_role("button", name=f"Approve {NEW}").click()
    expect(auditor.get_by_text(f"{NEW} is live.")).to_be_visible()
    assert state_of(auditor, NEW).startswith("Live")
    assert state_of(auditor, FIRST).startswith("Callable")

    administrator.reload()
    administrator.get_by_role("link", name="Roll back").click()
    expect(administrator.get_by_text(f"{FIRST} was live before")).to_be_visible()
    administrator.get_by_label("Reason").fill("Seen in a test")
    administrator.get_by_role("button", name="Roll back").click()
    expect(administrator.get_by_text("Rolled back.")).to_be_visible()
    assert state_of(administrator, FIRST).startswith("Live")
    administrator.get_by_role("link", name=FIRST).click()
    expect(administrator.get_by_text("Seen in a test")).to_be_visible()

    events = visit("/admin/accounts/event/?action=release.rolled_back", "auditor")
    expect(events.locator("#result_list")).to_contain_text("Demo administrator")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_follows_the_colour_scheme_and_fits_a_phone(visit, proposed, scheme):
    page = open_release(visit, "auditor", NEW, color_scheme=scheme, viewport={"width": 360, "height": 740})
    expect(page.get_by_role("table").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    card = page.locator(".release-counts div").first
    background = card.evaluate("card => getComputedStyle(card).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert (brightness > 200) == (scheme == "light")


def test_a_release_is_read_in_the_shadow_and_retired_without_javascript(visit, second_release):
    page = open_release(visit, "administrator", NEW, java_script_enabled=False)
    page.get_by_role("link", name="Shadow").click()
    page.get_by_role("button", name=f"Shadow {NEW}").click()
    expect(page.get_by_text("Shadow: reads every new prediction")).to_be_visible()
    page.get_by_role("link", name="Make callable").click()
    page.get_by_role("button", name=f"Make callable {NEW}").click()
    expect(page.get_by_text("is callable by its name.")).to_be_visible()
