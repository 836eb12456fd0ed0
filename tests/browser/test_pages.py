"""What a person sees and does, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

FORM = "/predictions/new/"
EXAMPLE = FORM + "?example=1"
PAGES = (
    ("/accounts/login/", None),
    ("/accounts/password/reset/", None),
    ("/problems/panel-refused/", None),
    (FORM, "clinician"),
    ("/predictions/", "clinician"),
    ("/accounts/password/change/", "clinician"),
    ("/admin/", "auditor"),
    ("/admin/accounts/event/", "auditor"),
    ("/admin/", "administrator"),
    ("/admin/predictions/release/", "administrator"),
)


def submit_example(page, case=""):
    page.get_by_label("Case reference").fill(case)
    page.get_by_role("button", name="Read the risk").click()
    page.get_by_text("out of 100").first.wait_for()


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_a_clinician_fills_in_an_example_and_reads_the_result(visit):
    page = visit(FORM)
    page.get_by_role("link", name="Fill in an example").click()
    page.get_by_label("Age in years").fill("57")
    submit_example(page, "P-BROWSER-1")
    expect(page.get_by_role("heading", level=1)).to_have_text("Risk of distant metastasis: case P-BROWSER-1")
    result = page.get_by_role("region", name="Result")
    expect(result).to_contain_text(
        re.compile(r"\d+ out of 100 people .* within\s+5 years of surgery", re.DOTALL)
    )
    expect(result).to_contain_text(re.compile(r"Likely range \d+ to \d+ out of 100 \(95 %\)"))
    expect(page.get_by_text("Research use only", exact=True)).to_be_visible()
    assert "P-BROWSER-1" not in page.url


def test_the_second_reading_is_seen_on_reloading(visit):
    page = visit(EXAMPLE)
    submit_example(page)
    for _ in range(60):
        if page.get_by_text("Confirmed by a second reading").is_visible():
            return
        page.wait_for_timeout(250)
        page.reload()
    pytest.fail("the second reading never came")


def test_all_problems_are_shown_at_once_and_nothing_that_was_typed_is_lost(visit):
    page = visit(FORM)
    typed = "POLQ\t7.1\nIL18\tsix\nPLK1"
    page.get_by_label("Paste two columns").fill(typed)
    page.get_by_label("Unit of the values").select_option("log2_intensity")
    page.get_by_label("Case reference").fill("P-7")
    page.get_by_role("button", name="Read the risk").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("3 problems to mend")
    expect(alert.get_by_role("row", name="six")).to_be_visible()
    expect(alert.get_by_role("row", name="PLK1")).to_be_visible()
    expect(alert).to_contain_text("3 of the 69 genes of the panel were measured")
    expect(page.get_by_label("Paste two columns")).to_have_value(typed)
    expect(page.get_by_label("Case reference")).to_have_value("P-7")


def test_a_file_is_uploaded_and_the_text_of_a_refused_one_is_kept(visit, tmp_path):
    page = visit(FORM)
    file = tmp_path / "panel.csv"
    file.write_text("IL18;6,5\nPOLQ;seven\n")
    page.get_by_label("choose the lab's file").set_input_files(file)
    page.get_by_label("Unit of the values").select_option("log2_intensity")
    page.get_by_role("button", name="Read the risk").click()
    expect(page.get_by_role("alert")).to_contain_text("seven")
    expect(page.get_by_label("Paste two columns")).to_have_value("IL18;6,5\nPOLQ;seven\n")


def test_everything_works_without_javascript(visit):
    page = visit(EXAMPLE, java_script_enabled=False)
    submit_example(page)
    page.get_by_role("link", name="Predictions").click()
    expect(page.get_by_role("table")).to_be_visible()


def test_a_one_time_link_does_not_work_twice(visit, sessions, product):
    link = next(iter(product.links.values()))
    page = visit(link.removeprefix(product.url), None)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This link does not work any more")


@pytest.mark.parametrize("path", [FORM, "/predictions/", "/admin/"])
def test_nobody_sees_a_page_without_signing_in(visit, path):
    page = visit(path, None)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize(("path", "who"), PAGES)
def test_no_page_draws_a_complaint_of_the_browser_or_overflows_a_phone(visit, path, who):
    page = visit(path, who, viewport={"width": 360, "height": 740})
    assert overflow(page) <= 0
    unnamed = page.locator("input:not([type=hidden], [type=submit]), select, textarea").evaluate_all(
        "fields => fields.filter(f => !f.labels?.length && !f.ariaLabel && !f.title).map(f => f.name)"
    )
    assert unnamed == [] or path.startswith("/admin/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_result_fits_a_phone_and_follows_the_colour_scheme(visit, scheme):
    page = visit(EXAMPLE, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    submit_example(page)
    assert overflow(page) <= 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert (brightness > 200) == (scheme == "light")


def test_the_technical_part_is_on_paper_though_it_is_closed_on_screen(visit):
    page = visit(EXAMPLE)
    submit_example(page)
    expect(page.get_by_text("Audit event")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.get_by_text("Audit event")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()


def test_an_auditor_finds_a_case_and_its_reference_is_in_no_address(visit):
    clinician = visit(EXAMPLE)
    submit_example(clinician, "P-AUDIT-1")
    prediction = clinician.url.split("/")[-2]
    page = visit("/admin/accounts/event/", "auditor")
    page.get_by_label("Case reference").fill("P-AUDIT-1")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(2)  # made, and disclosed
    assert "P-AUDIT-1" not in page.url
    page.locator("#result_list tbody th a, #result_list tbody td a").first.click()
    expect(page.locator("pre").first).to_contain_text('"action": "prediction.disclosed"')
    expect(page.locator("pre").first).to_contain_text(prediction)
    expect(page.get_by_role("button", name="Save")).to_have_count(0)


def test_an_auditor_has_the_trail_verified_without_javascript(visit):
    page = visit("/admin/accounts/event/", "auditor", java_script_enabled=False)
    page.get_by_role("link", name="Verify the trail").click()
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_text("the trail is whole")).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("path", ["", "charts/", "verifications/"])
def test_the_auditors_pages_fit_a_phone(visit, path):
    page = visit(f"/admin/accounts/event/{path}", "auditor", viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_signing_out_ends_the_session(visit, product):
    page = visit("/accounts/login/", None)
    link = product.manage("sign_in_link", "clinician@demo.example", "--base-url", product.url)
    page.goto(link.communicate()[0].split()[-1])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/predictions/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
