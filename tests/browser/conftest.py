"""A real browser over the running product."""

import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.product import Product

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
EXPECTED = re.compile("status of (403|410|422)")


def find_chromium() -> str:
    """The browser of this machine; without one these tests are skipped, loudly, and in CI they fail."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found:
        return found
    message = "NO CHROMIUM FOUND: THE BROWSER TESTS ARE SKIPPED"
    if "CI" in os.environ:
        pytest.fail(message)
    warnings.warn(message, pytest.PytestWarning, stacklevel=2)
    pytest.skip(message)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def sessions(chromium: Browser, product: Product) -> dict[str, Any]:
    """The cookies of each demo person, who signed in with the one-time link of the first start."""
    kept = {}
    for label, link in product.links.items():
        with chromium.new_context() as context:
            page = context.new_page()
            page.goto(link)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_text("You are signed in as").wait_for()
            kept[label.split()[-1]] = context.storage_state()
    return kept


@pytest.fixture
def visit(chromium: Browser, product: Product, sessions: dict[str, Any]) -> Iterator[Callable[..., Page]]:
    """A page of a signed-in person (None: nobody); every complaint of the browser fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str, who: str | None = "clinician", **options: Any) -> Page:
        state = sessions[who] if who else None
        contexts.append(chromium.new_context(storage_state=state, base_url=product.url, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: _note(message, complaints))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [complaint for complaint in complaints if not EXPECTED.search(complaint)] == []


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    if message.type in {"error", "warning"}:
        complaints.append(f"{message.text} {message.location}")
