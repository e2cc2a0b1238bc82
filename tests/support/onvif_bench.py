"""A simulated camera on a real socket, the ONVIF driver on it, and the motor that shows what really happened."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import pytest

from camctl.egress import EgressPolicy
from camctl.onvif.documents import Documents
from camctl.onvif.driver import OnvifDriver, OnvifDrivers
from camctl.ptz.ports import CameraError
from simulators.camera import SimulatedCamera
from tests.support.sim_onvif_kit import PASSWORD, USERNAME, Running, camera, serving

DOCUMENTS = Documents()  # parsed once for all tests
LOCAL = EgressPolicy((ip_network("127.0.0.0/8"),))


@dataclass
class Bench:
    """A camera, its driver, and the motor that shows what really happened."""

    simulated: SimulatedCamera
    running: Running
    driver: OnvifDriver

    @property
    def pan_deg(self) -> float:
        return self.simulated.motors.pose().pan

    @property
    def is_moving(self) -> bool:
        return bool(self.simulated.motors.moving())

    def fault(self, **settings: Any) -> None:
        self.running.endpoint.faults.change(json.dumps(settings).encode())

    async def until_moving(self, wanted: bool, within_s: float = 2.0) -> None:
        ends_at = time.monotonic() + within_s
        while self.is_moving is not wanted:
            assert time.monotonic() < ends_at, f"moving is {self.is_moving} after {within_s:g} s"
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def bench(drivers: OnvifDrivers, *quirks: str, password: str = PASSWORD, **settings: Any) -> AsyncIterator[Bench]:
    simulated = camera(quirks=list(quirks), **settings)
    async with serving([simulated]) as [running]:
        driver = drivers.create(f"{running.url}/onvif/device_service", USERNAME, password)
        try:
            yield Bench(simulated, running, driver)
        finally:
            await driver.close()


async def fault_of(awaitable: Any) -> CameraError:
    with pytest.raises(CameraError) as caught:
        await awaitable
    return caught.value
