"""People who steer, each a camera, and people who watch over a WebSocket; and when each of them was cut off.

    python -m bench.holders API

Each line on standard input is answered by one on standard output. {"do": "begin", "holders": [[camera, token], ...],
"feeds": [[camera, token], ...]}: each holder opens a control socket, takes the camera and keeps a finger down for good,
whatever it is told; each feed is watched as MP4. The answer {"held": n, "watching": n} comes when all of them have
control or a picture, or after some time. {"do": "tell"}: {"holders": [[lost, closed], ...], "feeds": [[last, closed],
...]}, monotonic times or null: when the holder was told that it no longer holds the camera, when the last piece of the
picture came, when the socket was closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
import time
from collections.abc import Sequence

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.program import answer, lines_of_stdin

_OPEN_S, _READY_S = 20.0, 30.0
_EVERY_S = 0.25  # a move lives for half a second
_SPEED = 0.2
_AT_ONCE = 10


def _socket(url: str, token: str) -> connect:
    headers = {"Authorization": f"Bearer {token}"}
    return connect(
        url, additional_headers=headers, open_timeout=_OPEN_S, ping_interval=None, compression=None, max_queue=None
    )


class Holder:
    """One person at one camera's motors."""

    def __init__(self) -> None:
        self.holds = False
        self.lost_s: float | None = None
        self.closed_s: float | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, url: str, token: str) -> None:
        """Take the camera and press."""
        socket = await _socket(url, token)
        self._tasks = [asyncio.create_task(self._read(socket)), asyncio.create_task(self._press(socket))]

    @property
    def is_ready(self) -> bool:
        """Whether it has control."""
        return self.holds

    async def _press(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await socket.send(json.dumps({"type": "take", "seq": 0}))
            for number in itertools.count(1):
                await socket.send(json.dumps({"type": "move", "seq": number, "pan": _SPEED}))
                await asyncio.sleep(_EVERY_S)

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "state":
                    self._look(message["holder"])
        except ConnectionClosed:
            pass
        self.closed_s = time.monotonic()

    def _look(self, holder: dict[str, object] | None) -> None:
        is_mine = holder is not None and bool(holder["you"])
        if self.holds and not is_mine:
            self.lost_s = time.monotonic()
        self.holds = is_mine


class Feed:
    """One person who watches."""

    def __init__(self) -> None:
        self.last_s: float | None = None
        self.closed_s: float | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self, url: str, token: str) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._read(await _socket(url, token)))

    @property
    def is_ready(self) -> bool:
        """Whether there is a picture."""
        return self.last_s is not None

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for piece in socket:
                if isinstance(piece, bytes):
                    self.last_s = time.monotonic()
        except ConnectionClosed:
            pass
        self.closed_s = time.monotonic()


async def _open(api: str, what: str, people: Sequence[Holder | Feed], places: list[list[str]]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(person: Holder | Feed, camera: str, token: str) -> None:
        async with gate:
            await person.open(f"{api.replace('http', 'ws', 1)}/cameras/{camera}/{what}", token)

    await asyncio.gather(*(one(person, *place) for person, place in zip(people, places, strict=True)))


async def _ready(people: list[Holder | Feed]) -> None:
    deadline_s = time.monotonic() + _READY_S
    while not all(each.is_ready for each in people) and time.monotonic() < deadline_s:  # noqa: ASYNC110  # two hundred
        await asyncio.sleep(0.05)


async def main() -> None:
    """Begin and tell until the parent is gone."""
    api = sys.argv[1]
    holders: list[Holder] = []
    feeds: list[Feed] = []
    questions = lines_of_stdin()
    while (question := await questions.get()) is not None:
        match question["do"]:
            case "begin":
                holders, feeds = [Holder() for _ in question["holders"]], [Feed() for _ in question["feeds"]]
                await _open(api, "control", holders, question["holders"])
                await _open(api, "feed", feeds, question["feeds"])
                await _ready([*holders, *feeds])
                answer(held=sum(each.is_ready for each in holders), watching=sum(each.is_ready for each in feeds))
            case "tell":
                answer(
                    holders=[[each.lost_s, each.closed_s] for each in holders],
                    feeds=[[each.last_s, each.closed_s] for each in feeds],
                )


if __name__ == "__main__":
    asyncio.run(main())
