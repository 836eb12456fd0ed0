"""A passkey and an authenticator app in a real browser, with an authenticator that the browser plays."""

import time
from collections.abc import Iterator

import pytest
from allauth.mfa.totp.internal.auth import hotp_value
from playwright.sync_api import Browser, Page, expect

from tests.product import Product


@pytest.fixture
def newcomer(chromium: Browser, product: Product) -> Iterator[Page]:
    """The page of somebody who has just come in by a one-time link, on a device that makes passkeys."""
    link = product.manage("sign_in_link", "clinician@demo.example", "--base-url", product.url)
    with chromium.new_context(base_url=product.url) as context:
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        device = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})
        page.goto(link.communicate()[0].strip())
        page.get_by_role("button", name="Sign in").click()
        yield page


def test_a_passkey_is_made_signs_in_by_itself_and_is_removed(newcomer: Page) -> None:
    newcomer.goto("/accounts/2fa/passkeys/new/")
    newcomer.get_by_label("Name").fill("Ward computer")
    newcomer.get_by_role("button", name="Add a passkey").click()
    expect(newcomer.locator(".codes li")).to_have_count(10)
    newcomer.get_by_role("button", name="Sign out").click()
    newcomer.goto("/accounts/login/?next=/models/")
    newcomer.get_by_role("button", name="Sign in with a passkey").click()
    expect(newcomer.get_by_role("button", name="Sign out")).to_be_visible()
    newcomer.goto("/accounts/2fa/passkeys/")
    expect(newcomer.get_by_text("Ward computer")).to_be_visible()
    newcomer.get_by_role("link", name="Remove").click()
    newcomer.get_by_role("button", name="Remove the passkey").click()
    newcomer.goto("/predictions/")
    expect(newcomer.get_by_role("heading", name="Second factor")).to_be_visible()


def test_an_app_is_set_up_and_signs_in(newcomer: Page) -> None:
    newcomer.goto("/accounts/2fa/app/")
    newcomer.get_by_text("It cannot be scanned?").click()
    secret = newcomer.locator(".secret").inner_text()
    newcomer.get_by_label("Code").fill(f"{hotp_value(secret, int(time.time()) // 30):06}")
    newcomer.get_by_role("button", name="Set it up").click()
    expect(newcomer.get_by_text("They are shown only now.")).to_be_visible()
    newcomer.goto("/accounts/2fa/app/remove/")
    newcomer.get_by_role("button", name="Remove the app").click()
    expect(newcomer.get_by_role("link", name="Set up an app")).to_be_visible()


def test_a_passkey_that_is_cancelled_is_told(chromium: Browser, product: Product) -> None:
    with chromium.new_context(base_url=product.url) as context:
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        page.goto("/accounts/login/")
        page.evaluate("() => { navigator.credentials.get = () => Promise.reject(new Error('cancelled')); }")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_text("The passkey was not used")).to_be_visible()
