"""HTTP as the simulated cameras need it, on plain ASGI: one request read within limits, one answer sent whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from simulators.onvif.soap import Reply

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ABORT = "simulators.abort"  # a server extension: close the connection without an answer
_READ_S = 30.0
_SILENCE_S = 120.0


class TooLargeError(Exception):
    """A request body beyond the limit."""


class GoneError(Exception):
    """The client went away, or took too long to say what it wants."""


class Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send

    @property
    def method(self) -> str:
        """GET, POST, ..."""
        return str(self._scope["method"])

    @property
    def path(self) -> str:
        """Without the query."""
        return str(self._scope["path"])

    @property
    def query(self) -> str:
        """What follows the question mark, undecoded."""
        return bytes(self._scope.get("query_string", b"")).decode("latin-1")

    @property
    def uri(self) -> str:
        """The request target as it was sent, for digests."""
        raw = bytes(self._scope.get("raw_path") or self.path.encode()).decode("latin-1")
        return f"{raw}?{self.query}" if self.query else raw

    @property
    def server(self) -> tuple[str, int]:
        """The local address that the client reached."""
        host, port = self._scope["server"]
        return str(host), int(port)

    def header(self, name: str) -> str:
        """The first header of that (lower-case) name; "" without one."""
        wanted = name.encode("latin-1")
        found = (bytes(value) for key, value in self._scope["headers"] if bytes(key).lower() == wanted)
        return next(found, b"").decode("latin-1")

    async def body(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            TooLargeError: more than `limit` bytes; the rest is not read.
            GoneError: it did not come whole in time.
        """
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(_READ_S):
                while True:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise GoneError
                    parts.append(bytes(message.get("body", b"")))
                    size += len(parts[-1])
                    if size > limit:
                        raise TooLargeError
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError as error:
            raise GoneError from error

    async def reply(self, reply: Reply) -> None:
        """Send the answer; both messages in one go, so that the server writes one segment."""
        headers = [
            (b"content-type", reply.content_type.encode("latin-1")),
            (b"content-length", str(len(reply.body)).encode("ascii")),
            *((name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers),
        ]
        await self._send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": reply.body, "more_body": False})

    async def say_nothing(self) -> None:
        """Keep the connection and answer nothing until the client gives up, or two minutes."""
        try:
            async with asyncio.timeout(_SILENCE_S):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            await self.reply(plain_reply(503, "busy", ("connection", "close")))

    async def abort(self) -> None:
        """Break the connection; where the server cannot, say nothing."""
        abort = (self._scope.get("extensions") or {}).get(ABORT)
        if abort is not None:
            abort["call"]()
        await self.say_nothing()


def plain_reply(status: int, text: str, *headers: tuple[str, str]) -> Reply:
    """A line of text."""
    return Reply(status, "text/plain; charset=utf-8", f"{text}\n".encode(), headers)


def html_reply(status: int, title: str, *headers: tuple[str, str]) -> Reply:
    """The sort of page that embedded web servers answer with."""
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Reply(status, "text/html", page.encode(), headers)


def json_reply(value: object, status: int = 200) -> Reply:
    """A JSON document."""
    return Reply(status, "application/json", json.dumps(value, ensure_ascii=False).encode())
