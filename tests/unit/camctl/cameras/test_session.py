"""A camera's session with a driver that answers as the test says."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from camctl.cameras.backoff import BAD_CREDENTIALS_S, LONGEST_S, Backoff
from camctl.cameras.model import CameraEntry, CameraState, Health
from camctl.cameras.records import LeaseRecord, LeaseRecords
from camctl.cameras.session import CameraSession
from camctl.metrics import ControlMetrics
from camctl.ptz import events as ev
from camctl.ptz.limits import Hidden, Limits, Sector
from camctl.ptz.model import MoveStatus, Position, Preset, PtzAbilities, PtzStatus, Velocity
from camctl.ptz.ports import CameraError, CameraFacts, CameraFault, StreamUris
from camctl.ptz.rules import Rules

FACTS = CameraFacts("M", "m", "1", PtzAbilities(pan_tilt=True, zoom=True), StreamUris("rtsp://127.0.0.1/main"), 0.0)


class ScriptedDriver:
    """Records what it was asked; `hang` and `fail` say how it answers."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.hang: asyncio.Event | None = None
        self.hang_stop: asyncio.Event | None = None
        self.fail: CameraError | None = None
        self.attempts: list[int] = []
        self.positions: list[Position] = [Position(0.1, 0.2, 0.3)]  # the last one stays
        self.velocities: list[Velocity] = []

    async def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.hang is not None and name == "move":
            await self.hang.wait()
        if self.hang_stop is not None and name == "stop":
            await self.hang_stop.wait()
        if self.fail is not None:
            raise self.fail

    async def connect(self) -> CameraFacts:
        await self._call("connect")
        return FACTS

    async def continuous_move(self, velocity: Velocity, timeout_s: int) -> None:
        assert timeout_s == int(timeout_s) >= 1
        self.velocities.append(velocity)
        await self._call("move")

    async def stop(self, attempt: int = 0) -> None:
        self.attempts.append(attempt)
        await self._call("stop")

    async def absolute_move(self, position: Position) -> None:
        await self._call("absolute")

    async def relative_move(self, pan: float, tilt: float, zoom: float) -> None:
        await self._call("relative")

    async def status(self) -> PtzStatus:
        await self._call("status")
        position = self.positions.pop(0) if len(self.positions) > 1 else self.positions[0]
        return PtzStatus(position, MoveStatus.IDLE)

    async def presets(self) -> list[Preset]:
        return []

    async def goto_preset(self, token: str, speed: float | None = None) -> None:
        await self._call(f"goto {token}" if speed is None else f"goto {token} at {speed}")

    async def set_preset(self, name: str, token: str | None = None) -> str:
        return "1"

    async def remove_preset(self, token: str) -> None: ...

    async def goto_home(self) -> None:
        await self._call("home")

    async def set_home(self) -> None: ...

    async def request_key_frame(self, stream: str) -> None: ...

    async def close(self) -> None:
        self.calls.append("close")


LURAH = ev.Source("s1", "p1", "Lurah", "official", 50, "s1:ws")
RIGHT = Velocity(pan=0.5)


def session(
    driver: ScriptedDriver, *, records: LeaseRecords | None = None, limits: Limits | None = None, reports: bool = False
) -> CameraSession:
    entry = CameraEntry("cam", "Cam", "31", onvif_url="http://192.0.2.7/", limits=limits or Limits())
    camera = CameraSession(entry, driver, rules=Rules(), metrics=ControlMetrics(), records=records)
    abilities = replace(FACTS.abilities, status_position=reports)
    camera.connected(replace(FACTS, abilities=abilities))
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
    camera = session(driver, reports=True)
    told = asyncio.Event()
    camera.subscribe(lambda: told.set() if camera.position == Position(0.1, 0.2, 0.3) else None)
    camera.command(ev.Move(LURAH, RIGHT, 0.1))
    await asyncio.wait_for(told.wait(), 3)
    assert driver.calls == ["move", "stop", "status"]
    await asyncio.sleep(0.8)
    assert driver.calls == ["move", "stop", "status", "status"], "it stands, and is not asked any more"
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


class Disk:
    """Records that get on the disk when the test says so."""

    def __init__(self) -> None:
        self.noted: list[tuple[LeaseRecord, bool]] = []
        self.writing: list[asyncio.Future[None]] = []

    def note(self, record: LeaseRecord, *, durable: bool) -> asyncio.Future[None]:
        self.noted.append((record, durable))
        self.writing.append(asyncio.get_running_loop().create_future())
        return self.writing[-1]


async def test_the_first_move_of_a_lease_waits_for_its_record_and_no_later_one_does() -> None:
    driver, disk = ScriptedDriver(), Disk()
    camera = session(driver, records=disk)
    camera.command(ev.Move(LURAH, RIGHT, 2.0))
    await asyncio.sleep(0.05)
    assert driver.calls == []
    [(record, durable)] = disk.noted
    assert (record.camera, record.fence, record.holder, durable) == ("cam", 1, LURAH, True)
    assert record.ends_at == pytest.approx(time.time() + 10.0, abs=2.5)
    disk.writing[0].set_result(None)
    await asyncio.sleep(0.05)
    assert driver.calls == ["move"]
    camera.command(ev.Move(LURAH, Velocity(pan=-0.5), 2.0))
    await asyncio.sleep(0.05)
    assert driver.calls == ["move", "move"]
    assert len(disk.noted) == 1
    await camera.close()


async def test_a_stop_never_waits_for_the_record_and_ends_the_move_that_does() -> None:
    driver, disk = ScriptedDriver(), Disk()
    camera = session(driver, records=disk)
    move = camera.command(ev.Move(LURAH, RIGHT, 2.0)).call
    await asyncio.sleep(0.01)
    stop = camera.command(ev.Stop(LURAH)).call
    assert move is not None
    assert stop is not None
    await asyncio.wait_for(stop, 0.5)
    disk.writing[0].set_result(None)
    with pytest.raises(CameraError, match="Stop was asked for"):
        await move
    assert "move" not in driver.calls
    await camera.close()


async def test_without_a_record_a_move_is_refused_and_the_next_one_tries_again() -> None:
    driver, disk = ScriptedDriver(), Disk()
    camera = session(driver, records=disk)
    move = camera.command(ev.Move(LURAH, RIGHT, 2.0)).call
    await asyncio.sleep(0.01)
    disk.writing[0].set_exception(OSError(28, "No space left on device"))
    assert move is not None
    with pytest.raises(CameraError, match="record of who controls could not be written") as failure:
        await move
    assert failure.value.fault is CameraFault.NOT_ON_RECORD
    camera.command(ev.Move(LURAH, Velocity(pan=-0.5), 2.0))
    await asyncio.sleep(0.6)  # the next renewal
    assert driver.calls == []
    assert len(disk.writing) == 2
    disk.writing[1].set_result(None)
    await asyncio.sleep(0.05)
    assert set(driver.calls) == {"move"}
    await camera.close()


async def test_an_earlier_life_goes_on_with_its_fence_its_reservation_and_who_held_it() -> None:
    camera = session(ScriptedDriver())
    wall = time.time()
    record = LeaseRecord("cam", 7, LURAH, wall - 60, wall + 70, wall + 60, "accident at the crossing")
    camera.restore(record, 3, wall)
    holder = camera.control_view().holder
    assert holder is not None
    assert (holder.source, holder.fence, holder.reason) == (LURAH, 7, "accident at the crossing")
    assert holder.reserved_until == pytest.approx(time.monotonic() + 60, abs=0.5)
    other = replace(LURAH, sign_in="s2", person="p2", channel="s2:ws")
    assert camera.command(ev.Take(other)).refusal is ev.Refusal.RESERVED
    await camera.close()


async def test_a_patrols_lease_is_not_restored_but_its_fence_counts() -> None:
    camera = session(ScriptedDriver())
    patrol = ev.Source("patrol:1", "patrol:1", "Patrol", "patrol", 10, "patrol:1", ev.SourceKind.PATROL)
    wall = time.time()
    camera.restore(LeaseRecord("cam", 9, patrol, wall, wall + 60), 3, wall)
    assert camera.control_view().holder is None
    camera.command(ev.Take(LURAH))
    holder = camera.control_view().holder
    assert holder is not None
    assert holder.fence == 10
    await camera.close()


async def test_positions_confirm_a_stop_that_the_camera_does_not() -> None:
    driver = ScriptedDriver()
    camera = session(driver, reports=True)
    camera.command(ev.Move(LURAH, RIGHT, 5.0))
    await asyncio.sleep(0.01)
    driver.hang_stop = asyncio.Event()
    camera.command(ev.Stop(LURAH))
    await asyncio.sleep(1.0)
    assert camera.control_view().stop_confirmed is True
    assert not camera.control_view().is_moving
    await camera.close()


async def test_a_camera_that_confirms_and_turns_on_is_stopped_in_the_next_way() -> None:
    driver = ScriptedDriver()
    driver.positions = [Position(step / 100, 0.0, 0.0) for step in range(9)]
    camera = session(driver, reports=True)
    told: list[bool | None] = []
    camera.subscribe(lambda: told.append(camera.control_view().stop_confirmed))
    camera.command(ev.Move(LURAH, RIGHT, 5.0))
    await asyncio.sleep(0.01)
    camera.command(ev.Stop(LURAH))
    await asyncio.sleep(1.6)
    assert driver.attempts == [0, 1]
    assert False in told
    await asyncio.sleep(1.4)
    assert camera.control_view().stop_confirmed is True
    await camera.close()


async def test_a_limit_ends_a_move_only_after_the_position_was_proved() -> None:
    driver = ScriptedDriver()
    driver.positions = [Position(0.0, 0.0), Position(0.2, 0.0), Position(0.45, 0.0)]
    camera = session(driver, reports=True, limits=Limits(pan=(-0.5, 0.5)))
    await camera.status()
    camera.command(ev.Move(LURAH, RIGHT, 5.0))
    await asyncio.sleep(0.7)
    assert driver.velocities[0] == RIGHT
    assert driver.calls[-1] == "stop" or "stop" in driver.calls
    assert not camera.control_view().is_moving
    before = len(driver.velocities)
    camera.command(ev.Move(LURAH, RIGHT, 1.0))  # the finger is still down
    camera.command(ev.Move(LURAH, Velocity(pan=-0.5), 1.0))
    await asyncio.sleep(0.05)
    assert driver.velocities[before:] == [Velocity(pan=-0.5)]
    await camera.close()


async def test_a_picture_with_a_sector_is_withheld_until_the_position_is_proved_and_outside() -> None:
    driver = ScriptedDriver()
    driver.positions = [Position(0.0, 0.0), Position(0.3, 0.0)]
    camera = session(driver, reports=True, limits=Limits(sectors=(Sector((0.8, 0.9), (-1.0, 1.0)),)))
    await camera.status()
    assert camera.hidden is Hidden.POSITION_UNKNOWN
    camera.command(ev.Move(LURAH, RIGHT, 1.0))
    await asyncio.sleep(0.3)
    assert camera.hidden is None
    driver.fail = CameraError(CameraFault.TIMEOUT, "no answer")
    await asyncio.sleep(3.4)
    assert camera.hidden is Hidden.POSITION_STALE
    await camera.close()


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
    gone = CameraError(CameraFault.UNREACHABLE, "gone")
    count = 0

    def watch() -> None:
        nonlocal count
        count += 1

    camera.subscribe(watch)
    for _ in range(3):
        camera.lost(gone)
    assert count == 1
    assert camera.health == Health(CameraState.OFFLINE, "gone", "unreachable")
    await camera.close()


def test_pauses_grow_are_capped_and_long_after_a_bad_password() -> None:
    backoff = Backoff(chance=lambda: 0.5)
    pauses = [backoff.failed(CameraFault.UNREACHABLE) for _ in range(8)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_S, LONGEST_S, LONGEST_S]
    assert backoff.failed(CameraFault.BAD_CREDENTIALS) == BAD_CREDENTIALS_S
    backoff.succeeded()
    assert backoff.failed(CameraFault.TIMEOUT) == 1.0
