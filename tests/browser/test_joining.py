"""Coming in on a phone: the set-up code, a link, a recovery; and one's own sessions and tokens. In Chromium."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import httpx
import numpy as np
import pyotp
import pytest
from playwright.sync_api import Browser, expect

from auth.service import SessionRules
from tests.support import service as services
from tests.support.phone_page import PhonePage, chromium
from tests.support.service import Service

pytestmark = pytest.mark.browser

NEW = "gamelan 42 x"
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("joining")
    with services.running(folder, services.write_config(folder), {}) as running:
        yield running


@pytest.fixture(scope="module")
def links(service: Service) -> dict[str, str]:
    """Made by command before playwright's loop runs."""
    options = ["--role", "operator", "--area", "31.71", "--address", service.url]
    return {
        name: service.user("invite", *options, "--name", name)
        for name in ("Pak Budi", "Bu Tuti", "Bu Rudi", "Bu Rini", "Head", "Pak Acting")
    } | {"Bu Kedua": service.user("invite", "--role", "admin", "--area", "31", "--address", service.url, "--name", "K")}


@pytest.fixture(scope="module")
def browser(links: dict[str, str]) -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def phone(browser: Browser, service: Service) -> Iterator[PhonePage]:
    page = PhonePage(browser, service.url, locale="en-GB")
    yield page
    assert page.errors == []
    page.close()


def printed_code(service: Service) -> str:
    [code] = re.findall(r"\b[2-9A-Z]{4}(?:-[2-9A-Z]{4}){3}\b", service.log.read_text())
    return str(code)


def join(phone: PhonePage, link: str, username: str | None, password: str = NEW) -> None:
    phone.page.goto("about:blank")
    phone.page.goto(link)
    if username is not None:
        phone.page.get_by_test_id("join-username").fill(username)
    phone.page.get_by_test_id("join-password").fill(password)
    phone.tap("join-submit")


def test_the_first_administrator_sets_up_with_the_printed_code(phone: PhonePage, service: Service) -> None:
    code = printed_code(service)
    phone.page.goto("about:blank")
    phone.page.goto(f"{service.url}/#/setup")
    page = phone.page
    page.get_by_test_id("setup-code").fill("AAAA-AAAA-AAAA-AAAA")
    page.get_by_test_id("setup-name").fill("Ibu Admin")
    page.get_by_test_id("join-username").fill("boss")
    page.get_by_test_id("join-password").fill(NEW)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / "phone-setup.png", full_page=True)
    phone.tap("join-submit")
    expect(page.get_by_test_id("join-error")).to_have_text("The code is wrong. Use the one of the last start.")
    page.get_by_test_id("setup-code").fill(code.lower())
    phone.tap("join-submit")
    page.get_by_test_id("camera-list").wait_for(timeout=10_000)
    assert page.url.endswith("/#/")


def test_an_invited_person_comes_in_and_the_link_is_over(phone: PhonePage, links: dict[str, str]) -> None:
    link, page = links["Pak Budi"], phone.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    join(phone, link, "budi", "short")
    expect(page.get_by_test_id("join-title")).to_have_text("Welcome, Pak Budi")
    expect(page.get_by_test_id("join-error")).to_contain_text("too short")
    page.screenshot(path=PICTURES / "phone-invitation.png", full_page=True)
    page.get_by_test_id("join-password").fill(NEW)
    phone.tap("join-submit")
    page.get_by_test_id("camera-list").wait_for(timeout=10_000)
    secret = link.rpartition("/")[2]
    assert secret not in page.url
    assert not [url for url in asked if secret in url.partition("#")[0]]
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_test_id("link-refused")).to_contain_text("does not work")


@pytest.mark.parametrize("width", [390, 320])
@pytest.mark.parametrize("locale", ["en-GB", "id-ID"])
def test_the_head_of_the_list_covers_nothing(
    browser: Browser, service: Service, links: dict[str, str], locale: str, width: int
) -> None:
    phone = PhonePage(browser, service.url, locale=locale)
    phone.page.set_viewport_size({"width": width, "height": 700})
    link = links["Head"]
    body = {"secret": link.rpartition("/")[2], "username": "head", "password": NEW}
    httpx.post(f"{service.api}/invitations/accept", json=body, timeout=10)  # the first time
    phone.page.get_by_test_id("signin-username").fill("head")
    phone.page.get_by_test_id("signin-password").fill(NEW)
    phone.tap("signin-submit")
    phone.page.get_by_test_id("camera-list").wait_for(timeout=10_000)
    title = phone.page.locator(".list-title h1")
    needed, given = title.evaluate("h1 => [h1.scrollWidth, h1.clientWidth]")
    assert needed <= given, "the title is cut"
    phone.close()


def grow_old(service: Service) -> None:
    """As if everybody had signed in hours ago."""
    with closing(sqlite3.connect(service.config.parent / "people.db", timeout=10)) as people, people:
        people.execute("UPDATE session SET proved_at = '2026-01-01 00:00:00.000000'")
    time.sleep(2 * SessionRules().fresh_s)  # the service believes its memory for that long


def test_sessions_and_tokens_are_seen_and_ended(phone: PhonePage, service: Service, links: dict[str, str]) -> None:
    join(phone, links["Bu Tuti"], "tuti")
    phone.page.get_by_test_id("camera-list").wait_for(timeout=10_000)
    with httpx.Client(base_url=service.api, timeout=10) as other:
        assert other.post("/auth/login", json={"username": "tuti", "password": NEW}).status_code == 200
        phone.tap("to-account")
        phone.tap("to-sessions")
        sessions = phone.page.get_by_test_id("own-session")
        expect(sessions).to_have_count(2)
        expect(phone.page.locator('[data-testid="own-session"][data-current="true"]')).to_contain_text("this device")
        phone.tap("end-others")
        expect(sessions).to_have_count(1)
        assert other.get("/me").status_code == 401
    phone.page.get_by_test_id("token-name").fill("wall")
    phone.page.get_by_test_id("scope-live").check()
    grow_old(service)
    phone.tap("make-token")
    phone.page.get_by_test_id("step-up-password").fill(NEW)
    phone.tap("step-up-password-submit")
    token = phone.page.get_by_test_id("new-token").inner_text()
    phone.page.screenshot(path=PICTURES / "phone-sessions.png", full_page=True)
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{service.api}/me", headers=headers, timeout=10).json()["username"] == "tuti"
    expect(phone.page.get_by_test_id("own-token")).to_contain_text("live pictures, see the cameras")
    phone.tap("end-token")
    expect(phone.page.get_by_test_id("own-token")).to_have_count(0)
    assert httpx.get(f"{service.api}/me", headers=headers, timeout=10).status_code == 401


def make_sure_of_an_administrator(service: Service) -> None:
    """As the first test does by hand; for where this one runs alone."""
    body = {"code": printed_code(service), "username": "boss", "display_name": "Ibu Admin", "password": NEW}
    assert httpx.post(f"{service.api}/setup", json=body, timeout=10).status_code in {200, 404}


def recovery(service: Service, username: str) -> str:
    with httpx.Client(base_url=service.api, timeout=10) as boss:
        assert boss.post("/auth/login", json={"username": "boss", "password": NEW}).status_code == 200
        answer = boss.post(f"/people/{username}/recovery", json={})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["link"])


def test_a_recovered_person_is_told_until_they_read_it(
    phone: PhonePage, service: Service, links: dict[str, str]
) -> None:
    make_sure_of_an_administrator(service)
    join(phone, links["Bu Rudi"], "rudi")
    phone.page.get_by_test_id("camera-list").wait_for(timeout=10_000)
    join(phone, recovery(service, "rudi"), None, "wayang kulit 9")
    told = phone.page.get_by_test_id("own-notice")
    expect(told).to_contain_text("a link from Ibu Admin")
    phone.page.screenshot(path=PICTURES / "phone-recovered.png", full_page=True)
    phone.tap("own-notice-read")
    expect(told).to_have_count(0)
    phone.page.reload()
    phone.page.get_by_test_id("camera-list").wait_for(timeout=10_000)
    expect(told).to_have_count(0)


def test_an_administrator_invites_and_renews_from_the_phone(phone: PhonePage, service: Service) -> None:
    make_sure_of_an_administrator(service)
    page = phone.page
    page.get_by_test_id("signin-username").fill("boss")
    page.get_by_test_id("signin-password").fill(NEW)
    phone.tap("signin-submit")
    phone.tap("to-account")
    phone.tap("to-people")
    page.get_by_test_id("invite-name").fill("Pak Lurah")
    page.get_by_test_id("invite-area").fill("Gambir")
    phone.tap("invite-make")
    expect(page.get_by_test_id("invite-error")).to_have_text("Choose an area from the list.")  # there are two of them
    page.get_by_test_id("invite-area").fill("31.71.01")
    grow_old(service)
    phone.tap("invite-make")
    page.get_by_test_id("step-up-password").fill(NEW)
    phone.tap("step-up-password-submit")
    link = page.get_by_test_id("new-link").inner_text()
    assert read_qr(page.get_by_test_id("new-link-qr").screenshot()) == link
    expect(page.get_by_test_id("invite-role")).to_have_value("official")  # also after it was sent
    waiting = page.get_by_test_id("unused-link").filter(has_text="Pak Lurah")
    expect(waiting).to_contain_text("Invitation for Pak Lurah")
    expect(waiting).to_contain_text("area official in Gambir")
    page.screenshot(path=PICTURES / "phone-people.png", full_page=True)
    body = {"secret": link.rpartition("/")[2], "username": "lurah", "password": NEW}
    assert httpx.post(f"{service.api}/invitations/accept", json=body, timeout=10).status_code == 200
    page.get_by_test_id("renew-username").fill("nobody")
    phone.tap("renew-make")
    expect(page.get_by_test_id("renew-error")).to_contain_text("not yours to renew")
    page.get_by_test_id("renew-username").fill("lurah")
    phone.tap("renew-make")
    expect(page.get_by_test_id("new-link-title")).to_have_text("New password for Pak Lurah")
    renewal = page.get_by_test_id("new-link").inner_text()
    for _ in range(2):  # it asks once more
        waiting.get_by_test_id("link-withdraw").tap()
    expect(waiting).to_have_count(0)
    expect(page.get_by_test_id("new-link")).to_have_count(0)
    look = httpx.post(f"{service.api}/invitations/look", json={"secret": renewal.rpartition("/")[2]}, timeout=10)
    assert look.status_code == 404


def come_in(service: Service, link: str, username: str) -> None:
    body = {"secret": link.rpartition("/")[2], "username": username, "password": NEW}
    assert httpx.post(f"{service.api}/invitations/accept", json=body, timeout=10).status_code == 200


def look_after_people(phone: PhonePage, username: str) -> None:
    phone.page.get_by_test_id("signin-username").fill(username)
    phone.page.get_by_test_id("signin-password").fill(NEW)
    phone.tap("signin-submit")
    phone.tap("to-account")
    phone.tap("to-people")


def test_a_second_administrator_approves_from_the_phone(
    browser: Browser, phone: PhonePage, service: Service, links: dict[str, str]
) -> None:
    make_sure_of_an_administrator(service)
    come_in(service, links["Bu Kedua"], "kedua")
    come_in(service, links["Pak Acting"], "acting")
    with httpx.Client(base_url=service.api, timeout=10) as boss:
        assert boss.post("/auth/login", json={"username": "boss", "password": NEW}).status_code == 200
        wish = {"role": "official", "areas": ["31"], "reason": "Pj. Gubernur"}
        assert boss.post("/people/acting/grants", json=wish).json()["state"] == "waiting"
        look_after_people(phone, "boss")
        waiting = phone.page.get_by_test_id("approval")
        expect(waiting).to_contain_text("Given by boss: Pj. Gubernur")
        expect(waiting).to_contain_text("This is a whole city")
        expect(waiting.get_by_test_id("approval-not-yours")).to_be_visible()
        expect(waiting.get_by_test_id("approve")).to_have_count(0)
        second = PhonePage(browser, service.url, locale="id-ID")
        look_after_people(second, "kedua")
        second.page.set_viewport_size({"width": 320, "height": 700})
        waiting = second.page.get_by_test_id("approval")
        expect(waiting).to_contain_text("Tanpa batas waktu")
        second.page.screenshot(path=PICTURES / "phone-approval.png", full_page=True)
        wide = second.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 320, "the page is wider than the phone"
        for _ in range(2):  # it asks once more
            waiting.get_by_test_id("approve").tap()
        expect(waiting).to_have_count(0)
        assert second.errors == []
        second.close()
        [_, given] = boss.get("/people/acting/grants").json()["items"]
        assert (given["state"], given["approver"]) == ("active", "kedua")


def read_qr(png: bytes) -> str:
    """What a phone's camera would read there."""
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    text, _, _ = cv2.QRCodeDetectorAruco().detectAndDecode(picture)  # OpenCV's other reader misses one code in six
    return str(text)


def test_a_recovered_person_with_an_authenticator_app_gives_its_code_too(
    phone: PhonePage, service: Service, links: dict[str, str]
) -> None:
    make_sure_of_an_administrator(service)
    secret = links["Bu Rini"].rpartition("/")[2]
    with httpx.Client(base_url=service.api, timeout=10) as rini:
        body = {"secret": secret, "username": "rini", "password": NEW}
        assert rini.post("/invitations/accept", json=body).status_code == 200
        totp = pyotp.TOTP(rini.post("/account/totp/begin").json()["secret"])
        codes = rini.post("/account/totp", json={"code": totp.now()}).json()["codes"]
    join(phone, recovery(service, "rini"), None, "wayang kulit 9")
    code = phone.page.get_by_test_id("second-factor-code")
    code.fill("000000")
    phone.tap("second-factor-code-submit")
    expect(phone.page.get_by_test_id("second-factor-code-error")).not_to_be_empty()
    code.fill(codes[0])
    phone.tap("second-factor-code-submit")
    phone.page.get_by_test_id("camera-list").wait_for(timeout=10_000)
    assert phone.page.url.endswith("/#/")
