"""A camera with a view that nobody may see: no picture before its position is proved, and none from there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.commands import street, wait_until
from tests.support.control import Phone
from tests.support.problems import problem
from tests.support.service import Service, running, write_config

pytestmark = pytest.mark.system

CAMERA = "gang"
EDGE = 0.25
OFFER = (Path(__file__).parents[1] / "fixtures/offers/chromium.sdp").read_bytes()


@dataclass
class Place:
    service: Service
    simulator: str

    def pan_deg(self) -> float:
        return float(httpx.get(f"{self.simulator}/state", timeout=5).json()["pan_deg"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("hidden")
    account = {"username": "camctl", "password": "rahasia-kamera-1"}
    with street(folder, [{"name": "Gang", **account}]) as [simulated]:
        camera = {
            "id": CAMERA, "name": "Gang", "area": "31.71.07.1002", "onvif": simulated["onvif_url"], **account,
            "forbidden_sectors": [{"pan": [EDGE, 1.0], "tilt": [-1.0, 1.0]}],
        }  # fmt: skip
        config = write_config(folder, [camera])
        with running(folder, config, {"sari": ["--role", "official", "--area", "31.71"]}) as service:
            base = "/".join(simulated["onvif_url"].split("/")[:3])
            with service.client("sari") as client:
                wait_until(lambda: client.get(f"/cameras/{CAMERA}").json()["steerable"], 20.0, service.log.read_text)
            yield Place(service, f"{base}/simulator")


def offer(client: httpx.Client) -> httpx.Response:
    return client.post(f"/cameras/{CAMERA}/whep", content=OFFER, headers={"Content-Type": "application/sdp"})


def push(phone: Phone, pan: float, gesture: int, until: Any) -> None:
    """Hold the finger until the state is so."""
    ends_at = time.monotonic() + 8.0
    while not until(phone.state(lambda _now: True)):
        assert time.monotonic() < ends_at
        phone.drag(0.2, pan=pan, gesture=gesture)
    phone.ask("stop", gesture=gesture)


def test_the_picture_is_withheld_until_the_position_is_proved_and_whenever_the_camera_looks_into_the_sector(
    place: Place,
) -> None:
    service = place.service
    with service.client("sari") as client, Phone(service.api, CAMERA, service.tokens["sari"]) as phone:
        assert phone.state(lambda state: state["hidden"] is not None)["hidden"] == "position-unknown"
        for refused in (offer(client), client.get(f"/cameras/{CAMERA}/snapshot.jpg")):
            body: dict[str, Any] = problem(refused, 409, "hidden")
            assert body["hidden"] == "position-unknown"
        for gesture in (1, 2):
            phone.drag(0.6, pan=-0.15, gesture=gesture)
            phone.ask("stop", gesture=gesture)
            phone.state(lambda state: state["stop_confirmed"])
        phone.state(lambda state: state["hidden"] is None, 5.0)
        assert client.get(f"/cameras/{CAMERA}/snapshot.jpg").status_code == 200
        assert offer(client).status_code == 201
        push(phone, 0.4, 3, lambda state: state["hidden"] is not None)
        body = problem(client.get(f"/cameras/{CAMERA}/snapshot.jpg"), 409, "hidden")
        assert body["hidden"] == "sector"
        push(phone, -0.4, 4, lambda state: state["hidden"] is None)
        assert client.get(f"/cameras/{CAMERA}/snapshot.jpg").status_code == 200
        assert place.pan_deg() < 180 * EDGE
