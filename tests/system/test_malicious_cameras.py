"""Cameras that somebody took over: wherever they send us, nobody is ever called but the camera itself.

A canary listens where they point: on another address of this machine, at the camera's own port number. Loopback is
approved here, so the guard's rules on addresses would let the canary be called; what is proven is that nothing asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest

from camctl.egress import EgressPolicy, Site
from camctl.onvif.driver import OnvifDrivers
from camctl.ptz.model import Velocity
from camctl.ptz.ports import CameraFault
from tests.support.commands import street, wait_until
from tests.support.onvif_bench import DOCUMENTS, LOCAL, Bench, bench, fault_of
from tests.support.service import running, write_config

pytestmark = pytest.mark.system

ELSEWHERE = "127.0.0.2"


@pytest.fixture
async def drivers() -> AsyncIterator[OnvifDrivers]:
    made = OnvifDrivers(LOCAL, documents=DOCUMENTS)
    yield made
    await made.close()


@contextlib.asynccontextmanager
async def canary(*ports: int) -> AsyncIterator[list[bytes]]:
    """What was sent to these ports of the other address; a connection without a byte counts as well."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(b"connected")
        heard.append(await reader.read(4096))
        writer.close()

    servers = [await asyncio.start_server(listen, ELSEWHERE, port) for port in ports]
    try:
        yield heard
    finally:
        for server in servers:
            server.close()
            await server.wait_closed()


async def test_the_canary_hears() -> None:
    with socket.create_server((ELSEWHERE, 0)) as free:
        port = free.getsockname()[1]
    async with canary(port) as heard:
        _, writer = await asyncio.open_connection(ELSEWHERE, port)
        writer.write(b"hello")
        await writer.drain()
        writer.close()
        await asyncio.sleep(0)
        await writer.wait_closed()
        await asyncio.sleep(0.2)
    assert heard == [b"connected", b"hello"]


async def steers(it: Bench) -> None:
    await it.driver.continuous_move(Velocity(pan=0.5), 1)
    await it.until_moving(wanted=True)
    await it.driver.stop()
    await it.until_moving(wanted=False)


@pytest.mark.parametrize("quirk", ["xaddr-elsewhere", "xaddr-other-scheme", "stream-uri-elsewhere"])
async def test_an_address_elsewhere_is_read_as_the_cameras_own(drivers: OnvifDrivers, quirk: str) -> None:
    async with bench(drivers, quirk) as it, canary(it.running.port) as heard:
        facts = (await it.driver.connect()) if quirk != "xaddr-other-scheme" else None
        if facts is not None:
            assert facts.streams.main == "rtsp://127.0.0.1:8554/main"
            await steers(it)
        else:  # the path /etc/passwd, asked of the camera, which has none
            assert (await fault_of(it.driver.connect())).fault is CameraFault.PROTOCOL
    assert heard == []


async def test_a_stream_of_another_scheme_is_refused(drivers: OnvifDrivers) -> None:
    async with bench(drivers, "stream-uri-other-scheme") as it:
        error = await fault_of(it.driver.connect())
    assert error.fault is CameraFault.PROTOCOL
    assert "rtsp://" in error.detail


async def test_redirects_are_not_followed(drivers: OnvifDrivers) -> None:
    async with bench(drivers, "redirects-elsewhere") as it, canary(it.running.port) as heard:
        error = await fault_of(it.driver.connect())
    assert (error.fault, "redirects are not followed" in error.detail) == (CameraFault.PROTOCOL, True)
    assert heard == []


async def test_an_entity_bomb_is_no_answer_and_costs_nothing(drivers: OnvifDrivers) -> None:
    async with bench(drivers, "entity-bomb") as it:
        started = time.process_time()
        error = await fault_of(it.driver.connect())
    assert error.fault is CameraFault.PROTOCOL
    assert time.process_time() - started < 2.0


async def test_a_camera_behind_a_forwarded_port_cannot_send_us_to_ourselves() -> None:
    """Its services are said to be at another port of this machine, where we listen."""
    heard: list[bytes] = []

    async def listen(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(b"connected")
        writer.close()

    ours = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = ours.sockets[0].getsockname()[1]
    networks = (ip_network("127.0.0.0/8"),)
    try:
        for own, calls in ((frozenset({port}), 0), (frozenset[int](), 1)):
            drivers = OnvifDrivers(EgressPolicy(networks, own_ports=own), documents=DOCUMENTS)
            async with bench(drivers) as it:
                it.running.endpoint.onvif_port, real = port, it.running.port
                driver = drivers.create(f"http://127.0.0.1:{real}/onvif/device_service", "operator", "correct horse")
                await driver.connect()
                await driver.close()
                it.running.endpoint.onvif_port = real
            await drivers.close()
            assert (len(heard) > 0) is bool(calls), heard
    finally:
        ours.close()
        await ours.wait_closed()


async def test_a_name_that_changes_its_mind_is_called_where_it_was_judged(drivers: OnvifDrivers) -> None:
    """DNS rebinding: the name is the camera's when it is judged, and another machine's from then on."""
    asked: list[str] = []

    def rebinding(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else [ELSEWHERE]

    async with bench(drivers) as it, canary(it.running.port) as heard:
        url = f"http://cam.example:{it.running.port}/onvif/device_service"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("camctl.egress.system_resolve", rebinding)
            patch.setattr("socket.getaddrinfo", _only_addresses(socket.getaddrinfo))
            driver = drivers.create(url, "operator", "correct horse")
            facts = await driver.connect()
            await driver.continuous_move(Velocity(pan=0.5), 1)
            await it.until_moving(wanted=True)
            await driver.stop()
            await it.until_moving(wanted=False)
            await driver.close()
    assert asked == ["cam.example"]
    assert facts.streams.main.startswith("rtsp://127.0.0.1:")
    assert heard == []


def _only_addresses(real: object) -> object:
    """getaddrinfo as asyncio and http.client use it for literal addresses; a name there was never judged."""

    def look_up(host: object, *args: object, **named: object) -> object:
        socket.inet_pton(socket.AF_INET, str(host))
        return real(host, *args, **named)  # type: ignore[operator]

    return look_up


def test_a_service_among_malicious_cameras(tmp_path: Path) -> None:
    """All of them beside a good one, through the whole service: it lives, they are explained, nobody else is called."""
    quirks = ("", "xaddr-elsewhere", "stream-uri-elsewhere", "redirects-elsewhere", "entity-bomb")
    account = {"username": "admin", "password": "rahasia-1"}
    simulated = [{"name": each or "good", "quirks": [each] if each else [], **account} for each in quirks]
    with street(tmp_path, simulated) as cameras:
        items = [
            {"id": each or "good", "name": each or "good", "area": "31.71.07", "onvif": camera["onvif_url"], **account}
            for each, camera in zip(quirks, cameras, strict=True)
        ]
        ports = [httpx.URL(camera[key]).port for camera in cameras for key in ("onvif_url", "rtsp_url")]
        with contextlib.ExitStack() as stack:
            traps = [stack.enter_context(socket.create_server((ELSEWHERE, port or 0))) for port in ports]
            config = write_config(tmp_path, items)
            people = {"budi": ["--role", "operator", "--area", "31"]}
            service = stack.enter_context(running(tmp_path, config, people))
            client = stack.enter_context(service.client("budi"))

            def states() -> dict[str, str]:
                return {item["id"]: item["state"] for item in client.get("/cameras").json()["items"]}

            wanted = dict.fromkeys(("good", "xaddr-elsewhere", "stream-uri-elsewhere"), "live")
            wanted |= dict.fromkeys(("redirects-elsewhere", "entity-bomb"), "offline")
            wait_until(lambda: states() == wanted, 30, lambda: str(states()))
            for each in ("good", "stream-uri-elsewhere"):
                assert client.get(f"/cameras/{each}/snapshot.jpg").status_code == 200
            for trap in traps:
                trap.setblocking(False)
                with pytest.raises(BlockingIOError):
                    trap.accept()


async def test_a_camera_of_one_site_is_never_looked_for_in_the_network_of_another(drivers: OnvifDrivers) -> None:
    """All of loopback is approved for others; its name is its own machine's at first and a neighbour's afterwards."""
    answers = [["127.0.0.1"], [ELSEWHERE]]
    site = Site(("127.0.0.1/32",), "cameras.sites[0].networks")
    async with bench(drivers) as it, canary(it.running.port) as heard:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("camctl.egress.system_resolve", lambda _host: answers.pop(0))
            url = f"http://cam.example:{it.running.port}/onvif/device_service"
            driver = drivers.create(url, "operator", "correct horse", site=site)
            await driver.connect()
            error = await fault_of(driver.connect())
            await driver.close()
    assert (error.fault, answers) == (CameraFault.UNREACHABLE, [])
    assert "cameras.sites[0].networks" in error.detail
    assert heard == []


def test_a_service_keeps_its_cameras_to_their_sites(tmp_path: Path) -> None:
    """ONVIF and a plain feed, configured at an address that is another site's."""
    with socket.create_server((ELSEWHERE, 0)) as trap:
        there = f"{ELSEWHERE}:{trap.getsockname()[1]}"
        place = {"area": "31.71.07", "owner": "PT A"}
        items = [
            {"id": "onvif", "name": "onvif", "onvif": f"http://{there}/onvif/device_service", **place},
            {"id": "feed", "name": "feed", "rtsp": {"main": f"rtsp://{there}/main"}, **place},
        ]
        sites = [{"owner": "PT A", "networks": ["127.0.0.1/32"]}, {"owner": "PT B", "networks": [f"{ELSEWHERE}/32"]}]
        config = write_config(tmp_path, items, cameras={"approved_networks": [], "sites": sites})
        people = {"budi": ["--role", "operator", "--area", "31"]}
        with running(tmp_path, config, people) as service, service.client("budi") as client:

            def said() -> str:
                return client.get("/cameras/onvif").text

            wait_until(lambda: "cameras.sites[0].networks" in said(), 20, said)
            refused = client.get("/cameras/feed/snapshot.jpg")
            assert refused.status_code >= 400
            assert "cameras.sites[0].networks" in refused.text
        trap.setblocking(False)
        with pytest.raises(BlockingIOError):
            trap.accept()
