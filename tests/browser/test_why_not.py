"""What is refused at a camera says why, in both languages and on narrow phones, also when the right goes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.support.commands import camctl, said, street, wait_until
from tests.support.phone_page import PHONE, PhonePage, chromium
from tests.support.service import PASSWORD, Service, running, write_config

pytestmark = pytest.mark.browser

CAMERA = "gang"
AREA = "31.71"
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
NARROW = {"width": 320, "height": 568}
SOON_MS = 5000

_OVERFLOWS = "() => document.documentElement.scrollWidth > window.innerWidth"


def other_hours() -> str:
    """Two hours of every day that begin six hours from now."""
    begins = datetime.now(UTC) + timedelta(hours=6)
    return f"mon-sun {begins:%H:%M}-{begins + timedelta(hours=2):%H:%M} UTC"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Sari may steer the camera at other hours, Tono may see it then, Budi may both at any time."""
    folder = tmp_path_factory.mktemp("why-not")
    account = {"username": "camctl", "password": "rahasia-kamera-1"}
    people = {
        "sari": ["--role", "auditor", "--area", AREA],
        "tono": ["--role", "auditor", "--area", AREA],
        "budi": ["--role", "operator", "--area", AREA],
    }
    with street(folder, [{"name": "Gang", **account}]) as [simulated]:
        camera: dict[str, Any] = {
            "id": CAMERA, "name": "Gang", "area": "31.71.07.1002", "onvif": simulated["onvif_url"], **account,
        }  # fmt: skip
        with running(folder, write_config(folder, [camera]), people) as service:
            operator = ("--role", "operator", "--area", AREA, "--reason", "piket")
            service.user("grant", "sari", *operator, "--only", "live")
            for username in ("sari", "tono"):
                service.user("grant", username, *operator, "--window", other_hours())
            with service.client("budi") as client:
                wait_until(lambda: client.get(f"/cameras/{CAMERA}").json()["steerable"], 20.0, service.log.read_text)
            yield service


@pytest.fixture(scope="module")
def browser(service: Service) -> Iterator[Browser]:
    with chromium() as running:
        yield running


def sign_in(browser: Browser, service: Service, username: str) -> PhonePage:
    """Somebody's phone, in Indonesian."""
    phone = PhonePage(browser, service.url, locale="id-ID")
    phone.sign_in({"username": username, "password": PASSWORD.format(username=username)})
    return phone


def reads(phone: PhonePage, place: Locator, sentence: str, name: str) -> None:
    """The sentence stands there, and all of it on a narrow phone too."""
    expect(place).to_have_text(sentence, timeout=SOON_MS)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for size in (NARROW, PHONE):
        phone.page.set_viewport_size(size)
        assert not phone.page.evaluate(_OVERFLOWS), f"{sentence!r} is wider than {size['width']} pixels"
        box = place.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]
        assert box["y"] + box["height"] <= size["height"]
        phone.page.screenshot(path=PICTURES / f"phone-why-not-{name}-{size['width']}.png")


def test_who_may_steer_at_other_hours_reads_so_in_both_languages(browser: Browser, service: Service) -> None:
    phone = sign_in(browser, service, "sari")
    phone.open_camera(CAMERA)
    why = phone.page.get_by_test_id("view-only-why")
    reads(phone, why, "Anda tidak boleh menggerakkan kamera ini: izin Anda untuk ini berlaku pada jam lain.", "id")
    phone.tap("more")
    phone.page.get_by_test_id("language").select_option("en")
    phone.page.keyboard.press("Escape")
    reads(phone, why, "You may not steer this camera: your grant for this holds at other hours.", "en")
    for control in ("joystick", "stop", "take-control"):
        expect(phone.page.get_by_test_id(control)).to_have_count(0)
    assert phone.errors == []
    phone.close()


def test_who_may_see_the_picture_at_other_hours_reads_so_instead_of_it(browser: Browser, service: Service) -> None:
    phone = sign_in(browser, service, "tono")
    phone.page.locator(f'[data-camera-id="{CAMERA}"]').click()
    card = phone.page.get_by_test_id("live-state")
    reads(phone, card, "Anda tidak boleh melihat gambar kamera ini: izin Anda untuk ini berlaku pada jam lain.", "card")
    assert phone.errors == []
    phone.close()


def test_a_right_that_is_taken_leaves_its_reason_and_comes_back(browser: Browser, service: Service) -> None:
    phone = sign_in(browser, service, "budi")
    asked: list[str] = []
    phone.page.on("request", lambda request: asked.append(request.url))
    phone.open_camera(CAMERA)
    pad = phone.page.get_by_test_id("joystick")
    expect(pad).to_be_visible(timeout=SOON_MS)
    assert [url for url in asked if url.endswith("/permissions")] == []

    file = ("--config", str(service.config))  # by a process: playwright's loop runs in this one
    denial = ("--deny", "--only", "control", "--camera", CAMERA, "--reason", "laporan warga")
    grant = said(camctl("user", "grant", "budi", *denial, *file)).split()[0]
    why = phone.page.get_by_test_id("view-only-why")
    reads(phone, why, "Anda tidak boleh menggerakkan kamera ini: izin ini dicabut dari Anda.", "denied")
    expect(pad).to_have_count(0)

    said(camctl("user", "revoke", "budi", grant, *file))
    expect(pad).to_be_visible(timeout=SOON_MS)
    expect(why).to_have_count(0)
    assert phone.errors == []
    phone.close()
