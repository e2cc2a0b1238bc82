"""The stopper's decisions with drivers that are made up; no sockets, no processes."""

from __future__ import annotations

import asyncio
import json

import pytest

from camctl.egress import OwnMachine, Site
from camctl.ptz.model import PtzAbilities
from camctl.ptz.ports import CameraError, CameraFacts, CameraFault, StreamUris
from camctl.stopper.orders import ARM, DISARM, KNOW, StopOrder
from camctl.stopper.process import Stopper

FACTS = CameraFacts("maker", "model", "1", PtzAbilities(pan_tilt=True), StreamUris("rtsp://192.0.2.7/"), 0.0)


class FakeDriver:
    """Stops after `failures`, in order, were raised."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.attempts: list[int] = []

    async def connect(self) -> CameraFacts:
        return FACTS

    async def stop(self, attempt: int = 0) -> None:
        self.attempts.append(attempt)
        if self.failures:
            raise self.failures.pop(0)


def knowing(**drivers: FakeDriver) -> Stopper:
    stopper = Stopper(lambda order: drivers[order.camera_id])
    for camera_id in drivers:
        order = StopOrder(camera_id, "http://192.0.2.7/", "user", "secret", ("192.0.2.0/24",))
        stopper.on_event(KNOW, order.payload(), b"")
    return stopper


async def settled() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_only_what_is_armed_is_stopped() -> None:
    moving, standing = FakeDriver(), FakeDriver()
    stopper = knowing(moving=moving, standing=standing)
    await settled()
    for camera_id in ("moving", "standing"):
        stopper.on_event(ARM, {"camera_id": camera_id}, b"")
    stopper.on_event(DISARM, {"camera_id": "standing"}, b"")
    assert await stopper.stop_all() == []
    assert (moving.attempts, standing.attempts) == ([0, 1], [])


async def test_a_stop_that_was_not_confirmed_is_repeated_in_the_next_way() -> None:
    camera = FakeDriver(CameraError(CameraFault.TIMEOUT, "no answer"))
    stopper = knowing(camera=camera)
    await settled()
    stopper.on_event(ARM, {"camera_id": "camera"}, b"")
    assert await stopper.stop_all() == []
    assert camera.attempts == [0, 1, 2]


async def test_a_camera_that_refuses_the_other_way_counts_as_stopped() -> None:
    camera = FakeDriver()
    stopper = knowing(camera=camera)
    await settled()
    stopper.on_event(ARM, {"camera_id": "camera"}, b"")

    async def stop(attempt: int = 0) -> None:
        if attempt:
            raise CameraError(CameraFault.REFUSED, "no such way")

    camera.stop = stop  # type: ignore[method-assign]
    assert await stopper.stop_all() == []


async def test_a_mistake_of_ours_is_told_and_gives_no_camera_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, good = FakeDriver(RuntimeError("ours")), FakeDriver()
    stopper = knowing(broken=broken, good=good)
    await settled()
    for camera_id in ("broken", "good"):
        stopper.on_event(ARM, {"camera_id": camera_id}, b"")
    assert await stopper.stop_all() == []
    assert (broken.attempts, good.attempts) == ([0, 1, 2], [0, 1])
    assert "camera broken: stopping it failed unexpectedly" in caplog.text
    assert "secret" not in caplog.text


def test_an_order_survives_the_wire_and_shows_no_password() -> None:
    own = OwnMachine(("10.1.2.3",), (8080,))
    order = StopOrder("cam-1", "http://192.0.2.7/", "user", "secret", ("192.0.2.0/24",), own)
    assert StopOrder.from_payload(json.loads(json.dumps(order.payload()))) == order
    assert "secret" not in repr(order)


def test_an_order_keeps_the_cameras_own_networks() -> None:
    site = Site(("10.30.0.0/16",), "cameras.sites[0].networks")
    order = StopOrder("cam-1", "http://10.30.0.7/", "user", "secret", ("192.0.2.0/24",), site=site)
    assert StopOrder.from_payload(json.loads(json.dumps(order.payload()))) == order
