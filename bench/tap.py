"""A tap in front of a camera's ONVIF port: passes whole HTTP messages on and notes when each move arrived."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
_MOVE = b"ContinuousMove"
_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Move:
    """A ContinuousMove: when its last byte had arrived and when the camera's answer had, in monotonic seconds."""

    arrived_s: float
    answered_s: float

    @property
    def camera_s(self) -> float:
        """What the camera took."""
        return self.answered_s - self.arrived_s


async def read_message(reader: asyncio.StreamReader) -> bytes | None:
    """One HTTP/1.1 message with Content-Length (RFC 9112, section 6); None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        return head + await reader.readexactly(int(length[1]) if length else 0)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


class Tap:
    """Listens on a free port of 127.0.0.1 in the camera's place; `moves` grows with every answered ContinuousMove.

    The camera's own port in its answers is replaced by the tap's, so that its service addresses lead here too.
    """

    def __init__(self, onvif_url: str) -> None:
        parts = urlsplit(onvif_url)
        self._host, self._port, self._path = str(parts.hostname), int(parts.port or 80), parts.path
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0
        self.moves: list[Move] = []

    @property
    def url(self) -> str:
        """The camera's device service through the tap."""
        return f"http://127.0.0.1:{self.port}{self._path}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]
        if len(str(self.port)) != len(str(self._port)):
            raise OSError("the tap's port needs as many digits as the camera's: it is put into the camera's answers")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            up_reader, up_writer = await asyncio.open_connection(self._host, self._port, limit=_LIMIT)
            try:
                await self._pass_on(reader, writer, up_reader, up_writer)
            finally:
                up_writer.close()
        finally:
            writer.close()
            self._serving.discard(task)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
    ) -> None:
        theirs, ours = f":{self._port}/".encode(), f":{self.port}/".encode()
        while (request := await read_message(reader)) is not None:
            arrived_s = time.monotonic()
            up_writer.write(request)
            reply = await read_message(up_reader)
            if reply is None:
                return
            if _MOVE in request:
                self.moves.append(Move(arrived_s, time.monotonic()))
            writer.write(reply.replace(theirs, ours))
            await writer.drain()
