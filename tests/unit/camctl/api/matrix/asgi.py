"""Asking an ASGI application without a client in between: fast, from another machine, and able to hang up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from fastapi import FastAPI
from starlette.types import Receive

ELSEWHERE = ("192.0.2.7", 50_000)  # TEST-NET-1: not this machine, which may read more
LONG_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; of an answer without an end its beginning."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def problem(self) -> dict[str, Any]:
        """The members of application/problem+json."""
        assert self.headers.get("content-type") == "application/problem+json", self
        problem: dict[str, Any] = json.loads(self.body)
        return problem


def _scope(kind: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    path, _, query = path.partition("?")
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": {"http": "http", "websocket": "ws"}[kind],
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"camctl"), *((k.lower().encode(), v.encode()) for k, v in headers.items())],
        "client": ELSEWHERE,
        "server": ("camctl", 80),
        "state": {},
    }


class _Collected:
    def __init__(self) -> None:
        self.status, self.headers, self.body = 0, dict[str, str](), b""

    def take(self, message: Mapping[str, Any]) -> None:
        if message["type"].endswith("response.start"):
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        self.body += message.get("body", b"")

    def answer(self) -> Answer:
        return Answer(self.status, self.headers, self.body)


async def ask(app: FastAPI, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
    """The answer to one request; the client hangs up after the first piece of one that goes on."""
    collected, heard = _Collected(), asyncio.Event()
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop()
        await heard.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        collected.take(message)
        if message["type"] == "http.response.body":
            heard.set()

    async with asyncio.timeout(LONG_S):
        await app(_scope("http", path, headers) | {"method": method}, cast("Receive", receive), send)
    return collected.answer()


class Socket:
    """A WebSocket's client. `refused` is the answer to a handshake that was not accepted."""

    def __init__(self, app: FastAPI, path: str, headers: dict[str, str]) -> None:
        scope = _scope("websocket", path, headers) | {"subprotocols": [], "extensions": {"websocket.http.response": {}}}
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._in: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._task = asyncio.create_task(app(scope, self._out.get, self._in.put))
        self.refused: Answer | None = None

    async def __aenter__(self) -> Socket:
        self._out.put_nowait({"type": "websocket.connect"})
        async with asyncio.timeout(LONG_S):
            first = await self._in.get()
            if first["type"] == "websocket.accept":
                return self
            assert first["type"] == "websocket.http.response.start", first
            collected = _Collected()
            collected.take(first)
            await self._task
        while not self._in.empty():
            collected.take(self._in.get_nowait())
        self.refused = collected.answer()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._out.put_nowait({"type": "websocket.disconnect", "code": 1006})
        async with asyncio.timeout(LONG_S):
            await self._task

    async def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a control message and wait for its ack or error."""
        self._out.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
        async with asyncio.timeout(LONG_S):
            while True:
                packet = await self._in.get()
                assert packet["type"] == "websocket.send", packet
                said: dict[str, Any] = json.loads(packet["text"])
                if said.get("seq") == message["seq"]:
                    return said
