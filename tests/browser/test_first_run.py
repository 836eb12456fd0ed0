"""From the link of the first start to a first result: three clicks, in a minute, also without JavaScript."""

import time

import pytest
from playwright.sync_api import expect

SECONDS = 60


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_newcomer_has_a_result_three_clicks_after_the_start(visit, product, sessions, script):
    assert product.links["Demo clinician"].endswith("?example=1")
    made = product.manage("sign_in_link", "clinician@demo.example", "--base-url", product.url)
    link = made.communicate()[0].split()[-1] + "?example=1"
    began = time.monotonic()
    page = visit(link.removeprefix(product.url), None, java_script_enabled=script)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Read the risk").click()
    expect(page.get_by_role("region", name="Result")).to_contain_text("out of 100")
    assert time.monotonic() - began < SECONDS
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_example_is_a_file_that_the_form_takes(visit, tmp_path):
    page = visit("/predictions/new/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the example").click()
    assert download.value.suggested_filename == "sample.csv"
    file = tmp_path / "sample.csv"
    download.value.save_as(file)
    page.get_by_label("choose the lab's file").set_input_files(file)
    page.get_by_label("Unit of the values").select_option("log2_intensity")
    page.get_by_role("button", name="Read the risk").click()
    expect(page.get_by_role("region", name="Result")).to_contain_text("out of 100")


def test_an_icon_is_there_for_browsers_that_ask_without_being_told(visit):
    answer = visit("/accounts/login/", None).request.get("/favicon.ico")
    assert answer.status == 200
    assert answer.body()[:4] == b"\0\0\1\0"
