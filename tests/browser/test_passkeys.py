"""Signing in on a phone by passkey and by authenticator app: Chromium with its own virtual authenticator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import service as services
from tests.support.phone_page import PhonePage, chromium
from tests.support.service import PASSWORD, Service

pytestmark = pytest.mark.browser

OFFICIAL = ("--role", "official", "--area", "31.71")
PEOPLE = {"sari": OFFICIAL, "budi": OFFICIAL, "tuti": OFFICIAL, "rudi": OFFICIAL}
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
NO_FILLING_IN = "PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false)"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("passkeys")
    with services.running(folder, services.write_config(folder), PEOPLE) as running:
        yield running


@pytest.fixture(scope="module")
def browser(service: Service) -> Iterator[Browser]:  # people are added before playwright's loop runs
    with chromium() as running:
        yield running


def named(service: Service) -> str:
    """By its name: there are no passkeys for an address."""
    return service.url.replace("127.0.0.1", "localhost")


@pytest.fixture
def phone(browser: Browser, service: Service) -> Iterator[PhonePage]:
    page = PhonePage(browser, named(service), locale="en-GB")
    page.page.add_init_script(NO_FILLING_IN)
    page.page.reload()
    yield page
    assert page.errors == []
    page.close()


def add_authenticator(page: Page, **options: object) -> None:
    """A phone's own authenticator, whose owner always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    told = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True, **options}  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": told})


def person(username: str) -> dict[str, str]:
    return {"username": username, "password": PASSWORD.format(username=username)}


def session_cookie(phone: PhonePage) -> str:
    return next(str(c["value"]) for c in phone.context.cookies() if c["name"] == "camctl_session")


def add_passkey(phone: PhonePage) -> None:
    phone.tap("to-account")
    phone.tap("passkey-add")
    expect(phone.page.get_by_test_id("passkey")).to_have_count(1)


def sign_out(phone: PhonePage) -> None:
    phone.page.goto(f"{phone.page.url.partition('#')[0]}#/")
    phone.tap("sign-out")
    expect(phone.page.get_by_test_id("signin-submit")).to_be_visible()


def test_a_passkey_is_made_and_signs_in_with_one_tap(phone: PhonePage) -> None:
    add_authenticator(phone.page)
    phone.sign_in(person("sari"))
    by_password = session_cookie(phone)
    add_passkey(phone)
    PICTURES.mkdir(parents=True, exist_ok=True)
    phone.page.screenshot(path=PICTURES / "phone-account.png", full_page=True)
    sign_out(phone)
    phone.page.screenshot(path=PICTURES / "phone-sign-in.png")
    phone.tap("signin-passkey")
    expect(phone.page.get_by_test_id("camera-list")).to_be_visible()
    assert session_cookie(phone) != by_password


def test_a_passkey_is_offered_among_what_the_browser_fills_in(browser: Browser, service: Service) -> None:
    page = PhonePage(browser, named(service), locale="en-GB")
    add_authenticator(page.page)
    page.sign_in(person("budi"))
    add_passkey(page)
    page.page.goto(f"{named(service)}/#/")
    page.tap("sign-out")
    # The virtual authenticator's owner picks what is filled in at once, so nothing has to be tapped or typed.
    expect(page.page.get_by_test_id("camera-list")).to_be_visible()
    assert page.errors == []
    page.close()


def test_a_removed_passkey_signs_in_no_more_and_the_page_says_what_to_do(phone: PhonePage) -> None:
    add_authenticator(phone.page)
    phone.sign_in(person("tuti"))
    add_passkey(phone)
    phone.tap("passkey-rename")
    phone.page.get_by_test_id("passkey-name").fill("Kantor")
    phone.tap("passkey-save")
    expect(phone.page.get_by_test_id("passkey")).to_contain_text("Kantor")
    phone.tap("passkey-remove")
    phone.tap("passkey-remove")
    expect(phone.page.get_by_test_id("passkey")).to_have_count(0)
    sign_out(phone)
    phone.tap("signin-passkey")
    expect(phone.page.get_by_test_id("signin-error")).to_contain_text("sign in with your password")
    phone.sign_in(person("tuti"))


def test_a_password_with_an_authenticator_app_and_then_a_recovery_code(phone: PhonePage) -> None:
    phone.sign_in(person("rudi"))
    phone.tap("to-account")
    phone.tap("totp-begin")
    totp = pyotp.TOTP(phone.page.get_by_test_id("totp-secret").inner_text())
    first = totp.now()
    phone.page.get_by_test_id("totp-code").fill(first)
    phone.page.screenshot(path=PICTURES / "phone-totp.png")
    phone.tap("totp-code-submit")
    listed = phone.page.get_by_test_id("recovery-codes").locator("li")
    expect(listed).to_have_count(10)
    recovery = listed.all_inner_texts()
    phone.tap("recovery-done")
    expect(phone.page.get_by_test_id("totp-on")).to_contain_text("10")
    sign_out(phone)
    type_password(phone, "rudi")
    code = phone.page.get_by_test_id("second-factor-code")
    code.fill(first)  # used already, to switch it on
    phone.tap("second-factor-code-submit")
    expect(phone.page.get_by_test_id("second-factor-code-error")).to_contain_text("was used already")
    code.fill(totp.at(time.time() + 30))
    phone.tap("second-factor-code-submit")
    expect(phone.page.get_by_test_id("camera-list")).to_be_visible()
    sign_out(phone)
    type_password(phone, "rudi")
    code.fill(recovery[0])
    phone.tap("second-factor-code-submit")
    expect(phone.page.get_by_test_id("camera-list")).to_be_visible()
    phone.tap("to-account")
    expect(phone.page.get_by_test_id("totp-on")).to_contain_text("9")


def type_password(phone: PhonePage, username: str) -> None:
    phone.page.get_by_test_id("signin-username").fill(username)
    phone.page.get_by_test_id("signin-password").fill(PASSWORD.format(username=username))
    phone.tap("signin-submit")


def test_at_an_address_without_a_name_the_page_says_so_and_offers_the_password(
    browser: Browser, service: Service
) -> None:
    page = PhonePage(browser, service.url, locale="en-GB")
    expect(page.page.get_by_test_id("passkeys-why-not")).to_contain_text("name")
    expect(page.page.get_by_test_id("signin-passkey")).to_have_count(0)
    page.sign_in(person("sari"))
    assert page.errors == []
    page.close()
