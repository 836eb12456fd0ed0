"""Whatever people are called, and call their cases, pages show it as it is and are not broken by it."""

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser.test_pages import EXAMPLE, overflow, submit_example

SCRIPT = "<script>document.title='taken'</script>"
NAMES = (SCRIPT, "\u202e" + "W" * 90, "{{ 7*7 }}' onfocus='alert(1)")
DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=360, height=740)
RENAME = """
from accounts.models import Organisation, Person
Organisation.objects.filter(slug="demo").update(name={organisation!r})
Person.objects.filter(email="clinician@demo.example").update(name={person!r})
"""


@pytest.fixture(scope="module")
def rename(product):
    """Gives the demo organisation and its clinician other names, and their own ones back in the end."""

    def run(organisation, person):
        names = RENAME.format(organisation=organisation, person=person)
        complaint, _ = product.manage("shell", "-v0", "-c", names).communicate()
        assert complaint == ""

    yield run
    run("Demo organisation", "Demo clinician")


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_is_shown_and_nothing_else_happens(visit, rename, name):
    rename(name, name)
    for path, who in (("/predictions/", "clinician"), ("/admin/accounts/event/", "auditor")):
        page = visit(path, who, viewport=PHONE)
        expect(page.get_by_text(name.strip()).first).to_be_attached()
        assert page.title() != "taken"
        assert overflow(page) <= 0


@pytest.mark.parametrize("reference", [SCRIPT, "W" * 100, "{{ 7*7 }}"])
def test_a_hostile_reference_is_shown_and_nothing_else_happens(visit, reference):
    page = visit(EXAMPLE, viewport=PHONE)
    submit_example(page, reference)
    expect(page.get_by_role("heading", level=1)).to_contain_text(reference)
    assert overflow(page) <= 0
    page.goto("/predictions/")
    page.set_viewport_size(DESK)
    assert overflow(page) <= 0
    page.set_viewport_size(PHONE)
    expect(page.get_by_role("cell").get_by_text(reference, exact=True).first).to_be_visible()
    assert overflow(page) <= 0
    assert page.title() != "taken"


def test_a_reference_that_turns_the_line_around_is_refused_with_its_reason(visit):
    page = visit(EXAMPLE, viewport=PHONE)
    page.get_by_label("Case reference").fill("\u202eP-7")
    page.get_by_role("button", name="Read the risk").click()
    expect(page.get_by_role("alert")).to_contain_text("1 problem to mend")
    assert overflow(page) <= 0


def test_a_review_of_one_endless_word_stays_within_the_page(visit):
    page = visit(EXAMPLE, viewport=PHONE)
    submit_example(page, "P-WORD")
    page.get_by_role("radio", name="Disagree").check()
    page.get_by_label("Reason or note").fill(SCRIPT + "W" * 400)
    page.get_by_role("button", name="Put my review on record").click()
    expect(page.get_by_role("cell", name="W" * 40)).to_be_visible()
    for screen in (PHONE, DESK):
        page.set_viewport_size(screen)
        assert overflow(page) <= 0
