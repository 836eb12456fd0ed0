"""A case is found, handed out and erased by two people, in a real browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

CASES = "/admin/predictions/erasurerequest/"


@pytest.fixture
def case(visit) -> Page:
    """The administrator has the page of a case that a clinician just made."""
    clinician = visit("/predictions/new/?example=1")
    clinician.get_by_role("button", name="Read the risk").click()
    clinician.get_by_text("out of 100").first.wait_for()
    return open_case(visit, "administrator", clinician.url.split("/")[-2])


def open_case(visit, who: str, prediction: str, **options: Any) -> Page:
    page: Page = visit(f"{CASES}find/", who, **options)
    page.get_by_label("Case reference").fill(prediction)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=re.compile("prediction")).last.click()
    expect(page.get_by_text("Access export")).to_be_visible()
    return page


def test_one_asks_for_an_erasure_and_another_approves_it(visit, case):
    case.get_by_label("Reason").select_option("mistake")
    case.get_by_role("button", name="Ask for the erasure").click()
    expect(case.get_by_role("button", name="Withdraw")).to_be_visible()
    auditor = visit(case.url, "auditor")
    auditor.get_by_role("button", name="Approve: erase for good").click()
    expect(auditor.get_by_text("Erased. Approved on")).to_be_visible()
    listed = visit("/predictions/")
    expect(listed.get_by_role("cell", name="Erased").first).to_be_visible()


def test_a_case_is_handed_out_as_a_file(case):
    with case.expect_download() as download:
        case.get_by_role("button", name="Export as PDF").click()
    assert download.value.suggested_filename.endswith(".pdf")
