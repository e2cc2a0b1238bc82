"""The one place at a camera goes to the operator: the partner's page says so, waits, and comes back by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Request, expect

from tests.support.commands import street, wait_until
from tests.support.phone_page import PhonePage, chromium
from tests.support.service import PASSWORD, Service, running, write_config

pytestmark = [pytest.mark.browser, pytest.mark.nightly]

CAMERA, OWNER = "gang", "PT Contoh"
PEOPLE = {
    "sari": ["--role", "operator", "--area", "31"],
    "andi": ["--role", "partner", "--area", "31", "--organisation", OWNER],
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    account = {"username": "camctl", "password": "rahasia-kamera-1"}
    with street(tmp_path, [{"name": "Gang", **account}]) as [simulated]:
        camera: dict[str, Any] = {
            "id": CAMERA, "name": "Gang", "area": "31.71.07.1002", "owner": OWNER, "onvif": simulated["onvif_url"],
            **account,
        }  # fmt: skip
        places = {"sessions_per_camera": 1, "reserve_share": 0.0, "busy_lag_ms": 5000}
        with running(tmp_path, write_config(tmp_path, [camera], media=places), PEOPLE) as service:
            with service.client("sari") as client:
                wait_until(lambda: client.get(f"/cameras/{CAMERA}").json()["steerable"], 20.0, service.log.read_text)
            yield service


def test_a_partner_gives_way_to_an_operator_and_comes_back(service: Service) -> None:
    offers: list[float] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.partition("?")[0].endswith("/whep"):
            offers.append(time.monotonic())

    with chromium() as browser:
        partner = PhonePage(browser, service.url, locale="id-ID")
        partner.page.on("request", note)
        operator = PhonePage(browser, service.url, locale="en-GB")
        for phone, name in ((partner, "andi"), (operator, "sari")):
            phone.sign_in({"username": name, "password": PASSWORD.format(username=name)})
        partner.open_camera(CAMERA)
        operator.open_camera(CAMERA)
        expect(partner.page.get_by_test_id("live-state")).to_contain_text("Tempat Anda diperlukan", timeout=5000)
        asked = len(offers)
        partner.page.wait_for_timeout(3000)
        operator.context.close()
        partner.page.bring_to_front()
        # As soon as the time is over that the service asked for (10 s), and without a finger.
        expect(partner.page.get_by_test_id("live-state")).to_have_attribute("data-shown", "false", timeout=20_000)
        partner.reading(within_s=3.0)
        waits_s = [later - earlier for earlier, later in pairwise(offers[asked - 1 :])]
        assert waits_s
        assert min(waits_s) >= 9.0, "the page hammers a service that has no place"
        assert partner.errors == []
