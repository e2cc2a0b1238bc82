"""What a PTZ command costs: from a phone's message to the request at the camera, beside a bare onvif-zeep call."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect

from bench import report
from bench.house import House, SimulatedCamera, house, simulated_camera
from bench.program import Program
from bench.tap import Tap

_SPEED = 0.2
_PAUSE_S = 0.07  # a phone sends ten moves a second; the service takes twenty
_BLOCK = 20
_ASK_S = 20.0


@dataclass(slots=True)
class Samples:
    """Seconds of each command: to the whole request at the camera, to the answer, and the camera's part of that."""

    share: list[float] = field(default_factory=list)
    round_trip: list[float] = field(default_factory=list)
    camera: list[float] = field(default_factory=list)


class Phone:
    """A control socket that waits for the answer to each message."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._sequence = itertools.count(1)

    async def ask(self, kind: str, **fields: object) -> tuple[float, float]:
        """When the message was sent and when its acknowledgement came, in monotonic seconds.

        Raises:
            RuntimeError: the service refused it.
        """
        sequence = next(self._sequence)
        sent_s = time.monotonic()
        await self._socket.send(json.dumps({"type": kind, "seq": sequence, **fields}))
        async with asyncio.timeout(_ASK_S):
            while True:
                message: dict[str, Any] = json.loads(await self._socket.recv())
                if message["type"] in {"ack", "error"} and message["seq"] == sequence:
                    break
        came_s = time.monotonic()
        if message["type"] == "error":
            raise RuntimeError(f"the service refused {kind}: {message}")
        return sent_s, came_s


async def _ours(phone: Phone, tap: Tap, count: int, into: Samples) -> None:
    for index in range(count):
        tap.moves.clear()
        sent_s, came_s = await phone.ask("move", pan=_SPEED * (-1) ** index)
        into.round_trip.append(came_s - sent_s)
        if len(tap.moves) != 1:
            raise RuntimeError(f"one move caused {len(tap.moves)} calls to the camera")
        into.share.append(tap.moves[0].arrived_s - sent_s)
        into.camera.append(tap.moves[0].camera_s)
        await asyncio.sleep(_PAUSE_S)
    await phone.ask("stop")


async def _theirs(peer: Program, tap: Tap, count: int, into: Samples) -> None:
    tap.moves.clear()
    calls = (await peer.ask(_ASK_S, moves=count, speed=_SPEED, pause_s=_PAUSE_S))["calls"]
    if len(tap.moves) != count:
        raise RuntimeError(f"{count} calls of the peer arrived as {len(tap.moves)}")
    for (called_s, returned_s), move in zip(calls, tap.moves, strict=True):
        into.share.append(move.arrived_s - called_s)
        into.round_trip.append(returned_s - called_s)
        into.camera.append(move.camera_s)


async def _measure(running: House, tap: Tap, camera: SimulatedCamera, folder: Path, blocks: int) -> str:
    port = str(urlsplit(tap.url).port)
    ours, theirs, pings = Samples(), Samples(), []
    url = running.camera.replace("http://", "ws://", 1) + "/control"
    arguments = ("127.0.0.1", port, camera.username, camera.password)
    async with (
        await Program.module("peer_zeep", *arguments, folder=folder) as peer,
        connect(url, additional_headers=running.headers) as socket,
    ):
        await peer.line(_ASK_S)
        phone = Phone(socket)
        await _ours(phone, tap, 3, Samples())  # the first calls open connections
        await _theirs(peer, tap, 3, Samples())
        for _ in range(blocks):  # in turn, so that what else the machine does meets both
            await _ours(phone, tap, _BLOCK, ours)
            await _theirs(peer, tap, _BLOCK, theirs)
            for _ in range(_BLOCK):
                sent_s, came_s = await phone.ask("ping")
                pings.append(came_s - sent_s)
    return _table(ours, theirs, pings)


def _table(ours: Samples, theirs: Samples, pings: list[float]) -> str:
    def row(name: str, values: list[float], peer: list[float] | None = None) -> list[str]:
        cells = report.spread([value * 1e3 for value in values], 2)
        against = report.ratio(report.percentile(values, 0.5), report.percentile(peer or [], 0.5))
        return [name, str(len(values)), *cells, against]

    return report.table(
        "command: a phone's move, in ms",
        ("", "n", "p50", "p95", "p99", "ratio"),
        [
            row("camctl: message sent -> whole request at the camera", ours.share, theirs.share),
            row("peer, bare onvif-zeep: call -> whole request at the camera", theirs.share),
            row("camctl: message sent -> acknowledged", ours.round_trip, theirs.round_trip),
            row("peer, bare onvif-zeep: call -> returned", theirs.round_trip),
            row("the camera's own part of camctl's", ours.camera),
            row("the camera's own part of the peer's", theirs.camera),
            row("limit: ping over the same socket, there and back", pings),
        ],
        ("ratio: camctl's p50 divided by the peer's",),
    )


async def run(folder: Path, *, quick: bool) -> str:
    """Measure; returns the table."""
    async with (
        simulated_camera(folder) as camera,
        Tap(camera.onvif_url) as tap,
        house([camera.item(tap.url)], folder) as running,
    ):
        return await _measure(running, tap, camera, folder, blocks=1 if quick else 8)
