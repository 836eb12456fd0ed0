"""No page has a fault that axe finds, light and dark, on phone and desk; and it works by keyboard alone."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from playwright.sync_api import Page, ViewportSize, expect

from predictions.exceptions import Problem
from predictions.forms import PanelForm
from tests.browser.test_pages import EXAMPLE, FORM, overflow, submit_example
from tests.panels import values_of

AUDIT, CASES, RELEASES = (
    "/admin/accounts/event/",
    "/admin/predictions/erasurerequest/",
    "/admin/predictions/release/",
)
DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=360, height=740)
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
OF_COLOUR = ["color-contrast", "link-in-text-block"]
# What has the focus. After the last stop of a page it is the browser's own, and nothing of the page's.
STOP = """() => {
    const stop = document.activeElement;
    return stop === document.body ? null : {
        name: stop.ariaLabel || stop.labels?.[0]?.innerText || stop.innerText,
        outline: getComputedStyle(stop).outlineStyle,
        height: stop.getBoundingClientRect().height,
    };
}"""
# Pages that take an outage, an attack or an erasure: rendered here, shown at an address of the site.
RARE: dict[str, dict[str, Any]] = {
    "403_csrf.html": {},
    "errors/bad_request.html": {"too_large": True},
    "errors/server_error.html": {"now": NOW},
    "errors/unavailable.html": {"now": NOW},
    "accounts/locked_out.html": {},
    "errors/network_refused.html": {"address": "192.0.2.1"},
    "errors/too_many.html": {"wait": 30},
    "accounts/provider_refused.html": {"provider_name": "Clinic ID", "reason": "other_identity"},
    "accounts/provider_unavailable.html": {"provider_name": "Clinic ID"},
    "accounts/sign_in_once.html": {"refused": True},
    "predictions/erased.html": {"words": "Decided."},
    "predictions/model_card_unreadable.html": {"name": "ridge", "version": "1.0.0"},
    "predictions/new.html": {
        "form": PanelForm({}),
        "problems": [Problem("not_a_number", "six is none.", "Mend it.")],
    },
    "predictions/list.html": {"actor": {"organisation": "The clinic", "may_submit": True}},
}
# Who reads which pages. Nobody: who has not signed in. Root: a superuser.
PAGES: dict[str | None, tuple[str, ...]] = {
    None: (
        "/accounts/login/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/password/reset/key/1-used/",
        "/accounts/password/reset/key/done/",
        "/accounts/once/any/",
        "/receipts/",
        "/receipts/00000000-0000-0000-0000-000000000000/0/",
        "/problems/panel-refused/",
        "/nothing/",
    ),
    "clinician": (
        FORM,
        EXAMPLE,
        "/predictions/",
        "/predictions/formats/",
        "/cohorts/",
        "cohort",
        "problems",
        "/models/",
        "/models/rotterdam76-ridge/1.0.0/",
        "/profiles/",
        "/accounts/password/change/",
        "/accounts/logout/",
        "/nothing/",
        "result",
        "receipt",
    ),
    "auditor": (
        "/admin/",
        "/admin/accounts/person/",  # not for auditors: the page of 403
        "/admin/?q=%01",  # the page of 400
        AUDIT,
        f"{AUDIT}?action=person.added",  # finds nothing
        f"{AUDIT}charts/",
        f"{AUDIT}verifications/",
        "event",
        "verification",
        CASES,
        f"{CASES}find/",
        f"{CASES}retention/",
        "case",
        "/predictions/",
    ),
    "administrator": (
        "/keys/",
        "/keys/new/",
        "/keys/clients/new/",
        "/organisation/networks/",
        "/profiles/new/",
        "/admin/nothing/",
        RELEASES,
        "release",
        "step",
    ),
    "root": (
        "/admin/",
        "/admin/accounts/person/",
        "/admin/accounts/person/add/",
        "person",
        "/admin/accounts/organisation/",
        "/admin/accounts/organisation/add/",
        "/admin/accounts/apikey/",
        "/admin/predictions/prediction/",
        "/predictions/",  # who belongs to no organisation
    ),
}


@pytest.fixture(scope="session")
def root(chromium, product, sessions) -> None:
    """A superuser, signed in: the only one who is shown people, organisations and keys."""
    make = "Person.objects.create_superuser('root@demo.example', name='Root')"
    complaint, _ = product.manage(
        "shell", "-v0", "-c", f"from accounts.models import Person; {make}"
    ).communicate()
    assert complaint == ""
    link = product.manage("sign_in_link", "root@demo.example", "--base-url", product.url).communicate()[0]
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(link.split()[-1])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("You are signed in as").wait_for()
        sessions["root"] = context.storage_state()


@pytest.fixture(scope="session")
def addresses(chromium, product, sessions, root) -> dict[str, str]:
    """Of the pages whose address is made while the product runs."""
    found = {}
    with chromium.new_context(storage_state=sessions["clinician"], base_url=product.url) as context:
        page = context.new_page()
        page.goto(EXAMPLE)
        submit_example(page, "P-AXE")
        found["result"] = page.url
        found["receipt"] = page.locator("a[href*='/receipts/']").first.get_attribute("href")
        found["cohort"] = send_cohort(page)
        found["problems"] = f"{found['cohort']}problems/"
    with chromium.new_context(storage_state=sessions["auditor"], base_url=product.url) as context:
        page = context.new_page()
        page.goto(AUDIT)
        found["event"] = page.locator("#result_list tbody a").first.get_attribute("href")
        page.goto(f"{AUDIT}verifications/")
        page.get_by_role("button", name="Verify now").click()
        found["verification"] = page.url
        page.goto(f"{CASES}find/")
        page.get_by_label("Case reference").fill("P-AXE")
        page.get_by_role("button", name="Find").click()
        found["case"] = page.get_by_role("link", name=re.compile("prediction")).last.get_attribute("href")
        page.goto(RELEASES)
        found["release"] = page.locator("#result_list tbody a").first.get_attribute("href")
        found["step"] = found["release"].replace("change/", "step/propose/")
    with chromium.new_context(storage_state=sessions["root"], base_url=product.url) as context:
        page = context.new_page()
        page.goto("/admin/accounts/person/")
        found["person"] = page.locator("#result_list tbody a").first.get_attribute("href")
    return found


def send_cohort(page: Page) -> str:
    """The address of a cohort that was read, of which one sample was refused."""
    symbols = list(values_of(0))
    rows = [["sample", *symbols], *([f"S{n}", *map(str, values_of(n).values())] for n in range(3))]
    rows.append(["S9", "?", *rows[-1][2:]])
    content = "\n".join(map(",".join, rows)).encode()
    page.goto("/cohorts/")
    page.get_by_label("File of many samples").set_input_files(
        {"name": "cohort.csv", "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_label("Unit of the values").select_option("log2_intensity")
    page.get_by_role("button", name="Read the risks").click()
    page.get_by_role("heading", name="Refused samples").wait_for()
    return page.url


def faults(page: Page, **options: Any) -> list[Any]:
    """What axe finds: the rule, where, and why."""
    found = page.evaluate(
        "options => axe.run(options)", {"resultTypes": ["violations"], "preload": False, **options}
    )
    return [
        (fault["id"], node["target"], node["failureSummary"])
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


@pytest.fixture(scope="module")
def page_of(chromium, product, sessions) -> Iterator[Callable[[str | None], Page]]:
    """A page of somebody with axe on it, kept open: opening one takes as long as checking it."""
    opened: dict[str | None, Page] = {}

    def page_of(who: str | None) -> Page:
        if who not in opened:
            context = chromium.new_context(
                storage_state=who and sessions[who],
                base_url=product.url,
                bypass_csp=True,
                reduced_motion="reduce",
            )
            opened[who] = with_axe(context.new_page())
        return opened[who]

    yield page_of
    for page in opened.values():
        page.context.close()


def with_axe(page: Page) -> Page:
    """The page, with axe on everything that it goes to from here on."""
    page.add_init_script(Axe().axe_script)
    return page


def check(page: Page, path: str) -> None:
    """With every part unfolded: in both schemes, on the desk and on a phone."""
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    page.goto(path)
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="light")
        assert faults(page) == []
        assert overflow(page) <= 0
        page.emulate_media(color_scheme="dark")
        assert faults(page, runOnly=OF_COLOUR) == []  # all else is as it was in the light


@pytest.mark.parametrize("template", RARE)
def test_axe_finds_nothing_on_pages_that_are_rarely_seen(page_of, template):
    page, html = page_of(None), render_to_string(template, RARE[template])
    page.route("**/rare/", lambda route: route.fulfill(body=html, content_type="text/html"))
    check(page, "/rare/")
    assert page.title().endswith("- Breast risk")
    page.unroute("**/rare/")


@pytest.mark.parametrize(("who", "path"), [(who, path) for who, paths in PAGES.items() for path in paths])
def test_axe_finds_nothing_and_nothing_overflows(page_of, addresses, who, path):
    page = page_of(who)
    check(page, addresses.get(path, path))
    assert page.title().endswith("- Breast risk")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so; every stop on the way has to be seen."""
    for _ in range(40):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        assert stop is None or (stop["height"] >= 1 and stop["outline"] != "none"), stop
        if stop and name in stop["name"]:
            return
    pytest.fail(f"{name} is not reached")


def test_the_whole_way_is_gone_with_the_keyboard_alone(visit, product):
    link = product.manage("sign_in_link", "clinician@demo.example", "--base-url", product.url)
    page = visit(link.communicate()[0].split()[-1].removeprefix(product.url), None)
    tab_to(page, "Sign in")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Read the risk from a panel").wait_for()
    tab_to(page, "Skip to the content")
    page.keyboard.press("Enter")
    tab_to(page, "Fill in an example")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="The example is filled in").wait_for()
    tab_to(page, "Age in years")
    page.keyboard.type("57")
    tab_to(page, "Read the risk")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Result")).to_contain_text("out of 100")
    tab_to(page, "Sign out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_fields_get_the_focus_in_the_order_in_which_they_are_read(visit):
    page = visit(FORM)
    page.get_by_label("Paste two columns").focus()
    order = []
    for _ in range(7):
        order.append(page.evaluate(STOP)["name"])
        page.keyboard.press("Tab")
    assert order == [
        "Paste two columns: gene and value",
        "or choose the lab's file",
        "Format",
        "Unit of the values",
        "Read former gene symbols and aliases as the current ones",
        "Age in years",
        "Case reference",
    ]


@pytest.mark.parametrize("path", [FORM, "/predictions/", "/accounts/password/change/"])
def test_everything_that_is_pressed_is_large_enough_for_a_finger(visit, path):
    page = visit(path, viewport=PHONE)
    small = page.locator(
        "a:visible, button:visible, input:visible, select:visible, summary:visible"
    ).evaluate_all(
        """all => all.filter(
            e => e.getBoundingClientRect().height < 24 && getComputedStyle(e).display != 'inline'
        ).map(e => e.outerHTML)"""
    )
    assert small == []


def test_the_site_has_the_colours_that_were_chosen_in_the_admin(visit):
    page = visit("/admin/", "auditor", color_scheme="light")
    page.get_by_role("button", name="Toggle theme").click()
    page.goto("/predictions/")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, re.findall(r"\d+", ground)[:3])) < 300
    expect(page.get_by_role("button", name="Colours: dark")).to_be_visible()


@pytest.mark.parametrize("path", [FORM, "/predictions/", "/admin/accounts/event/"])
def test_forced_colours_and_more_contrast_lose_nothing(visit, path):
    page = visit(path, "auditor", forced_colors="active", contrast="more")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert overflow(page) <= 0
