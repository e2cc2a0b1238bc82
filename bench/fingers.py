"""Hundreds of phones in one process: each presses, drags and lets go, again and again.

    python -m bench.fingers API TOKEN

Each line {"cameras": [...], "moves": M, "every_s": E, "settle_s": T, "seconds": S} on standard input opens a control
socket for each camera that has none yet and lets the fingers go down one after the other, evenly over E seconds: M
moves of ever different speed, 100 ms apart, 300 ms after the last one Stop; again after E seconds, for S seconds. The
answer, {"sent": {camera: [["move" | "stop", when], ...]}, "refused": {code: n}, "server_ms": [...]}, has the monotonic
time at which each message was handed to its socket, without those of the first T seconds.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import sys
import time
from collections import Counter
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.program import answer, lines_of_stdin

_EVERY_S = 0.1
_LIFT_S = 0.3  # after the last move, which would live half a second
_AT_ONCE = 20
_SPREAD = 0.6180339887  # the golden section: any run of phones is spread evenly
_OPEN_S = 20.0


class Finger:
    """One phone at one camera."""

    def __init__(self, socket: ClientConnection, refused: Counter[str], server_ms: list[float]) -> None:
        self._socket = socket
        self._refused = refused
        self._server_ms = server_ms
        self._numbers = itertools.count(1)
        self.sent: list[tuple[str, float]] = []
        self._reading = asyncio.create_task(self._read())

    async def press(self, moves: int) -> None:
        """Down, along, and up again."""
        began_s = time.monotonic()
        for index in range(moves):
            await asyncio.sleep(max(0.0, began_s + index * _EVERY_S - time.monotonic()))
            # Never the same twice in a row: what turns already needs no request.
            self._send("move", pan=round((0.1 + 0.01 * (index % 10)) * (-1) ** index, 3))
        await asyncio.sleep(max(0.0, began_s + (moves - 1) * _EVERY_S + _LIFT_S - time.monotonic()))
        self._send("stop")

    def _send(self, kind: str, **fields: object) -> None:
        text = json.dumps({"type": kind, "seq": next(self._numbers), "at_ms": time.monotonic() * 1000, **fields})
        protocol = self._socket.protocol
        self.sent.append((kind, time.monotonic()))
        protocol.send_text(text.encode())
        for data in protocol.data_to_send():
            self._socket.transport.write(data)

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                message = json.loads(text)
                if message["type"] == "error":
                    self._refused[message["code"]] += 1
                elif message["type"] == "ack":
                    self._server_ms.append(message["server_ms"])
        except ConnectionClosed as end:
            self._refused[f"closed: {end}"] += 1


class Hand:
    """All fingers."""

    def __init__(self, api: str, token: str) -> None:
        self._api = api.replace("http", "ws", 1)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._fingers: dict[str, Finger] = {}
        self._refused: Counter[str] = Counter()
        self._server_ms: list[float] = []

    async def play(self, question: dict[str, Any]) -> dict[str, Any]:
        """Press as asked; returns the answer."""
        await self._open(question["cameras"])
        self._refused.clear()
        self._server_ms.clear()
        gc.collect()
        gc.freeze()
        began_s = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for index, camera in enumerate(question["cameras"]):
                # Spread over a tenth of a second besides: people do not press in step.
                phase_s = _EVERY_S * (index * _SPREAD % 1)
                first_s = began_s + question["every_s"] * index / len(question["cameras"]) + phase_s
                group.create_task(self._again(self._fingers[camera], first_s, began_s + question["seconds"], question))
        counts_s = began_s + question["settle_s"]
        sent = {
            camera: [(kind, at_s) for kind, at_s in self._fingers[camera].sent if at_s >= counts_s]
            for camera in question["cameras"]
        }
        for finger in self._fingers.values():
            finger.sent.clear()
        return {"sent": sent, "refused": self._refused, "server_ms": self._server_ms}

    async def _again(self, finger: Finger, next_s: float, end_s: float, question: dict[str, Any]) -> None:
        while next_s < end_s:
            await asyncio.sleep(max(0.0, next_s - time.monotonic()))
            await finger.press(question["moves"])
            next_s += question["every_s"]

    async def _open(self, cameras: list[str]) -> None:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(camera: str) -> None:
            async with gate:
                url = f"{self._api}/cameras/{camera}/control"
                socket = await connect(
                    url, additional_headers=self._headers, open_timeout=_OPEN_S, ping_interval=None, compression=None
                )
                self._fingers[camera] = Finger(socket, self._refused, self._server_ms)

        await asyncio.gather(*(one(camera) for camera in cameras if camera not in self._fingers))


async def main() -> None:
    """Play as asked until the parent is gone."""
    hand = Hand(*sys.argv[1:3])
    questions = lines_of_stdin()
    while (question := await questions.get()) is not None:
        answer(**await hand.play(question))


if __name__ == "__main__":
    asyncio.run(main())
