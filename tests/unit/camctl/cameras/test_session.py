"""A camera's session with a driver that answers as the test says."""

from __future__ import annotations

import asyncio

import pytest

from camctl.cameras.backoff import BAD_CREDENTIALS_S, LONGEST_S, Backoff
from camctl.cameras.model import CameraEntry, CameraState, Health
from camctl.cameras.session import CameraSession
from camctl.metrics import Metrics
from camctl.ptz import events as ev
from camctl.ptz.arbiter import Rules
from camctl.ptz.model import MoveStatus, Position, Preset, PtzAbilities, PtzStatus, Velocity
from camctl.ptz.ports import CameraError, CameraFacts, CameraFault, StreamUris

FACTS = CameraFacts("M", "m", "1", PtzAbilities(pan_tilt=True, zoom=True), StreamUris("rtsp://127.0.0.1/main"), 0.0)


class ScriptedDriver:
    """Records what it was asked; `hang` and `fail` say how it answers."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.hang: asyncio.Event | None = None
        self.fail: CameraError | None = None

    async def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.hang is not None and name == "move":
            await self.hang.wait()
        if self.fail is not None:
            raise self.fail

    async def connect(self) -> CameraFacts:
        await self._call("connect")
        return FACTS

    async def continuous_move(self, velocity: Velocity, timeout_s: int) -> None:
        assert timeout_s == int(timeout_s) >= 1
        await self._call("move")

    async def stop(self) -> None:
        await self._call("stop")

    async def absolute_move(self, position: Position) -> None:
        await self._call("absolute")

    async def relative_move(self, pan: float, tilt: float, zoom: float) -> None:
        await self._call("relative")

    async def status(self) -> PtzStatus:
        await self._call("status")
        return PtzStatus(Position(0.1, 0.2, 0.3), MoveStatus.IDLE)

    async def presets(self) -> list[Preset]:
        return []

    async def goto_preset(self, token: str) -> None:
        await self._call(f"goto {token}")

    async def set_preset(self, name: str, token: str | None = None) -> str:
        return "1"

    async def remove_preset(self, token: str) -> None: ...

    async def goto_home(self) -> None:
        await self._call("home")

    async def set_home(self) -> None: ...

    async def request_key_frame(self) -> None: ...

    async def close(self) -> None:
        self.calls.append("close")


LURAH = ev.Source("s1", "p1", "Lurah", "official", 50, "s1:ws")
RIGHT = Velocity(pan=0.5)


def session(driver: ScriptedDriver) -> CameraSession:
    camera = CameraSession(CameraEntry("cam", "Cam", "31"), driver, rules=Rules(), metrics=Metrics())
    camera.connected(FACTS)
    return camera


async def test_silence_stops_the_camera_without_anybody_asking() -> None:
    driver = ScriptedDriver()
    camera = session(driver)
    camera.command(ev.Move(LURAH, RIGHT, 0.1))
    await asyncio.sleep(0.25)
    assert driver.calls == ["move", "stop"]
    assert camera.arbiter.stop_confirmed is True
    await camera.close()


async def test_after_a_stop_everyone_is_told_where_the_camera_came_to_rest() -> None:
    driver = ScriptedDriver()
    camera = session(driver)
    camera.position = Position(0.0, 0.0, 0.0)
    told = asyncio.Event()
    camera.subscribe(lambda: told.set() if camera.position == Position(0.1, 0.2, 0.3) else None)
    camera.command(ev.Move(LURAH, RIGHT, 0.1))
    await asyncio.wait_for(told.wait(), 3)
    assert driver.calls == ["move", "stop", "status"]
    await camera.close()


async def test_stop_leaves_while_a_move_hangs() -> None:
    driver = ScriptedDriver()
    driver.hang = asyncio.Event()
    camera = session(driver)
    camera.command(ev.Move(LURAH, RIGHT, 1.0))
    await asyncio.sleep(0.01)
    outcome = camera.command(ev.Stop(LURAH))
    assert outcome.call is not None
    await asyncio.wait_for(outcome.call, 0.5)
    assert driver.calls == ["move", "stop"]
    driver.hang.set()
    await asyncio.sleep(0.05)
    assert driver.calls == ["move", "stop", "stop"]
    await camera.close()


async def test_watchers_hear_of_an_unconfirmed_stop_and_of_its_repair() -> None:
    driver = ScriptedDriver()
    camera = session(driver)
    seen: list[bool | None] = []
    camera.subscribe(lambda: seen.append(camera.arbiter.stop_confirmed))
    camera.command(ev.Move(LURAH, RIGHT, 0.05))
    await asyncio.sleep(0.01)
    driver.fail = CameraError(CameraFault.TIMEOUT, "no answer")
    await asyncio.sleep(0.2)
    assert seen[-1] is False
    driver.fail = None
    await asyncio.sleep(0.6)
    assert seen[-1] is True
    await camera.close()


async def test_closing_stops_a_moving_camera_first() -> None:
    driver = ScriptedDriver()
    camera = session(driver)
    camera.command(ev.Move(LURAH, RIGHT, 2.0))
    await asyncio.sleep(0.01)
    await camera.close()
    assert driver.calls == ["move", "stop", "close"]


async def test_travel_is_followed_until_the_camera_stands_still() -> None:
    driver = ScriptedDriver()
    camera = session(driver)
    camera.command(ev.Travel(LURAH, "7"))
    await asyncio.sleep(0.6)
    assert driver.calls[:2] == ["goto 7", "status"]
    assert not camera.arbiter.is_moving
    assert camera.position == Position(0.1, 0.2, 0.3)
    await camera.close()


async def test_a_failed_call_ends_the_commands_task_with_the_reason() -> None:
    driver = ScriptedDriver()
    driver.fail = CameraError(CameraFault.UNREACHABLE, "connection refused")
    camera = session(driver)
    outcome = camera.command(ev.Move(LURAH, RIGHT, 0.1))
    assert outcome.call is not None
    with pytest.raises(CameraError, match="refused"):
        await outcome.call
    assert await camera.wait_for_trouble(0.1)
    await camera.close()


async def test_changes_of_health_are_published_once() -> None:
    camera = session(ScriptedDriver())
    count = 0

    def watch() -> None:
        nonlocal count
        count += 1

    camera.subscribe(watch)
    for _ in range(3):
        camera.set_health(Health(CameraState.OFFLINE, "gone"))
    assert count == 1
    await camera.close()


def test_pauses_grow_are_capped_and_long_after_a_bad_password() -> None:
    backoff = Backoff(chance=lambda: 0.5)
    pauses = [backoff.failed(CameraFault.UNREACHABLE) for _ in range(8)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_S, LONGEST_S, LONGEST_S]
    assert backoff.failed(CameraFault.BAD_CREDENTIALS) == BAD_CREDENTIALS_S
    backoff.succeeded()
    assert backoff.failed(CameraFault.TIMEOUT) == 1.0
