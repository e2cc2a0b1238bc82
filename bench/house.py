"""The real service as `camctl serve` runs it, with the cameras that a benchmark needs, on free ports of 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

from auth.service import AuthService
from bench.program import Program, ProgramError, free_port
from bench.usage import below
from camctl.config import load
from camctl.groundwork import auth_service, open_people
from camctl.store.engine import Store

_READY_S = 40.0
_AREA = "31.71.07.1002"
_USER, _PASSWORD = "bench", "not-a-secret-here"


@dataclass(frozen=True, slots=True)
class SimulatedCamera:
    """A camera of the simulated street, and the account on it."""

    onvif_url: str
    rtsp_url: str
    username: str = _USER
    password: str = _PASSWORD

    @property
    def rtsp_login_url(self) -> str:
        """The stream's address with the account in it, as foreign players take it."""
        return self.rtsp_url.replace("rtsp://", f"rtsp://{self.username}:{self.password}@", 1)

    def item(self, onvif_url: str | None = None) -> dict[str, Any]:
        """The camera in the service's configuration, reached at `onvif_url` if that is another one."""
        account = {"username": self.username, "password": self.password}
        return {"id": "cam", "name": "Camera", "area": _AREA, "onvif": onvif_url or self.onvif_url, **account}


def feed_item(rtsp_url: str, camera_id: str = "cam") -> dict[str, Any]:
    """A plain RTSP camera in the service's configuration; an account in the address is given beside it."""
    parts = urlsplit(rtsp_url)
    address = parts._replace(netloc=f"{parts.hostname}:{parts.port}").geturl()
    account = {"username": parts.username, "password": parts.password} if parts.username else {}
    return {"id": camera_id, "name": "Feed", "area": _AREA, "rtsp": {"main": address}, **account}


@dataclass(frozen=True, slots=True)
class House:
    """A running service; `token` is an operator's, `config` its configuration's file."""

    url: str
    token: str
    pid: int
    config: Path

    @property
    def api(self) -> str:
        """Where the API is."""
        return f"{self.url}/api/v1"

    @property
    def camera(self) -> str:
        """The camera named "cam" in the API."""
        return f"{self.api}/cameras/cam"

    @property
    def headers(self) -> dict[str, str]:
        """What every request needs."""
        return {"Authorization": f"Bearer {self.token}"}

    def media_workers(self) -> list[int]:
        """The processes that relay video."""
        return below(self.pid, "streams.worker")

    def people(self) -> AbstractAsyncContextManager[tuple[AuthService, Store]]:
        """Its people's database, opened beside it as the command line does."""
        return _people(self.config)


@asynccontextmanager
async def simulated_camera(folder: Path, **settings: object) -> AsyncIterator[SimulatedCamera]:
    """One simulated camera, with the simulator's own defaults but for `settings`."""
    street, ready = folder / "street.yaml", folder / "street.json"
    account = {"username": _USER, "password": _PASSWORD}
    ports = {"first_onvif_port": 0, "first_rtsp_port": 0}
    street.write_text(yaml.safe_dump({**ports, "cameras": [{"name": "Bench", **account, **settings}]}))
    argv = [sys.executable, "-m", "simulators", str(street), "--ready-file", str(ready), "--lifeline-fd", "0"]
    async with await Program.start("simulators", argv, folder) as program:
        await _until(ready.exists, program)
        found = json.loads(ready.read_text())["cameras"][0]
        yield SimulatedCamera(found["onvif_url"], found["rtsp_url"])


@asynccontextmanager
async def house(
    items: Sequence[dict[str, Any]],
    folder: Path,
    *,
    core: int | None = None,
    host: str = "127.0.0.1",
    networks: Sequence[str] = (),
    dark: Collection[str] = (),
    server: Mapping[str, object] | None = None,
    **media: object,
) -> AsyncIterator[House]:
    """The service with these cameras, ready when all of them are live but those named in `dark`.

    It listens on `host`; `networks` are where cameras may be, beside this machine; `server` and `media` are keys of the
    configuration's sections of that name.
    """
    port = free_port()
    folder = folder / f"house-{port}"  # a benchmark may start several, one after the other
    folder.mkdir()
    config = {
        "server": {"host": host, "port": port, **(server or {})},
        "media": {
            "udp_host": "127.0.0.1", "advertise": ["127.0.0.1"], "sessions_per_person": 2000,
            "sessions_per_worker": 2000, "udp_port": free_port(socket.SOCK_DGRAM), "workers": 1, **media,
        },
        "control": {"journal": str(folder / "control.journal")},
        "audit": {"folder": str(folder / "audit")},
        "store": {"url": f"sqlite:///{folder / 'camctl.db'}"},
        "log": {"level": "warning"},
        "cameras": {"approved_networks": ["127.0.0.0/8", *networks], "items": list(items)},
    }  # fmt: skip
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    token = await _operator(path)
    argv = [sys.executable, "-m", "camctl", "serve", "--config", str(path), "--lifeline-fd", "0"]
    async with await Program.start("camctl", argv, folder, core=core) as program:
        running = House(f"http://127.0.0.1:{port}", token, program.pid, path)
        async with httpx.AsyncClient(headers=running.headers, timeout=5) as client:
            await _until_live(client, running, program, {each["id"] for each in items if "onvif" in each} - set(dark))
        # The spare worker comes some seconds later, and would look like memory of the viewers who come meanwhile.
        workers = int(str(media.get("workers", 1)))
        await _until(lambda: len(running.media_workers()) > workers, program)
        yield running


@asynccontextmanager
async def _people(path: Path) -> AsyncIterator[tuple[AuthService, Store]]:
    config = await asyncio.to_thread(load, path)
    store = await asyncio.to_thread(open_people, config)
    auth = auth_service(config, store)
    try:
        yield auth, store
    finally:
        await auth.close()
        store.close()


async def _operator(path: Path) -> str:
    """An operator of the whole city in the service's database; returns a bearer token."""
    async with _people(path) as (auth, _):
        await auth.create_person(_USER, _PASSWORD, role="operator", areas=["31"], display_name="Bench", organisation="")
        return await auth.issue_token(_USER, datetime.now(UTC) + timedelta(hours=1), "bench")


async def _until_live(client: httpx.AsyncClient, running: House, program: Program, wanted: set[str]) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        program.check()
        missing = set(wanted)
        with contextlib.suppress(httpx.TransportError):
            ready = (await client.get(f"{running.url}/readyz")).status_code == httpx.codes.OK
            found = (await client.get(f"{running.api}/cameras", params={"limit": 1000})).json() if ready else {}
            missing -= {each["id"] for each in found.get("items", []) if each["state"] == "live"}
            if ready and not missing:
                return
        if time.monotonic() > deadline:
            raise ProgramError(f"the service was not ready within {_READY_S:g} s; not live: {sorted(missing)[:9]}")
        await asyncio.sleep(0.1)


async def _until(condition: Callable[[], bool], program: Program) -> None:
    deadline = time.monotonic() + _READY_S
    while not condition():
        program.check()
        if time.monotonic() > deadline:
            raise ProgramError(f"{program.name} was not ready within {_READY_S:g} s")
        await asyncio.sleep(0.05)
