"""A picture that the service withholds: a card that says why, no hammering, and the picture back by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Request, expect

from tests.support.commands import street, wait_until
from tests.support.phone_page import PhonePage, chromium
from tests.support.service import PASSWORD, Service, running, write_config

pytestmark = pytest.mark.browser

CAMERA = "gang"
SECTOR = {"pan": [0.3, 1.0], "tilt": [-1.0, 1.0]}  # the preset "Stasiun" looks there
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"


@dataclass
class Place:
    service: Service
    secret_preset: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("hidden")
    account = {"username": "camctl", "password": "rahasia-kamera-1"}
    presets = [{"token": "1", "name": "Jalan"}, {"token": "2", "name": "Stasiun", "pan_deg": 90.0}]
    with street(folder, [{"name": "Gang", "presets": presets, **account}]) as [simulated]:
        camera: dict[str, Any] = {
            "id": CAMERA, "name": "Gang", "area": "31.71.07.1002", "onvif": simulated["onvif_url"], **account,
            "forbidden_sectors": [SECTOR],
        }  # fmt: skip
        config = write_config(folder, [camera])
        with running(folder, config, {"sari": ["--role", "official", "--area", "31.71"]}) as service:
            with service.client("sari") as client:
                wait_until(lambda: client.get(f"/cameras/{CAMERA}").json()["steerable"], 20.0, service.log.read_text)
            yield Place(service, "2")


_STANDING = """
() => {
  const video = document.querySelector('[data-testid="live-video"]');
  return video.readyState >= 2 && video.videoWidth > 0;
}
"""


def test_a_withheld_picture_is_a_card_until_it_comes_back_by_itself(place: Place) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    offers: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.partition("?")[0].endswith("/whep"):
            offers.append(request.url)

    with chromium() as browser:
        phone = PhonePage(browser, place.service.url, locale="id-ID")
        phone.page.on("request", note)
        phone.sign_in({"username": "sari", "password": PASSWORD.format(username="sari")})
        phone.page.locator(f'[data-camera-id="{CAMERA}"]').click()
        card = phone.page.get_by_test_id("live-state")

        # Where it looks is not proved yet; steering proves it, and the picture comes.
        expect(card).to_contain_text("Arah kamera belum diketahui", timeout=5000)
        phone.page.wait_for_timeout(3000)
        assert len(offers) <= 2, "the page hammers a picture that is withheld"
        for _ in range(2):
            phone.press_pad(-0.5, 0.0)
            phone.page.wait_for_timeout(700)
            phone.lift()
            phone.page.wait_for_timeout(500)
        expect(card).to_have_attribute("data-shown", "false", timeout=5000)
        phone.reading(within_s=5.0)

        # A preset in the private place: the picture goes, its session stays.
        offered = len(offers)
        with place.service.client("sari") as client:
            phone.tap("presets")
            phone.page.locator(f'[data-preset="{place.secret_preset}"]').click()
            expect(card).to_contain_text("wilayah pribadi", timeout=10_000)
            expect(phone.page.get_by_test_id("live-video")).to_be_hidden()
            phone.page.screenshot(path=PICTURES / "phone-hidden.png")
            phone.page.wait_for_timeout(6000)  # longer than a picture may stall otherwise
            assert client.get(f"/cameras/{CAMERA}/snapshot.jpg").status_code == 409
        assert len(offers) == offered

        # Turned away, it is back without being asked for.
        phone.tap("presets")
        phone.page.locator('[data-preset="1"]').click()
        expect(card).to_have_attribute("data-shown", "false", timeout=10_000)
        expect(phone.page.get_by_test_id("live-video")).to_be_visible()
        before = phone.reading().frame
        phone.page.wait_for_timeout(500)
        assert phone.reading().frame > before
        assert len(offers) == offered
        assert phone.errors == []
        phone.close()


@pytest.mark.nightly
def test_without_webrtc_it_is_withheld_too_and_nothing_of_it_stays(place: Place) -> None:
    """Where the camera looks was proved by the test before, or is by this one's finger."""
    with chromium() as browser:
        phone = PhonePage(browser, place.service.url, locale="id-ID")
        phone.page.add_init_script("delete window.RTCPeerConnection")
        phone.page.reload()
        phone.sign_in({"username": "sari", "password": PASSWORD.format(username="sari")})
        phone.page.locator(f'[data-camera-id="{CAMERA}"]').click()
        card = phone.page.get_by_test_id("live-state")
        # The phone of the test before has left; its lease is over when it has been idle for a while.
        expect(phone.page.get_by_test_id("holder")).to_contain_text("Bebas", timeout=15_000)
        for _ in range(2):
            phone.press_pad(-0.5, 0.0)
            phone.page.wait_for_timeout(700)
            phone.lift()
            phone.page.wait_for_timeout(500)
        expect(card).to_have_attribute("data-shown", "false", timeout=10_000)
        expect(phone.page.get_by_test_id("delay")).to_have_attribute("data-way", "mse")
        phone.reading(within_s=5.0)

        phone.tap("presets")
        phone.page.locator(f'[data-preset="{place.secret_preset}"]').click()
        expect(card).to_contain_text("wilayah pribadi", timeout=10_000)
        expect(phone.page.get_by_test_id("live-video")).to_be_hidden()
        phone.page.wait_for_timeout(500)
        assert not phone.page.evaluate(_STANDING), "what was buffered is still in the element"

        phone.tap("presets")
        phone.page.locator('[data-preset="1"]').click()
        expect(card).to_have_attribute("data-shown", "false", timeout=15_000)
        before = phone.reading(within_s=5.0).frame
        phone.page.wait_for_timeout(1000)
        assert phone.reading().frame > before
        assert phone.errors == []
        phone.close()
