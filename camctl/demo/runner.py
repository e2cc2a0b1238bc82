"""Runs the demo: starts the street and the service, says where they are, and ends everything together."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import secrets
import signal
import socket
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from auth.service import AuthService
from camctl.config import parse
from camctl.demo import plan
from camctl.demo.poster import print_poster
from camctl.errors import CamctlError, ConfigError, PortInUseError
from camctl.groundwork import auth_service, open_people
from camctl.store.engine import COMMAND_PATIENCE_S, open_store
from camctl.store.patrols import PatrolStore
from camctl.supervisor import stop_on_signals

READY_S = 60.0
_END_S = 10.0
_TOKEN_DAYS = 365


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line chose."""

    cameras: int
    port: int
    udp_port: int
    feeds: Sequence[str]
    quirks: Sequence[str]
    ready_file: Path | None
    log_level: str


class DemoError(CamctlError):
    """A part of the demo did not start, or ended."""


class Child:
    """A process of the demo in a group of its own, which ends when the demo does, however that ends."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, lifeline: int) -> None:
        self.name = name
        self.process = process
        self._lifeline = lifeline

    @classmethod
    async def start(cls, name: str, *arguments: str) -> Child:
        """Run `python -m ARGUMENTS --lifeline-fd N`."""
        ours, theirs = os.pipe()
        # The child holds the read end: it sees end-of-file when we are gone, even by SIGKILL.
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *arguments, "--lifeline-fd", str(ours),
                pass_fds=(ours,), stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(ours)
        return cls(name, process, theirs)

    async def end(self) -> None:
        """SIGTERM, then SIGKILL; returns when it is gone."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_END_S):
                    await self.process.wait()
            except TimeoutError:
                sys.stderr.write(f"camctl demo: {self.name} did not end by itself and was killed\n")
                with contextlib.suppress(ProcessLookupError):
                    self.process.kill()
                await self.process.wait()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1


class Demo:
    """One run of the demo."""

    def __init__(self, options: DemoOptions, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._street_ready = folder / "street.json"
        self._store_url = f"sqlite:///{folder / 'camctl.db'}"
        self._children: list[Child] = []
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Start everything, say so, and wait for Ctrl-C.

        Raises:
            CamctlError: a part did not start, or ended by itself.
        """
        stop_on_signals(self._stop.set)
        try:
            # Processes begin as early as they can: while the street draws its first pictures, passwords are hashed.
            cameras = await self._begin_street() if self._options.cameras else []
            people = await self._create_people(await self._write_config([]))
            street = await self._street(cameras) if cameras else []
            if self._stop.is_set():
                return
            items = plan.camera_items(street, self._options.feeds)
            config = await self._write_config(items)
            await asyncio.to_thread(self._create_patrols, len(street))
            service = await self._start("the service", "camctl", "serve", "--config", str(config))
            url = f"http://localhost:{self._options.port}"
            await self._unless_stopped(self._wait_until_ready(url, people[0]["token"], len(street)))
            if self._stop.is_set():
                return
            ready = self._ready(url, service, street, items, people)
            if self._options.ready_file is not None:
                _write_atomically(self._options.ready_file, json.dumps(ready, indent=2))
            print_poster(ready)
            await self._unless_stopped(asyncio.Event().wait())
        finally:
            for child in reversed(self._children):
                await child.end()

    async def _start(self, name: str, *arguments: str) -> Child:
        child = await Child.start(name, *arguments)
        self._children.append(child)
        return child

    async def _unless_stopped(self, work: Awaitable[object]) -> None:
        """Do `work` until it is done or Ctrl-C; a child that ends meanwhile ends the demo with its reason."""
        tasks: dict[asyncio.Future[object], Child | None] = {
            asyncio.ensure_future(work): None,
            asyncio.ensure_future(self._stop.wait()): None,
            **{asyncio.ensure_future(child.process.wait()): child for child in self._children},
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                child = tasks[task]
                if child is not None and not self._stop.is_set():
                    raise _ended(child)
                task.result()
        finally:
            for task in tasks:
                task.cancel()

    async def _begin_street(self) -> list[dict[str, Any]]:
        """Start the simulated cameras; what they were told."""
        path = self._folder / "street.yaml"
        street = plan.street(self._options.cameras, self._options.quirks, secrets.token_urlsafe(12))
        _write_private(path, yaml.safe_dump(street))
        await self._start("the simulated street", "simulators", str(path), "--ready-file", str(self._street_ready))
        cameras: list[dict[str, Any]] = street["cameras"]
        return cameras

    async def _street(self, told: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The cameras' addresses, when they serve, with their accounts; none after Ctrl-C."""
        await self._unless_stopped(_wait_for_file(self._street_ready))
        if self._stop.is_set():
            return []
        cameras: list[dict[str, Any]] = json.loads(self._street_ready.read_text(encoding="utf-8"))["cameras"]
        return [
            {**camera, "username": c["username"], "password": c["password"]}
            for camera, c in zip(cameras, told, strict=True)
        ]

    async def _write_config(self, items: Sequence[dict[str, Any]]) -> Path:
        path = self._folder / "config.yaml"
        config = plan.service(
            items,
            port=self._options.port,
            udp_port=self._options.udp_port,
            store_url=self._store_url,
            journal=str(self._folder / "control.journal"),
            audit=str(self._folder / "audit"),
            log_level=self._options.log_level,
            feed_addresses=await asyncio.to_thread(_addresses, self._options.feeds),
        )
        _write_private(path, yaml.safe_dump(config))
        return path

    async def _create_people(self, path: Path) -> list[dict[str, Any]]:
        config = parse(path.read_text(encoding="utf-8"), str(path))
        store = await asyncio.to_thread(open_people, config)
        auth = auth_service(config, store)
        try:
            return await asyncio.gather(*(_create(auth, person) for person in plan.PEOPLE))
        finally:
            await auth.close()
            store.close()

    def _create_patrols(self, simulated: int) -> None:
        store = open_store(self._store_url, COMMAND_PATIENCE_S)
        try:
            for patrol in plan.patrols(simulated, datetime.now(UTC)):
                PatrolStore(store.sessions).add(patrol, most=1)
        finally:
            store.close()

    async def _wait_until_ready(self, url: str, token: str, steerable: int) -> None:
        try:
            async with asyncio.timeout(READY_S):
                while not await asyncio.to_thread(_is_ready, url, token, steerable):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise DemoError(f"the service did not become ready within {READY_S:.0f} s; its log is above") from None

    def _ready(
        self,
        url: str,
        service: Child,
        street: Sequence[dict[str, Any]],
        items: Sequence[dict[str, Any]],
        people: Sequence[dict[str, Any]],
    ) -> dict[str, Any]:
        cameras = [
            {
                "id": item["id"],
                "name": item["name"],
                "area": item["area"],
                "onvif_url": item.get("onvif"),
                "rtsp_url": street[index]["rtsp_url"] if index < len(street) else item["rtsp"]["main"],
                "username": item["username"],
                "password": item["password"],
            }
            for index, item in enumerate(items)
        ]
        return {
            "url": url,
            "udp_port": self._options.udp_port,
            "pid": service.process.pid,
            "cameras": cameras,
            "people": list(people),
        }


async def _create(auth: AuthService, person: plan.DemoPerson) -> dict[str, Any]:
    """One of the demo's people, as the ready file has them."""
    password = f"demo-{secrets.token_hex(4)}"
    await auth.create_person(
        person.username,
        password,
        role=person.role,
        areas=[person.area],
        display_name=person.display_name,
        organisation=person.organisation,
    )
    token = await auth.issue_token(person.username, datetime.now(UTC) + timedelta(days=_TOKEN_DAYS), "demo")
    return {
        "role": person.role,
        "area": person.area,
        "username": person.username,
        "password": password,
        "token": token,
    }


def _addresses(feeds: Sequence[str]) -> list[str]:
    """The IPs of the feeds' hosts; a name that cannot be found is left to the service, whose page says so."""
    found: dict[str, None] = {}
    for url in feeds:
        with contextlib.suppress(OSError, ValueError):
            for info in socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM):
                found[str(info[4][0]).partition("%")[0]] = None
    return list(found)


def _check_ports(options: DemoOptions) -> None:
    """Say at once, by the command line's names, what the service would say seconds later by its own.

    Raises:
        PortInUseError: another program has one of the ports.
    """
    wanted = [("--port", options.port, socket.SOCK_STREAM, "TCP")]
    workers = len(os.sched_getaffinity(0))
    for worker in range(workers):
        wanted.append(("--udp-port", options.udp_port + worker, socket.SOCK_DGRAM, "UDP"))
        wanted.append(("--udp-port", options.udp_port + worker, socket.SOCK_STREAM, "TCP"))
    for key, port, kind, protocol in wanted:
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))  # noqa: S104  nothing is received: where the service will listen
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise PortInUseError(key, port, protocol) from None
                raise ConfigError(f"{key}: {protocol} port {port} cannot be had: {error.strerror}") from None
            except OverflowError:
                raise ConfigError(f"{key}: leaves no room for the {workers} media workers' ports") from None


def _ended(child: Child) -> CamctlError:
    code = child.process.returncode
    if code == ConfigError.exit_code:
        return ConfigError(f"{child.name} did not start; its message is above")
    how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
    return DemoError(f"{child.name} {how}; its log is above")


def _is_ready(url: str, token: str, steerable: int) -> bool:
    request = urllib.request.Request(f"{url}/api/v1/cameras?limit=1000", headers={"Authorization": f"Bearer {token}"})  # noqa: S310  our own address
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2), urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  our own address
            cameras = json.load(answer)["items"]
    except (urllib.error.URLError, OSError):
        return False
    return sum(1 for camera in cameras if camera["state"] == "live") >= steerable


async def _wait_for_file(path: Path) -> None:
    try:
        async with asyncio.timeout(READY_S):
            while not path.exists():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise DemoError(f"the simulated street did not come up within {READY_S:.0f} s; its log is above") from None


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _write_atomically(path: Path, text: str) -> None:
    """Nobody who waits for the file ever reads half of it; only its owner reads it at all, for it holds passwords."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    _write_private(beside, text)
    beside.replace(path)


async def run_demo(options: DemoOptions) -> None:
    """Run the demo in a folder of its own, which is gone afterwards."""
    _check_ports(options)
    with tempfile.TemporaryDirectory(prefix="camctl-demo-") as folder:
        await Demo(options, Path(folder)).run()
