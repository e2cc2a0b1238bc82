"""The ONVIF driver against simulated cameras over real sockets: what it finds out, moves, stops, and survives."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import pytest

from camctl.egress import EgressPolicy
from camctl.onvif.driver import OnvifDrivers
from camctl.ptz.model import MoveStatus, Position, Velocity
from camctl.ptz.ports import CameraFault
from tests.support.onvif_bench import DOCUMENTS, LOCAL, bench, fault_of
from tests.support.ports import free_tcp_port
from tests.support.rtsp_kit import until
from tests.support.sim_onvif_kit import PASSWORD, USERNAME

pytestmark = pytest.mark.system

_RIGHT = Velocity(pan=0.5)


@pytest.fixture
async def drivers() -> AsyncIterator[OnvifDrivers]:
    made = OnvifDrivers(LOCAL, DOCUMENTS)
    yield made
    await made.close()


async def test_connect_finds_out_what_the_camera_can_do(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        facts = await it.driver.connect()
    abilities = facts.abilities
    assert facts.manufacturer
    assert facts.model
    assert facts.firmware
    assert abilities.pan_tilt
    assert abilities.zoom
    assert abilities.absolute
    assert abilities.relative
    assert abilities.home
    assert abilities.presets
    assert abilities.status_position
    assert facts.streams.main.startswith("rtsp://127.0.0.1:8554/")
    assert facts.streams.sub is not None
    assert facts.streams.sub != facts.streams.main
    assert abs(facts.clock_offset_s) < 1.5


async def test_a_camera_without_ptz_is_view_only(drivers: OnvifDrivers) -> None:
    async with bench(drivers, steerable=False) as it:
        facts = await it.driver.connect()
        assert not facts.abilities.can_steer
        assert facts.streams.main
        error = await fault_of(it.driver.continuous_move(_RIGHT, 1))
    assert error.fault is CameraFault.UNSUPPORTED


async def test_it_turns_says_so_and_stops(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        before = await it.driver.status()
        await it.driver.continuous_move(_RIGHT, 5)
        await asyncio.sleep(0.3)
        during = await it.driver.status()
        assert during.move_status is MoveStatus.MOVING
        await it.driver.stop()
        await it.until_moving(wanted=False)
        after = await it.driver.status()
        assert after.move_status is MoveStatus.IDLE
    assert before.position.pan is not None
    assert after.position.pan is not None
    assert after.position.pan > before.position.pan


async def test_a_change_of_direction_stops_the_axis_that_is_let_go(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        await it.driver.continuous_move(Velocity(zoom=0.2), 5)
        await it.driver.continuous_move(Velocity(pan=0.5), 5)
        await asyncio.sleep(0.5)
        zoom = it.simulated.status().position.zoom
        await asyncio.sleep(0.2)
        assert it.simulated.status().position.zoom == zoom
        assert it.is_moving
        await it.driver.stop()


async def test_the_camera_stops_by_itself_after_the_timeout(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        await it.driver.continuous_move(_RIGHT, 1)
        await it.until_moving(wanted=True)
        await it.until_moving(wanted=False, within_s=1.6)


async def test_a_camera_that_ignores_timeouts_is_stopped(drivers: OnvifDrivers) -> None:
    async with bench(drivers, "ignores-timeout") as it:
        await it.driver.connect()
        await it.driver.continuous_move(Velocity(pan=0.2), 1)
        await asyncio.sleep(1.5)
        assert it.is_moving
        await it.driver.stop()
        await it.until_moving(wanted=False)


@pytest.mark.parametrize(
    "quirks",
    [
        ("stop-unimplemented",),
        ("stop-needs-axes",),
        ("stop-refuses-both",),
        ("stop-refuses-addressing",),
        ("zero-velocity-ignored",),
        ("timeout-rejected",),
        ("timeout-range-zero",),
        ("fractional-timeout-crash",),
        ("pantilt-zoom-together-refused",),
        ("no-zoom-element",),
        ("omitted-axis-stops",),
        ("space-required",),
        ("space-refused",),
        ("ranges-of-100",),
        ("no-nodes",),
        ("status-without-position",),
        ("status-without-zoom",),
        ("movestatus-stuck",),
        ("movestatus-bare",),
        ("presets-without-token",),
        ("presets-of-255",),
        ("no-getservices",),
        ("capabilities-none",),
        ("ptz-missing-in-capabilities",),
        ("profile-without-ptz",),
        ("xaddr-wrong-host",),
        ("xaddr-wrong-port",),
        ("xaddr-relative",),
        ("stream-uri-wrong-host",),
        ("clock-skew",),
        ("time-without-utc",),
        ("auth-on-time",),
        ("http-digest-only",),
        ("http-digest-only", "nonce-once"),
        ("closes-connection",),
        ("invalid-utf8",),
        ("stop-unimplemented", "space-required", "timeout-range-zero"),
    ],
    ids="+".join,
)
async def test_it_steers_and_stops_in_spite_of(drivers: OnvifDrivers, quirks: tuple[str, ...]) -> None:
    async with bench(drivers, *quirks) as it:
        facts = await it.driver.connect()
        assert facts.abilities.pan_tilt
        before_deg = it.pan_deg
        await it.driver.continuous_move(_RIGHT, 2)
        await it.until_moving(wanted=True)
        await asyncio.sleep(0.2)
        await it.driver.stop()
        await it.until_moving(wanted=False, within_s=0.8)
        assert it.pan_deg > before_deg + 1
        status = await it.driver.status()
        if status.position.pan is not None:
            assert -1 <= status.position.pan <= 1


@pytest.mark.parametrize("quirk", ["no-nodes", "ranges-of-100", "space-required", "pantilt-zoom-together-refused"])
async def test_it_zooms_in_spite_of(drivers: OnvifDrivers, quirk: str) -> None:
    async with bench(drivers, quirk) as it:
        assert (await it.driver.connect()).abilities.zoom
        await it.driver.continuous_move(Velocity(zoom=1.0), 5)
        await asyncio.sleep(0.4)
        await it.driver.stop()
        await it.until_moving(wanted=False)
        assert (it.simulated.status().position.zoom or 0.0) > 0.02


@pytest.mark.parametrize("quirk", ["gotopreset-speed-refused", "setpreset-token-refused", "invalid-utf8"])
async def test_presets_in_spite_of(drivers: OnvifDrivers, quirk: str) -> None:
    async with bench(drivers, quirk) as it:
        await it.driver.connect()
        token = await it.driver.set_preset("Gerbang")
        await it.driver.goto_preset(token)
        assert token in [preset.token for preset in await it.driver.presets()]


async def test_of_255_presets_only_those_with_a_name_are_shown(drivers: OnvifDrivers) -> None:
    async with bench(drivers, "presets-of-255") as it:
        await it.driver.connect()
        presets = await it.driver.presets()
        assert 1 <= len(presets) < 64
        assert all(preset.name for preset in presets)


async def test_presets(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        names = [preset.name for preset in await it.driver.presets()]
        assert "Monas" in names
        token = await it.driver.set_preset("Gerbang baru")
        assert ("Gerbang baru", token) in [(preset.name, preset.token) for preset in await it.driver.presets()]
        there = it.pan_deg
        await it.driver.continuous_move(_RIGHT, 2)
        await asyncio.sleep(0.4)
        await it.driver.stop()
        await it.until_moving(wanted=False)
        await it.driver.goto_preset(token)
        await it.until_moving(wanted=True)
        await it.until_moving(wanted=False)
        assert it.pan_deg == pytest.approx(there, abs=0.5)
        await it.driver.remove_preset(token)
        assert token not in [preset.token for preset in await it.driver.presets()]
        assert (await fault_of(it.driver.goto_preset(token))).fault is CameraFault.REFUSED


async def test_home_absolute_and_relative(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        await it.driver.absolute_move(Position(pan=0.2))
        await it.until_moving(wanted=True)
        await it.until_moving(wanted=False, within_s=5)
        position = (await it.driver.status()).position
        assert position.pan == pytest.approx(0.2, abs=0.01)
        await it.driver.set_home()
        home_deg = it.pan_deg
        await it.driver.relative_move(-0.1, 0.0, 0.0)
        await it.until_moving(wanted=True)
        await it.until_moving(wanted=False, within_s=5)
        assert it.pan_deg < home_deg - 1
        await it.driver.goto_home()
        await it.until_moving(wanted=True)
        await it.until_moving(wanted=False, within_s=5)
        assert it.pan_deg == pytest.approx(home_deg, abs=0.5)


async def test_a_key_frame_can_be_asked_for(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        streams = {"main": it.simulated.main, "sub": it.simulated.sub}
        taken: list[tuple[str, bool]] = []
        shares = [
            stream.subscribe(lambda unit, name=name: taken.append((name, unit.is_key)))  # type: ignore[misc]
            for name, stream in streams.items()
        ]
        await until(lambda: {("main", False), ("sub", False)} <= set(taken), 10)
        del taken[:]
        await it.driver.request_key_frame("main")
        await until(lambda: ("main", True) in taken)
        assert ("sub", True) not in taken, "nobody asked for that"
        for share in shares:
            share.close()


@pytest.mark.parametrize("quirks", [(), ("auth-failure-html",), ("auth-failure-500",), ("http-digest-only",)])
async def test_a_wrong_password_is_said_and_shown_nowhere(
    drivers: OnvifDrivers, quirks: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "s3cret-that-is-wrong"
    caplog.set_level(logging.DEBUG)
    async with bench(drivers, *quirks, password=wrong) as it:
        error = await fault_of(it.driver.connect())
        assert error.fault is CameraFault.BAD_CREDENTIALS
        assert wrong not in f"{error!r} {error} {it.driver!r} {drivers!r} {vars(error)}"
    assert wrong not in caplog.text


async def test_a_wrong_password_does_not_lock_the_account(drivers: OnvifDrivers) -> None:
    async with bench(drivers, "locks-account", password="wrong") as it:
        for _ in range(2):
            assert (await fault_of(it.driver.connect())).fault is CameraFault.BAD_CREDENTIALS
        right = drivers.create(f"{it.running.url}/onvif/device_service", USERNAME, PASSWORD)
        await right.connect()
        await right.close()


async def test_a_camera_that_is_off(drivers: OnvifDrivers) -> None:
    driver = drivers.create(f"http://127.0.0.1:{free_tcp_port()}/onvif/device_service", USERNAME, PASSWORD)
    started = time.monotonic()
    error = await fault_of(driver.connect())
    assert error.fault is CameraFault.UNREACHABLE
    assert time.monotonic() - started < 1.0
    assert (await fault_of(driver.stop())).fault is CameraFault.UNREACHABLE
    await driver.close()


async def test_a_camera_that_comes_back(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        it.fault(http_status=503)
        assert (await fault_of(it.driver.connect())).fault is CameraFault.PROTOCOL
        it.fault(http_status=None)
        assert (await it.driver.connect()).abilities.can_steer


async def test_the_wrong_port_is_no_camera(drivers: OnvifDrivers) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        driver = drivers.create(f"http://127.0.0.1:{port}/", USERNAME, PASSWORD)
        assert (await fault_of(driver.connect())).fault in {CameraFault.PROTOCOL, CameraFault.UNREACHABLE}
        await driver.close()


async def test_an_address_outside_the_approved_networks() -> None:
    drivers = OnvifDrivers(EgressPolicy(()))
    driver = drivers.create("http://127.0.0.1:9/onvif/device_service", USERNAME, PASSWORD)
    error = await fault_of(driver.connect())
    assert error.fault is CameraFault.UNREACHABLE
    assert "cameras.approved_networks" in error.detail
    await drivers.close()


async def test_garbage_instead_of_soap(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        it.fault(soap_garbage=True)
        assert (await fault_of(it.driver.status())).fault is CameraFault.PROTOCOL
        it.fault(soap_garbage=False)
        await it.driver.status()


async def test_a_camera_that_does_not_answer_any_more(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        it.fault(black_hole=True)
        started = time.monotonic()
        assert (await fault_of(it.driver.stop())).fault is CameraFault.TIMEOUT
        assert time.monotonic() - started < 3.0


async def test_stop_goes_out_beside_a_hanging_move(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        await it.driver.continuous_move(_RIGHT, 10)
        await it.until_moving(wanted=True)
        it.fault(delay_s=3.0)
        hanging = asyncio.create_task(it.driver.status())
        await asyncio.sleep(0.2)  # it has arrived and waits out its delay
        it.fault(delay_s=0.0)
        started = time.monotonic()
        await it.driver.stop()
        assert time.monotonic() - started < 0.5
        assert not hanging.done()
        await it.until_moving(wanted=False)
        await hanging


async def test_a_move_that_waited_for_its_turn_does_not_go_out_after_a_stop(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        it.fault(delay_s=1.0)
        hanging = asyncio.create_task(it.driver.continuous_move(Velocity(), 5))
        await asyncio.sleep(0.2)
        it.fault(delay_s=0.0)
        waiting = [
            asyncio.create_task(it.driver.continuous_move(_RIGHT, 5)),
            asyncio.create_task(it.driver.goto_preset("3")),
            asyncio.create_task(it.driver.absolute_move(Position(pan=0.5, tilt=0.0))),
        ]
        await asyncio.sleep(0.05)
        await it.driver.stop()
        await hanging
        for each in waiting:
            assert (await fault_of(each)).fault is CameraFault.REFUSED
        await asyncio.sleep(0.2)
        assert not it.is_moving


async def test_a_cancelled_call_gives_the_turn_back(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        it.fault(delay_s=3.0)
        hanging = asyncio.create_task(it.driver.status())
        await asyncio.sleep(0.2)
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        it.fault(delay_s=0.0)
        async with asyncio.timeout(2):
            await it.driver.status()


async def test_close_twice(drivers: OnvifDrivers) -> None:
    async with bench(drivers) as it:
        await it.driver.connect()
        await it.driver.close()
        await it.driver.close()
