"""The runner of rounds on a real session, with a driver that answers as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from camctl.cameras.model import CameraEntry
from camctl.cameras.registry import Camera
from camctl.cameras.rounds import RoundRunner
from camctl.cameras.session import CameraSession
from camctl.metrics import ControlMetrics
from camctl.ptz import events as ev
from camctl.ptz.model import MoveStatus, Position, Preset, PtzAbilities, PtzStatus, Velocity
from camctl.ptz.ports import CameraError, CameraFacts, CameraFault, StreamUris
from camctl.ptz.round_machine import RoundMachine
from camctl.ptz.rounds import Round, Window
from camctl.ptz.rules import Rules
from tests.support.round_kit import event, patrol, person

FACTS = CameraFacts(
    "M", "m", "1", PtzAbilities(pan_tilt=True, zoom=True, presets=True), StreamUris("rtsp://127.0.0.1/main"), 0.0
)
SARI = person()
IDLE_S = 0.3


class PresetDriver:
    """Goes to every preset at once, but to those in `faults`; `calls` are the motor's."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.faults: dict[str, CameraError] = {}
        self.called = asyncio.Event()

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self.called.set()

    async def connect(self) -> CameraFacts:
        return FACTS

    async def continuous_move(self, velocity: Velocity, timeout_s: int) -> None:
        self._note("move")

    async def stop(self, attempt: int = 0) -> None:
        self._note("stop")

    async def absolute_move(self, position: Position) -> None: ...

    async def relative_move(self, pan: float, tilt: float, zoom: float) -> None: ...

    async def status(self) -> PtzStatus:
        return PtzStatus(Position(), MoveStatus.IDLE)

    async def presets(self) -> list[Preset]:
        return []

    async def goto_preset(self, token: str, speed: float | None = None) -> None:
        self._note(token if speed is None else f"{token} at {speed}")
        if token in self.faults:
            raise self.faults[token]

    async def set_preset(self, name: str, token: str | None = None) -> str:
        return "1"

    async def remove_preset(self, token: str) -> None: ...

    async def goto_home(self) -> None: ...

    async def set_home(self) -> None: ...

    async def request_key_frame(self, stream: str) -> None: ...

    async def close(self) -> None: ...


class Street:
    """One camera with its runner."""

    def __init__(self, *, wall: Callable[[], datetime] | None = None) -> None:
        self.driver = PresetDriver()
        entry = CameraEntry("cam", "Cam", "31", onvif_url="http://192.0.2.7/")
        self.session = CameraSession(entry, self.driver, rules=Rules(), metrics=ControlMetrics())
        self.runner = RoundRunner(self.session, idle_s=IDLE_S, time_zone="Asia/Jakarta", wall=wall)
        self.published = asyncio.Event()
        self.changed = self.driver.called
        self.session.subscribe(self.published.set)
        self.session.subscribe(self.changed.set)

    async def until(self, condition: Callable[[], bool], within_s: float = 5.0) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def state(self) -> str | None:
        return self.runner.view.state if self.runner.view else None


@asynccontextmanager
async def street(
    *patrols: Round, connected: bool = True, wall: Callable[[], datetime] | None = None
) -> AsyncIterator[Street]:
    made = Street(wall=wall)
    if connected:
        made.session.connected(FACTS)
    made.runner.set_patrols(patrols)
    running = asyncio.create_task(made.runner.run())
    try:
        yield made
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await made.session.close()


@contextmanager
def counted_looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    looks: list[float] = []
    look = RoundMachine.look

    def counting(self: RoundMachine, seen: object, now: float) -> list[ev.Event]:
        looks.append(now)
        return look(self, seen, now)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(RoundMachine, "look", counting)
        yield looks


async def test_it_goes_its_stations_and_a_person_pauses_it() -> None:
    async with street(patrol("1", "2", "3", dwell_s=0.1)) as here:
        await here.until(lambda: here.driver.calls[:3] == ["1", "2", "3"])
        await here.until(lambda: here.driver.calls[-1] == "2")
        here.session.command(ev.Move(SARI, Velocity(pan=0.5), 0.6))
        await here.until(lambda: here.driver.calls[-2:] == ["stop", "move"])
        await here.until(lambda: here.state() == "paused")
        paused_at = here.runner.view.stop if here.runner.view else -1
        here.session.command(ev.Release(SARI))
        await here.until(lambda: here.state() == "resting")
        calls = len(here.driver.calls)
        await asyncio.sleep(IDLE_S / 2)
        assert len(here.driver.calls) <= calls + 1, "nothing but the release's Stop"
        await here.until(lambda: here.state() == "running")
        await here.until(lambda: here.driver.calls[-1] == str(paused_at + 1))


async def test_its_view_is_published() -> None:
    async with street(connected=False) as here:
        here.session.connected(FACTS)
        await asyncio.sleep(0.05)
        here.published.clear()
        here.runner.set_patrols([patrol("1")])
        await here.until(here.published.is_set)
        await here.until(lambda: here.state() == "running")


async def test_a_preset_that_the_camera_refuses_is_skipped_and_said() -> None:
    made = patrol("1", "2", dwell_s=60)
    async with street() as here:
        here.driver.faults["1"] = CameraError(CameraFault.REFUSED, "The camera has no preset 1.")
        here.runner.set_patrols([made])
        await here.until(lambda: here.driver.calls[:2] == ["1", "2"])
        await here.until(lambda: here.runner.view is not None and here.runner.view.stop == 1)
        assert here.runner.view is not None
        assert here.runner.view.detail == "station 1: The camera has no preset 1."
        assert here.runner.view.state == "running"


async def test_a_round_that_fails_says_why_and_when_it_is_tried_again() -> None:
    async with street() as here:
        here.driver.faults["1"] = CameraError(CameraFault.REFUSED, "The camera has no preset 1.")
        here.runner.set_patrols([patrol("1")])
        await here.until(lambda: here.state() == "failed")
        assert here.runner.view is not None
        assert here.runner.view.resumes_at is not None
        assert here.driver.calls == ["1"]


async def test_it_waits_for_a_camera_that_is_away_and_goes_on_when_it_is_back() -> None:
    async with street(patrol("1", dwell_s=60), connected=False) as here:
        await here.until(lambda: here.state() == "failed")
        here.session.connected(FACTS)
        await here.until(lambda: here.driver.calls == ["1"])
        here.session.lost(CameraError(CameraFault.UNREACHABLE, "The camera does not answer."))
        await here.until(lambda: here.state() == "failed")
        assert here.runner.view is not None
        assert here.runner.view.detail == "The camera does not answer."
        here.session.connected(FACTS)
        await here.until(lambda: here.driver.calls == ["1", "1"])


async def test_an_event_comes_before_the_patrol() -> None:
    async with street(patrol("1", dwell_s=60)) as here:
        await here.until(lambda: here.driver.calls == ["1"])
        await here.until(lambda: not here.session.arbiter.is_moving)
        here.runner.show_event(event("9", hold_s=0.2))
        await here.until(lambda: here.driver.calls == ["1", "9"])
        lease = here.session.arbiter.lease
        assert lease is not None
        assert lease.source.kind is ev.SourceKind.EVENT
        await here.until(lambda: here.driver.calls == ["1", "9", "1"])


async def test_an_event_ends_where_the_camera_is_for_emergencies_only_from_now_on() -> None:
    async with street() as here:
        camera = Camera(here.session, here.runner)
        here.runner.show_event(event("9", hold_s=60))
        await here.until(lambda: here.driver.calls == ["9"])
        camera.set_policy(replace(here.session.entry.policy, name="Lain"))
        await asyncio.sleep(0.05)
        assert here.session.arbiter.lease is not None
        camera.set_policy(replace(here.session.entry.policy, emergency_only=True))
        await here.until(lambda: here.session.arbiter.lease is None and here.runner.view is None)
        assert here.driver.calls == ["9", "stop"]
        here.runner.show_event(event("8", hold_s=60))  # its owner's
        await here.until(lambda: here.driver.calls[-1] == "8")
        camera.set_policy(replace(here.session.entry.policy, name="Lagi"))
        await asyncio.sleep(0.05)
        assert here.session.arbiter.lease is not None


async def test_switching_it_off_on_the_way_stops_the_camera() -> None:
    async with street(patrol("1", dwell_s=60)) as here:
        await here.until(lambda: here.driver.calls == ["1"])
        assert here.session.arbiter.is_moving
        here.runner.set_patrols([])
        await here.until(lambda: here.driver.calls == ["1", "stop"])
        assert here.session.arbiter.lease is None
        await here.until(lambda: here.runner.view is None)


async def test_the_schedule_is_in_the_cameras_time_zone() -> None:
    # A Sunday evening in London is a Monday morning in Jakarta.
    jakarta = datetime(2026, 3, 1, 23, 30, tzinfo=ZoneInfo("Europe/London")).astimezone(ZoneInfo("Asia/Jakarta"))
    monday = (Window(frozenset({0}), 6 * 60, 7 * 60),)
    sunday = (Window(frozenset({6}), 23 * 60, 1440),)
    rounds = (patrol("7", name="sunday", windows=sunday), patrol("1", name="monday", windows=monday, dwell_s=60))
    async with street(*rounds, wall=lambda: jakarta) as here:
        await here.until(lambda: here.driver.calls == ["1"])


async def test_it_sleeps_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    with counted_looks(monkeypatch) as looks:
        async with street(patrol("1", dwell_s=600)) as here:
            await here.until(lambda: here.driver.calls == ["1"])
            await here.until(lambda: not here.session.arbiter.is_moving)
            await asyncio.sleep(0.2)
            looks.clear()
            await asyncio.sleep(1.0)
            assert len(looks) <= 1


async def test_when_it_is_cancelled_it_watches_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    with counted_looks(monkeypatch) as looks:
        async with street(patrol("1", dwell_s=0.1)) as here:
            await here.until(lambda: len(here.driver.calls) > 1)
        looks.clear()
        here.session.publish()
        await asyncio.sleep(0.05)
        assert looks == []
