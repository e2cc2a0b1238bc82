"""Phones in a process of their own, so that they can be frozen, killed and put behind a link.

    python -m tests.support.phones API TOKEN

Each JSON line on standard input is answered by one on standard output; all times are seconds of CLOCK_MONOTONIC:

    {"do": "open", "phones": {NAME: {"camera": ID, "lane": "socket" | "datagrams"}}}   sockets, video; {"opened": n}
    {"do": "hold", "names": [...], "pan": 0.1, ...}     fingers down, moves ten times a second (see Finger); {"at_s"}
    {"do": "lift", "names": [...]}                      Stop; {"at_s": {NAME: when}}, as for the next two
    {"do": "close", "names": [...]}                     the socket ends without a word
    {"do": "rest", "names": [...]}                      nothing more is sent, the socket stays open
    {"do": "report", "names": [...]}                    {NAME: ...}; see Phone.report

An answer {"error": ...} says what did not work. It ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidState

EVERY_S = 0.1
_OPEN_S = 20.0
_LINE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Finger:
    """How a finger is held: to the other side every `sweep_s`; each move's pan is told apart by one `step` more."""

    pan: float = 0.1
    sweep_s: float = 1e9
    step: float = 0.0

    def velocity(self, number: int, held_s: float) -> float:
        """The pan of move `number`, `held_s` after the finger came down."""
        sign = -1 if int(held_s / self.sweep_s) % 2 else 1
        return round(sign * (self.pan + self.step * number), 6)


class Phone:
    """One control socket, perhaps with a data channel beside it for its moves."""

    def __init__(self, api: str, token: str, camera: str, lane: str) -> None:
        self._url = f"{api}/cameras/{camera}"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._wants_datagrams = lane == "datagrams"
        self._socket: ClientConnection
        self._video: Any = None
        self._channel: Any = None
        self._reading: asyncio.Task[None] | None = None
        self._holding: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._gesture = 0
        self._answers: Counter[str] = Counter()
        self._sent = 0
        self._sent_at: list[tuple[float, float]] = []  # when each move was sent, and its pan
        self._was_moving = False
        self._stood: list[float] = []  # when the camera was seen to stop while the finger was down
        self._life_ms: float | None = None
        self._ended: str | None = None

    async def open(self) -> None:
        """Connect; with datagrams, begin a video session and bind it to the socket."""
        url = self._url.replace("http", "ws", 1) + "/control"
        self._socket = await connect(
            url, additional_headers=self._headers, open_timeout=_OPEN_S, ping_interval=None, compression=None
        )
        self._reading = asyncio.create_task(self._read())
        if self._wants_datagrams:
            from tests.support.data_channel import open_data_channel  # it takes a while, and most phones have none

            self._video, self._channel, session = await open_data_channel(self._url, self._headers, self._hear)
            self._say("datagrams", video=session)

    def hold(self, finger: Finger) -> None:
        """Put the finger down."""
        self._gesture += 1
        self._holding = asyncio.create_task(self._hold(finger))

    async def _hold(self, finger: Finger) -> None:
        try:
            await self._send_moves(finger)
        except (InvalidState, ConnectionClosed) as error:  # the socket ended under the finger
            self._ended = self._ended or str(error)

    async def _send_moves(self, finger: Finger) -> None:
        began_at = next_at = time.monotonic()
        for number in itertools.count():
            pan = finger.velocity(number, time.monotonic() - began_at)
            self._sent_at.append((time.monotonic(), pan))
            text = self._text("move", pan=pan, gesture=self._gesture, at_ms=time.monotonic() * 1000)
            self._sent += 1
            if self._channel is not None:
                self._channel.send(text)
            else:
                # Into the socket's buffer, as a browser does: a link that stands still does not hold the finger.
                self._write(text)
            next_at += EVERY_S
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))

    def rest(self) -> float:
        """Say nothing more, the finger still down; returns when."""
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None
        return time.monotonic()

    def lift(self) -> float:
        """Lift the finger: Stop, over both lanes; returns when."""
        at_s = self.rest()
        text = self._text("stop", gesture=self._gesture)
        if self._channel is not None:
            self._channel.send(text)
        self._write(text)
        return at_s

    def close(self) -> float:
        """End the socket without a word; returns when."""
        at_s = self.rest()
        self._socket.transport.close()
        return at_s

    def _say(self, kind: str, **fields: object) -> None:
        self._write(self._text(kind, **fields))

    def _text(self, kind: str, **fields: object) -> str:
        return json.dumps({"type": kind, "seq": next(self._numbers), **fields})

    def _write(self, text: str) -> None:
        protocol = self._socket.protocol
        protocol.send_text(text.encode())
        for data in protocol.data_to_send():
            self._socket.transport.write(data)

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                self._hear(text)
        except ConnectionClosed as end:
            self._ended = str(end)

    def _hear(self, text: str | bytes) -> None:
        message = json.loads(text)
        if message["type"] == "state":
            if self._holding is not None and self._was_moving and not message["moving"]:
                self._stood.append(time.monotonic())
            self._was_moving = message["moving"]
            self._life_ms = message.get("life_ms")
        else:
            self._answers[message["type"] if message["type"] != "error" else message["code"]] += 1

    def report(self) -> dict[str, Any]:
        """What was sent and heard: `stood` has the times when the camera stopped under the finger."""
        return {
            "sent": self._sent, "sent_at": self._sent_at, "answers": dict(self._answers), "stood": self._stood,
            "life_ms": self._life_ms, "ended": self._ended, "over": "socket" if self._channel is None else "datagrams",
        }  # fmt: skip

    async def end(self) -> None:
        """Give everything back."""
        self.rest()
        if self._reading is not None:
            self._reading.cancel()
        with contextlib.suppress(ConnectionClosed, OSError):
            await self._socket.close()
        if self._video is not None:
            await self._video.close()


class Phones:
    """All phones of this process."""

    def __init__(self, api: str, token: str) -> None:
        self._api = api
        self._token = token
        self._phones: dict[str, Phone] = {}

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order."""
        if order["do"] == "open":
            return await self._open(order["phones"])
        phones = {name: self._phones[name] for name in order["names"]}
        match order["do"]:
            case "hold":
                finger = Finger(**{key: order[key] for key in ("pan", "sweep_s", "step") if key in order})
                for phone in phones.values():
                    phone.hold(finger)
                return {"at_s": time.monotonic()}
            case "lift" | "close" | "rest" as deed:
                return {"at_s": {name: getattr(phone, deed)() for name, phone in phones.items()}}
            case "report":
                return {name: phone.report() for name, phone in phones.items()}
            case unknown:
                return {"error": f"unknown order {unknown}"}

    async def _open(self, wanted: dict[str, dict[str, str]]) -> dict[str, Any]:
        for name, given in wanted.items():
            if name in self._phones:
                await self._phones[name].end()
            self._phones[name] = Phone(self._api, self._token, given["camera"], given.get("lane", "socket"))
        await asyncio.gather(*(self._phones[name].open() for name in wanted))
        return {"opened": len(wanted)}


async def main() -> None:
    """Obey until the parent is gone."""
    phones = Phones(*sys.argv[1:3])
    reader = asyncio.StreamReader(limit=_LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        try:
            answer = await phones.obey(json.loads(line))
        except (OSError, ConnectionClosed, InvalidState, TimeoutError, KeyError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    os._exit(0)  # taking leave of a hundred connections takes long and nobody waits for it


if __name__ == "__main__":
    asyncio.run(main())
