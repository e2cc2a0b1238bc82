"""Messages between our own processes over a Unix stream socket: requests with replies, and events, both ways.

A frame is [u32 length of JSON][u32 length of blob][JSON][blob], big-endian. The JSON is an object with `t` ("req",
"ok", "err", "ev"), `id` (requests and replies), `kind` and `payload`. The blob carries bytes that JSON cannot.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

log = logging.getLogger(__name__)

Payload = dict[str, Any]
Handler = Callable[[Payload, bytes], Awaitable[tuple[Payload, bytes]]]
EventHandler = Callable[[str, Payload, bytes], None]

_HEAD = struct.Struct("!II")
MAX_JSON_BYTES = 1 << 20
MAX_BLOB_BYTES = 16 << 20
MAX_RUNNING_REQUESTS = 1024
MAX_UNSENT_BYTES = 32 << 20


class WireError(Exception):
    """The other side refused a request: `code` is stable, `detail` is a sentence, `extra` more facts. No secrets."""

    def __init__(self, code: str, detail: str, extra: Payload | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.extra = extra or {}


class FrameError(Exception):
    """What came is no frame of ours; the connection cannot go on."""


def encode_frame(message: Payload, blob: bytes = b"") -> bytes:
    """One frame.

    Raises:
        FrameError: it exceeds the limits.
    """
    text = json.dumps(message, separators=(",", ":")).encode()
    if len(text) > MAX_JSON_BYTES or len(blob) > MAX_BLOB_BYTES:
        raise FrameError(f"a message of {len(text)} + {len(blob)} bytes exceeds the limits")
    return _HEAD.pack(len(text), len(blob)) + text + blob


async def read_frame(reader: asyncio.StreamReader) -> tuple[Payload, bytes]:
    """The next frame.

    Raises:
        FrameError: it is malformed or too large.
        asyncio.IncompleteReadError: the stream has ended.
    """
    text_size, blob_size = _HEAD.unpack(await reader.readexactly(_HEAD.size))
    if text_size > MAX_JSON_BYTES or blob_size > MAX_BLOB_BYTES:
        raise FrameError(f"a frame of {text_size} + {blob_size} bytes exceeds the limits")
    text = await reader.readexactly(text_size)
    blob = await reader.readexactly(blob_size) if blob_size else b""
    try:
        message = json.loads(text)
    except ValueError as error:
        raise FrameError("a frame without JSON") from error
    if not isinstance(message, dict) or not isinstance(message.get("payload"), dict):
        raise FrameError("a frame without payload")
    return message, blob


class Peer:
    """One end of a connection between two of our processes.

    `handlers` answer the other side's requests, each in a task of its own; a handler refuses by raising `WireError`.
    `on_event` is called for its events, in order. `closed` is done when the connection has ended, for whatever reason.
    """

    def __init__(
        self,
        connection: socket.socket,
        handlers: Mapping[str, Handler] | None = None,
        on_event: EventHandler | None = None,
    ) -> None:
        self._connection = connection
        self._handlers = dict(handlers or {})
        self._on_event = on_event
        self._waiting: dict[int, asyncio.Future[tuple[Payload, bytes]]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._last_id = 0
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self.closed = asyncio.Event()

    async def start(self) -> None:
        """Begin to read; call once, on the loop that will use the peer."""
        self._connection.setblocking(False)
        reader, self._writer = await asyncio.open_unix_connection(sock=self._connection, limit=1 << 18)
        self._reading = asyncio.create_task(self._read(reader), name="wire")

    def serve(self, handlers: Mapping[str, Handler], on_event: EventHandler | None = None) -> None:
        """Answer these kinds of requests too, and hear events from now on."""
        self._handlers.update(handlers)
        self._on_event = on_event or self._on_event

    async def request(
        self, kind: str, payload: Payload, blob: bytes = b"", *, timeout_s: float = 10.0
    ) -> tuple[Payload, bytes]:
        """Ask and wait for the reply.

        Raises:
            WireError: the other side refused.
            ConnectionError: the connection is closed, or closes meanwhile.
            TimeoutError: no reply in time.
        """
        self._last_id += 1
        number = self._last_id
        future: asyncio.Future[tuple[Payload, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._send({"t": "req", "id": number, "kind": kind, "payload": payload}, blob)
            async with asyncio.timeout(timeout_s):
                return await future
        finally:
            self._waiting.pop(number, None)

    def event(self, kind: str, payload: Payload, blob: bytes = b"") -> None:
        """Tell without an answer; lost silently when the connection is closed."""
        if not self.closed.is_set():
            self._send({"t": "ev", "kind": kind, "payload": payload}, blob)

    @property
    def unsent_bytes(self) -> int:
        """Bytes that the other side has not taken yet."""
        return self._writer.transport.get_write_buffer_size() if self._writer and not self.closed.is_set() else 0

    async def close(self) -> None:
        """End the connection; everybody who waits gets ConnectionError. Idempotent."""
        if self._reading and self._reading is not asyncio.current_task():
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._end()
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    def _send(self, message: Payload, blob: bytes) -> None:
        writer = self._writer
        if writer is None or self.closed.is_set():
            raise ConnectionError("the other process is gone")
        writer.write(encode_frame(message, blob))
        if writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            log.error("the other process reads nothing: %d bytes are waiting", MAX_UNSENT_BYTES)
            self._end()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                message, blob = await read_frame(reader)
                self._take(message, blob)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other process ended; `closed` tells
        except FrameError as error:
            log.error("closing a connection between processes: %s", error)  # noqa: TRY400  # the type says it all
        finally:
            self._end()

    def _take(self, message: Payload, blob: bytes) -> None:
        kind, payload = message.get("t"), message["payload"]
        if kind == "req":
            self._begin(message, blob)
        elif kind == "ev":
            if self._on_event:
                try:
                    self._on_event(str(message.get("kind")), payload, blob)
                except Exception:
                    log.exception("the handler of event %r failed", message.get("kind"))
        elif kind in ("ok", "err"):
            future = self._waiting.get(message.get("id", 0))
            if future is None or future.done():
                return  # the asker has given up
            if kind == "ok":
                future.set_result((payload, blob))
            else:
                code, detail = str(payload.pop("code", "internal")), str(payload.pop("detail", ""))
                future.set_exception(WireError(code, detail, payload))
        else:
            raise FrameError(f"a frame of unknown type {kind!r}")

    def _begin(self, message: Payload, blob: bytes) -> None:
        if len(self._running) >= MAX_RUNNING_REQUESTS:
            self._refuse(message["id"], WireError("overloaded", "too many requests at once"))
            return
        task = asyncio.create_task(self._answer(message, blob))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(self, message: Payload, blob: bytes) -> None:
        kind, number = str(message.get("kind")), message.get("id")
        handler = self._handlers.get(kind)
        if handler is None:
            self._refuse(number, WireError("unknown-kind", f"nobody answers {kind!r}"))
            return
        try:
            payload, answer = await handler(message["payload"], blob)
            self._send({"t": "ok", "id": number, "payload": payload}, answer)
        except WireError as error:
            self._refuse(number, error)
        except ConnectionError:
            pass  # the asker is gone
        except Exception:
            log.exception("the handler of request %r failed", kind)
            self._refuse(number, WireError("internal", f"{kind} failed"))

    def _refuse(self, number: object, error: WireError) -> None:
        payload = {**error.extra, "code": error.code, "detail": error.detail}
        if not self.closed.is_set():
            self._send({"t": "err", "id": number, "payload": payload}, b"")

    def _end(self) -> None:
        if self.closed.is_set():
            return
        self.closed.set()
        if self._writer:
            self._writer.close()
        else:
            self._connection.close()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the other process is gone"))
