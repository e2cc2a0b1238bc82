"""The configuration of a running service says that a camera is for emergencies only: what ran on it ends at once."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from streams.errors import StreamError
from streams.rtp.frames import AccessUnit
from streams.rtsp.client import RtspClient
from tests.support.commands import ROOT, camctl_here, said, street, wait_until
from tests.support.ports import free_tcp_port
from tests.support.service import Service, running, write_config

pytestmark = pytest.mark.system

CAMERA, OTHER = "pintu-air", "taman"
ACCOUNT = {"username": "camctl", "password": "rahasia-kamera-1"}
PEOPLE = {
    "budi": ["--role", "operator", "--area", "31"],
    "dewi": ["--role", "partner", "--area", "31", "--organisation", "PT Contoh"],
}
WITHIN_S = 1.0


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with street(tmp_path, [{"name": "Pintu air", **ACCOUNT}, {"name": "Taman", **ACCOUNT}]) as simulated:
        cameras = [
            {"id": id_, "name": id_, "area": "31.71.07.1002", "owner": "PT Contoh", "onvif": each["onvif_url"],
             **ACCOUNT}
            for id_, each in zip((CAMERA, OTHER), simulated, strict=True)
        ]  # fmt: skip
        restream = {"enabled": True, "host": "127.0.0.1", "port": free_tcp_port()}
        with running(tmp_path, write_config(tmp_path, cameras, restream=restream), PEOPLE) as service:
            with service.client("budi") as client:
                for id_ in (CAMERA, OTHER):
                    path = f"/cameras/{id_}"
                    wait_until(lambda path=path: client.get(path).json()["steerable"], 20.0, service.log.read_text)
            yield service


def edit(service: Service, text: Callable[[dict[str, Any]], str]) -> None:
    """Write the configuration anew and tell the service, as `systemctl reload` does."""
    service.config.write_text(text(yaml.safe_load(service.config.read_text())))
    os.kill(service.pid, signal.SIGHUP)


def shut(config: dict[str, Any]) -> str:
    config["cameras"]["items"][0] |= {"emergency_only": True}
    config["media"]["linger_s"] = 3.0  # waits for the next start
    return yaml.safe_dump(config)


@asynccontextmanager
async def feed(service: Service, username: str, ended: dict[str, float], camera: str = CAMERA) -> AsyncIterator[None]:
    """Somebody watches; when that ends it is in `ended`."""
    url = f"{service.api.replace('http', 'ws', 1)}/cameras/{camera}/feed"
    began = asyncio.Event()

    async def read(socket: ClientConnection) -> None:
        try:
            while True:
                if isinstance(await socket.recv(), bytes):
                    began.set()
        except ConnectionClosed:
            ended[f"{username} at {camera}"] = time.monotonic()

    async with connect(url, additional_headers=service.headers(username), max_size=None) as socket:
        reading = asyncio.create_task(read(socket))
        await asyncio.wait_for(began.wait(), 10.0)
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.wait({reading})


@asynccontextmanager
async def recorder(service: Service, username: str, secret: str, ended: dict[str, float]) -> AsyncIterator[None]:
    """A recorder pulls the camera for somebody."""
    port = yaml.safe_load(service.config.read_text())["restream"]["port"]
    client = RtspClient(f"rtsp://127.0.0.1:{port}/{CAMERA}/main", "127.0.0.1", f"nvr-{username}", secret)
    units: list[AccessUnit] = []

    async def play() -> None:
        try:
            await client.play(units.append)
        except StreamError:
            ended[f"recorder of {username}"] = time.monotonic()

    await client.open()
    playing = asyncio.create_task(play())
    async with asyncio.timeout(10.0):
        while not units:  # noqa: ASYNC110  a list
            await asyncio.sleep(0.02)
    try:
        yield
    finally:
        await client.close()
        await playing


async def lease_ended_s(client: httpx.AsyncClient) -> float:
    async with asyncio.timeout(5.0):
        while (await client.get(f"/cameras/{CAMERA}/control")).json()["holder"] is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return time.monotonic()


async def test_a_camera_that_is_shut_in_the_configuration_is_cut_within_a_second(service: Service) -> None:
    secrets = {
        name: await asyncio.to_thread(service.user, "restream", "add", name, "--name", f"nvr-{name}") for name in PEOPLE
    }
    await asyncio.sleep(1.0)  # as long as a running service takes at most to hear of the accounts
    ended: dict[str, float] = {}
    options = {"base_url": service.api, "timeout": 20}
    async with (
        httpx.AsyncClient(headers=service.headers("budi"), **options) as budi,
        httpx.AsyncClient(headers=service.headers("dewi"), **options) as dewi,
        recorder(service, "budi", secrets["budi"], ended),
        recorder(service, "dewi", secrets["dewi"], ended),
        feed(service, "budi", ended),
        feed(service, "dewi", ended),
        feed(service, "budi", ended, OTHER),
    ):
        took = await budi.post(f"/cameras/{CAMERA}/ptz/move", json={"pan": 0.5, "hold_ms": 2000})
        assert took.status_code == 202, took.text
        asked_s = time.monotonic()
        edit(service, shut)
        ended["lease"] = await lease_ended_s(dewi)
        await asyncio.sleep(1.5)
        assert set(ended) == {"lease", f"budi at {CAMERA}", "recorder of budi"}, service.log.read_text()
        assert {what: at - asked_s for what, at in ended.items() if at - asked_s > WITHIN_S} == {}
        refused = await budi.post(f"/cameras/{CAMERA}/control/take")
        assert (refused.status_code, refused.json()["why"]) == (403, "emergency")
        assert (await budi.get(f"/cameras/{CAMERA}/snapshot.jpg")).status_code == 403
        assert (await dewi.get(f"/cameras/{CAMERA}/snapshot.jpg")).status_code == 200

        # A configuration with a fault changes nothing, and the log says what is wrong.
        edit(service, lambda config: yaml.safe_dump(config).replace("emergency_only: true", "emergency_only: maybe"))
        wait_until(lambda: "emergency_only: Input should be" in service.log.read_text(), 5.0, service.log.read_text)
        assert (await budi.post(f"/cameras/{CAMERA}/control/take")).status_code == 403
    log = service.log.read_text()
    assert "takes effect at the next start: media.linger_s" in log
    export = said(await asyncio.to_thread(camctl_here, "audit", "export", "--config", str(write_back(service))))
    rows = [row for line in export.splitlines() if (row := json.loads(line)).get("action") == "camera-change"]
    assert [(row["camera"], row["actor_id"]) for row in rows] == [(CAMERA, "service")]
    assert "emergency_only_to" in json.dumps(rows[0])


def write_back(service: Service) -> Path:
    """The configuration without its fault, for commands that read it."""
    service.config.write_text(service.config.read_text().replace("emergency_only: maybe", "emergency_only: true"))
    return service.config


@pytest.mark.parametrize("is_under_nohup", [False, True])
def test_a_service_ends_with_the_terminal_that_it_was_started_from_unless_nohup_says_otherwise(
    tmp_path: Path, *, is_under_nohup: bool
) -> None:
    config = write_config(tmp_path)
    port = yaml.safe_load(config.read_text())["server"]["port"]
    log = tmp_path / "service.log"
    pid, terminal = pty.fork()
    if pid == 0:
        # Said here, because it is inherited: the tests themselves may run under nohup.
        signal.signal(signal.SIGHUP, signal.SIG_IGN if is_under_nohup else signal.SIG_DFL)
        out = os.open(log, os.O_WRONLY | os.O_CREAT)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "camctl", "serve", "--config", str(config)])

    def is_ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def was_read(times: int) -> Callable[[], bool]:
        return lambda: log.read_text().count("the configuration was read again") == times

    wait_until(is_ready, 60.0, log.read_text)
    os.kill(pid, signal.SIGHUP)  # somebody asks for the configuration, and the terminal is there
    wait_until(was_read(1), 5.0, log.read_text)
    os.close(terminal)
    if is_under_nohup:
        wait_until(was_read(2), 5.0, log.read_text)
        assert is_ready()
        os.kill(pid, signal.SIGTERM)
    ends_s = time.monotonic() + 15.0
    while (done := os.waitpid(pid, os.WNOHANG)) == (0, 0) and time.monotonic() < ends_s:
        time.sleep(0.05)
    if done == (0, 0):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert done == (pid, 0), log.read_text()
