"""Ways of stopping and what ends a motion by itself, against simulated cameras over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from camctl.onvif.driver import OnvifDrivers
from camctl.ptz.model import MoveStatus, SafetyNet, Velocity
from camctl.ptz.ports import CameraFault
from simulators.clock import SystemClock
from simulators.drive import Generic
from simulators.motors import Pose
from tests.support.onvif_bench import DOCUMENTS, LOCAL, Bench, bench, fault_of
from tests.support.sim_onvif_kit import PASSWORD, USERNAME

pytestmark = pytest.mark.system

_RIGHT = Velocity(pan=0.5)


@pytest.fixture
async def drivers() -> AsyncIterator[OnvifDrivers]:
    made = OnvifDrivers(LOCAL, DOCUMENTS)
    yield made
    await made.close()


@contextlib.asynccontextmanager
async def named(
    drivers: OnvifDrivers, row: str | None, *quirks: str, owner_accepts: bool = False
) -> AsyncIterator[Bench]:
    """A simulated camera with `quirks`, and a driver that was told the row of the quirks table."""
    async with bench(drivers, *quirks) as it:
        await it.driver.close()
        url = f"{it.running.url}/onvif/device_service"
        it.driver = drivers.create(url, USERNAME, PASSWORD, quirk=row, owner_accepts_no_net=owner_accepts)
        try:
            yield it
        finally:
            await it.driver.close()


async def turning(it: Bench) -> None:
    await it.driver.continuous_move(Velocity(pan=0.2, zoom=0.1), 10)
    await it.until_moving(wanted=True)


async def is_still(it: Bench) -> bool:
    await asyncio.sleep(0.3)
    return not it.is_moving


@pytest.mark.parametrize(
    ("row", "quirk"),
    [
        (None, "stop-needs-axes"),
        ("stop-needs-axes", "stop-needs-axes"),
        (None, "stop-refuses-both"),
        ("stop-refuses-both", "stop-refuses-both"),
        (None, "stop-unimplemented"),
        ("stop-unimplemented", "stop-unimplemented"),
        ("stop-per-axis", "stop-per-axis-only"),
        ("stop-unimplemented", "stop-zero-velocity-only"),
        ("stop-relative-zero", "stop-relative-zero-only"),
    ],
)
async def test_the_first_stop_stops_it_where_the_row_says_how(
    drivers: OnvifDrivers, row: str | None, quirk: str
) -> None:
    async with named(drivers, row, quirk) as it:
        await it.driver.connect()
        for _ in range(2):
            await turning(it)
            await it.driver.stop()
            assert await is_still(it)


@pytest.mark.parametrize(
    ("quirk", "attempts"),
    [("stop-per-axis-only", 1), ("stop-zero-velocity-only", 3), ("stop-relative-zero-only", 4)],
)
async def test_a_camera_that_confirms_and_turns_on_is_stopped_in_another_way_which_is_remembered(
    drivers: OnvifDrivers, quirk: str, attempts: int
) -> None:
    async with bench(drivers, quirk) as it:
        await it.driver.connect()
        await turning(it)
        for attempt in range(attempts):
            await it.driver.stop(attempt)
            assert not await is_still(it)
        await it.driver.stop(attempts)
        assert await is_still(it)
        await turning(it)
        await it.driver.stop()
        assert await is_still(it)


async def test_stops_that_are_confirmed_and_ignored(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        await turning(it)
        it.fault(ignore_stops=2)
        await it.driver.stop(0)
        assert not await is_still(it)
        await it.driver.stop(1)  # one axis each: the first of them is ignored as well
        assert it.simulated.motors.moving("pan")
        await it.driver.stop(2)
        assert await is_still(it)


async def test_a_stop_that_is_not_answered_is_said_again(drivers: OnvifDrivers) -> None:
    async with bench(drivers, "stop-needs-axes") as it:
        await it.driver.connect()
        await turning(it)
        it.fault(black_hole=True)
        assert (await fault_of(it.driver.stop(0))).fault is CameraFault.TIMEOUT
        it.fault(black_hole=False)
        await it.driver.stop(1)  # not a Stop without axes, which this camera accepts and ignores
        assert await is_still(it)


@pytest.mark.parametrize(
    ("row", "quirks", "net"),
    [
        (None, (), SafetyNet.TIMEOUT),
        (None, ("timeout-range-zero",), SafetyNet.STEPS),
        ("ignores-timeout", ("ignores-timeout",), SafetyNet.STEPS),
        ("ignores-timeout-relative-dead", ("ignores-timeout", "relative-move-dead"), SafetyNet.NONE),
    ],
)
async def test_what_ends_a_motion_when_the_link_dies(
    drivers: OnvifDrivers, row: str | None, quirks: tuple[str, ...], net: SafetyNet
) -> None:
    async with named(drivers, row, *quirks) as it:
        abilities = (await it.driver.connect()).abilities
        assert abilities.safety_net is net
        assert it.driver.safety_net is net
        assert abilities.can_steer is (net is not SafetyNet.NONE)


async def test_a_camera_known_by_what_it_says_of_itself(drivers: OnvifDrivers) -> None:
    async with bench(drivers, "ignores-timeout", manufacturer="ONVIF_ICAMERA", model="JM800S5_AF") as it:
        assert (await it.driver.connect()).abilities.safety_net is SafetyNet.STEPS
        assert it.driver.quirk.name == "jm800s5-ignores-timeout"


async def test_without_any_net_it_is_moved_only_if_the_owner_accepts_that(drivers: OnvifDrivers) -> None:
    quirks = ("ignores-timeout", "relative-move-dead")
    async with named(drivers, "ignores-timeout-relative-dead", *quirks) as it:
        await it.driver.connect()
        error = await fault_of(it.driver.continuous_move(_RIGHT, 1))
        assert error.fault is CameraFault.UNSUPPORTED
        assert "steer_without_timeout" in error.detail
        assert not it.is_moving
    async with named(drivers, "ignores-timeout-relative-dead", *quirks, owner_accepts=True) as it:
        abilities = (await it.driver.connect()).abilities
        assert abilities.owner_accepts_no_net
        assert abilities.can_steer
        await it.driver.continuous_move(_RIGHT, 1)
        await it.until_moving(wanted=True)
        await it.driver.stop()
        await it.until_moving(wanted=False)


async def test_a_camera_that_turns_out_to_take_no_timeout_is_driven_in_steps(drivers: OnvifDrivers) -> None:
    async with bench(drivers, "timeout-rejected") as it:
        assert (await it.driver.connect()).abilities.safety_net is SafetyNet.TIMEOUT
        await it.driver.continuous_move(_RIGHT, 1)
        assert it.driver.safety_net is SafetyNet.STEPS
        await it.until_moving(wanted=True)
        await it.until_moving(wanted=False, within_s=0.9)
        assert [event.kind for event in it.simulated.motor_log if event.source == "onvif"] == ["relative"]
        assert (await it.driver.connect()).abilities.safety_net is SafetyNet.STEPS


@contextlib.asynccontextmanager
async def finger(it: Bench, velocity: Velocity, renew_s: float = 0.45) -> AsyncIterator[None]:
    """Hold this velocity as the arbiter does."""

    async def hold() -> None:
        while True:
            await it.driver.continuous_move(velocity, 1)
            await asyncio.sleep(renew_s)

    holding = asyncio.create_task(hold())
    try:
        yield
    finally:
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)


async def test_steps_come_to_an_even_motion_and_end_by_themselves(drivers: OnvifDrivers) -> None:
    async with named(drivers, "ignores-timeout", "ignores-timeout") as it:
        await it.driver.connect()
        async with finger(it, Velocity(pan=0.2)):
            await asyncio.sleep(4.0)  # the length of steps has been learnt
            before_deg, stood = it.pan_deg, 0
            for _ in range(100):
                stood += not it.is_moving
                await asyncio.sleep(0.01)
            turned_deg = it.pan_deg - before_deg
        assert turned_deg > 0.8 * 0.2 * 100  # four fifths of what a continuous move does in a second
        assert stood <= 10
        await it.until_moving(wanted=True)
        let_go = time.monotonic()
        await it.until_moving(wanted=False, within_s=1.2)
        assert time.monotonic() - let_go < 0.85  # the step and the motor's own way to rest


async def test_each_step_ends_soon_whatever_the_speed(drivers: OnvifDrivers) -> None:
    async with named(drivers, "ignores-timeout", "ignores-timeout") as it:
        await it.driver.connect()
        longest_s = 0.0
        for share in (0.1, 0.5, 1.0, -0.3, -1.0, 0.05):
            for _ in range(3):
                await it.driver.continuous_move(Velocity(pan=share), 1)
                started = time.monotonic()
                await it.until_moving(wanted=False, within_s=2.0)
                longest_s = max(longest_s, time.monotonic() - started)
        assert longest_s < 0.95


async def test_steps_change_direction_and_stop(drivers: OnvifDrivers) -> None:
    async with named(drivers, "ignores-timeout", "ignores-timeout") as it:
        await it.driver.connect()
        async with finger(it, Velocity(pan=0.3)):
            await asyncio.sleep(1.5)
        await it.driver.continuous_move(Velocity(pan=-0.3), 1)
        await asyncio.sleep(0.25)
        assert it.simulated.motors.speeds().pan < 0
        await it.driver.continuous_move(Velocity(zoom=0.5), 1)
        assert it.simulated.motors.moving("zoom")
        for _ in range(20):
            if it.simulated.motors.speeds().pan == 0:
                break
            await asyncio.sleep(0.01)
        assert it.simulated.motors.speeds().pan == 0  # an axis that is let go does not end its step
        await it.driver.stop()
        assert await is_still(it)


async def test_a_camera_at_its_end_stop_does_not_learn_longer_steps(drivers: OnvifDrivers) -> None:
    async with named(drivers, "ignores-timeout", "ignores-timeout") as it:
        await it.driver.connect()
        it.simulated.motors.go_to(Pose(169.9, 0.0, 0.0), Generic(), "preset", "test")
        await it.until_moving(wanted=False, within_s=4)
        async with finger(it, Velocity(pan=0.5)):
            await asyncio.sleep(2.5)
        await it.driver.continuous_move(Velocity(pan=-0.5), 1)
        await it.until_moving(wanted=True)
        await it.until_moving(wanted=False, within_s=0.95)


@pytest.mark.parametrize("quirk", ["space-required", "space-refused", "ranges-of-100", "pantilt-zoom-together-refused"])
async def test_steps_in_spite_of(drivers: OnvifDrivers, quirk: str) -> None:
    async with named(drivers, "ignores-timeout", "ignores-timeout", quirk) as it:
        await it.driver.connect()
        before_deg = it.pan_deg
        async with finger(it, Velocity(pan=0.5, zoom=0.2)):
            await asyncio.sleep(1.2)
        await it.driver.stop()
        assert await is_still(it)
        assert it.pan_deg > before_deg + 3


@pytest.mark.parametrize(("quirks", "speed_deg_per_s"), [((), 50.0), (("gotopreset-speed-refused",), 100.0)])
async def test_a_preset_at_a_speed(drivers: OnvifDrivers, quirks: tuple[str, ...], speed_deg_per_s: float) -> None:
    async with bench(drivers, *quirks) as it:
        await it.driver.connect()
        monas = next(each.token for each in await it.driver.presets() if each.name == "Monas")
        for _ in range(2):
            await it.driver.goto_preset(monas, 0.5)
            await asyncio.sleep(0.4)
            assert it.simulated.motors.speeds().pan == pytest.approx(speed_deg_per_s, abs=1)
            await it.driver.goto_home()
            await it.until_moving(wanted=False, within_s=4)
        unknown = await fault_of(it.driver.goto_preset("none", 0.5))
        assert unknown.fault is CameraFault.REFUSED


class _JumpingClock(SystemClock):
    """A camera's clock that is set while it runs."""

    jump_s = 0.0

    def wall(self) -> float:
        return super().wall() + self.jump_s


@contextlib.contextmanager
def silent_cameras(count: int) -> Iterator[list[int]]:
    """Ports where connections are accepted by the kernel and nobody ever answers."""
    listeners = [socket.create_server(("127.0.0.1", 0), backlog=8) for _ in range(count)]
    try:
        yield [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


async def test_stop_does_not_wait_for_a_hundred_cameras_that_say_nothing(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        with silent_cameras(100) as ports:
            lost = [drivers.create(f"http://127.0.0.1:{port}/x", USERNAME, PASSWORD) for port in ports]
            connecting = [asyncio.create_task(driver.connect()) for driver in lost]
            await asyncio.sleep(0.5)
            took: list[float] = []
            for _ in range(20):
                started = time.monotonic()
                await it.driver.continuous_move(_RIGHT, 5)
                await it.driver.stop()
                assert (await it.driver.status()).move_status is not MoveStatus.UNKNOWN
                took.append(time.monotonic() - started)
            assert sorted(took)[-2] < 0.1
            await asyncio.gather(*(driver.close() for driver in lost))
            results = await asyncio.gather(*connecting, return_exceptions=True)
        assert all(isinstance(result, Exception) for result in results)


async def test_moves_stops_and_questions_wait_in_no_thread(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        it.fault(black_hole=True)
        threads = threading.active_count()
        hanging = [
            asyncio.create_task(it.driver.continuous_move(_RIGHT, 5)),
            asyncio.create_task(it.driver.stop()),
            asyncio.create_task(it.driver.stop(1)),
            asyncio.create_task(it.driver.status()),
        ]
        await asyncio.sleep(0.3)
        assert threading.active_count() == threads
        assert not any(task.done() for task in hanging)
        started = time.monotonic()
        await it.driver.close()
        errors = await asyncio.gather(*hanging, return_exceptions=True)
        assert time.monotonic() - started < 0.5
        assert {getattr(error, "fault", None) for error in errors} == {CameraFault.UNREACHABLE}


async def test_the_connection_for_the_stop_is_there_before_it_is_needed(
    drivers: OnvifDrivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        await it.driver.continuous_move(_RIGHT, 5)
        await asyncio.sleep(0.1)
        opened: list[object] = []
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "create_connection", lambda *given, **_: opened.append(given))
        await it.driver.stop()
        assert opened == []
        assert await is_still(it)


async def test_a_camera_whose_clock_falls_back_is_stopped(drivers: OnvifDrivers) -> None:
    clock = _JumpingClock()
    async with bench(drivers, clock=clock) as it:
        await it.driver.connect()
        for jump_s in (0.0, -7200.0, 3600.0):
            await turning(it)
            await it.driver.stop()
            assert await is_still(it)
            await turning(it)
            clock.jump_s = jump_s
            await it.driver.stop()
            assert await is_still(it)
