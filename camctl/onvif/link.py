"""HTTP/1.1 POST to one pinned address over one kept connection, on the event loop: waiting takes no thread.

What `http.py` does for threads, for the calls that must never wait for one: moves, Stops and questions. The guarantees
are the same: the address that passed the egress guard, a limit on the whole answer's time and size, an end at once
when whoever waits is cancelled, no redirects, no proxies.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
import time
from urllib.parse import quote

from camctl.egress import PinnedTarget
from camctl.onvif.answer import AnswerReader, NotHttpError, TooLargeError
from camctl.onvif.budget import Budget
from camctl.onvif.http import (
    MAX_IDLE_S,
    MAX_REPLY_BYTES,
    ClosedEarlyError,
    HttpReply,
    explained,
    host_header,
    too_large,
)
from camctl.ptz.ports import CameraError, CameraFault

_PLAIN_PATH = "/?&=%:@!$'()*+,;~[]"


class Link:
    """A kept connection to one camera; used by one call at a time."""

    def __init__(self, target: PinnedTarget, scheme: str, *, max_reply_bytes: int = MAX_REPLY_BYTES) -> None:
        self._target = target
        self._tls = ssl.create_default_context() if scheme == "https" else None
        self._max_reply_bytes = max_reply_bytes
        self._host = host_header(target, scheme)
        self._wire: _Wire | None = None
        self._opening: asyncio.Task[None] | None = None
        self._used_at_s = 0.0
        self._closes = 0  # how often it was closed: who was connecting meanwhile must not go on

    async def post(
        self, path: str, body: bytes, headers: dict[str, str], budget: Budget, *, repeatable: bool
    ) -> HttpReply:
        """Send and wait for the whole answer.

        A kept connection that the camera closed meanwhile is replaced; when that shows only after sending, the request
        goes out again only if it is `repeatable`.

        Raises:
            CameraError: UNREACHABLE, TIMEOUT, or PROTOCOL for what is no HTTP or too large.
        """
        request = self._request(path, body, headers)
        await self._opened()
        wire = self._kept()
        try:
            return await self._exchange(wire or await self._connect(budget), request, budget, is_kept=wire is not None)
        except ClosedEarlyError:
            if not repeatable:
                raise CameraError(CameraFault.UNREACHABLE, "the camera closed the connection") from None
            return await self._exchange(await self._connect(budget), request, budget, is_kept=False)

    async def open(self, budget: Budget) -> None:
        """Have a connection: raises CameraError where there is nobody."""
        await self._opened()
        if self._kept() is None:
            await self._connect(budget)

    def warm(self, budget: Budget) -> None:
        """Begin to have a connection, so that the next post need not wait for one; does not wait."""
        if self._opening is None and self._kept() is None:
            self._opening = asyncio.ensure_future(self._open_quietly(budget))

    def close(self) -> None:
        """Give the socket back; a post that waits fails, the next one connects again."""
        self._closes += 1
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.abort(_disconnected())

    async def _open_quietly(self, budget: Budget) -> None:
        try:
            await self._connect(budget)
        except CameraError:
            return  # whoever posts next connects, and is told why it fails
        finally:
            self._opening = None

    async def _opened(self) -> None:
        """Wait for a connection that is on its way: a second one would not be there sooner."""
        if self._opening is not None:
            await asyncio.wait({self._opening})

    def _request(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST {quote(path, safe=_PLAIN_PATH)} HTTP/1.1\r\nHost: {self._host}\r\nAccept-Encoding: identity\r\n"
            f"Content-Length: {len(body)}\r\n{lines}\r\n"
        )
        return head.encode("latin-1") + body

    def _kept(self) -> _Wire | None:
        wire = self._wire
        if wire is None:
            return None
        if wire.is_closed or time.monotonic() - self._used_at_s > MAX_IDLE_S:
            self._drop(wire)
            return None
        return wire

    async def _connect(self, budget: Budget) -> _Wire:
        closes = self._closes
        limit_s = min(budget.connect_s + (budget.read_s if self._tls is not None else 0.0), budget.left_s())
        try:
            async with asyncio.timeout(limit_s):
                _, wire = await asyncio.get_running_loop().create_connection(
                    _Wire,
                    self._target.address,
                    self._target.port,
                    ssl=self._tls,
                    server_hostname=self._target.host if self._tls is not None else None,
                )
        except TimeoutError as error:
            budget.left_s()
            raise explained(error, budget) from None
        except OSError as error:  # ssl.SSLError is one
            raise explained(error, budget) from None
        if self._closes != closes:
            wire.abort(ConnectionAbortedError())
            raise _disconnected()
        self._wire = wire
        self._used_at_s = time.monotonic()
        return wire

    async def _exchange(self, wire: _Wire, request: bytes, budget: Budget, *, is_kept: bool) -> HttpReply:
        reader = AnswerReader(self._max_reply_bytes)
        try:
            reply = await wire.ask(request, reader, budget)
        except TimeoutError as error:
            budget.left_s()
            raise explained(error, budget) from None
        except TooLargeError:
            raise too_large(self._max_reply_bytes) from None
        except NotHttpError:
            raise explained(http.client.BadStatusLine(""), budget) from None
        except OSError as error:
            budget.left_s()
            if is_kept and not reader.has_begun and isinstance(error, ConnectionError):
                raise ClosedEarlyError from None
            raise explained(error, budget) from None
        finally:
            if reader.reply is None or not reader.keeps_open or reader.rest:
                self._drop(wire)
        self._used_at_s = time.monotonic()
        return reply

    def _drop(self, wire: _Wire) -> None:
        wire.abort(ConnectionAbortedError())
        if self._wire is wire:
            self._wire = None


class _Wire(asyncio.Protocol):
    """One connection. Bytes that nobody asked for end it, as does its end."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._reader: AnswerReader | None = None
        self._answered: asyncio.Future[HttpReply] | None = None
        self._limit: asyncio.Timeout | None = None
        self._budget = Budget(0.0)
        self.is_closed = False

    async def ask(self, request: bytes, reader: AnswerReader, budget: Budget) -> HttpReply:
        """Send, and wait for the answer: each part of it within `read_s`, all of it within the budget."""
        if self._transport is None or self.is_closed:
            raise ConnectionResetError
        loop = asyncio.get_running_loop()
        self._reader, self._budget = reader, budget
        self._answered = loop.create_future()
        left_s = budget.left_s()
        self._transport.write(request)
        try:
            async with asyncio.timeout(min(budget.read_s, left_s)) as self._limit:
                return await self._answered
        finally:
            self._reader = self._answered = self._limit = None

    def abort(self, error: Exception) -> None:
        """End the connection at once; whoever waits gets `error`."""
        self.is_closed = True
        self._fail(error)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_connection gives
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._reader is None or self._answered is None or self._answered.done():
            self.abort(ConnectionAbortedError())
            return
        try:
            is_whole = self._reader.feed(data)
        except (NotHttpError, TooLargeError) as error:
            self.abort(error)
            return
        if is_whole:
            self._finish()
        else:
            self._wait_on()

    def eof_received(self) -> None:
        """See asyncio.Protocol; the transport closes itself after it."""
        self.is_closed = True
        if self._reader is not None and self._reader.end():
            self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.is_closed = True
        self._fail(error or ConnectionResetError())

    def _finish(self) -> None:
        if self._answered is not None and not self._answered.done() and self._reader is not None:
            assert self._reader.reply is not None  # noqa: S101 - it said that it is whole
            self._answered.set_result(self._reader.reply)

    def _fail(self, error: Exception) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)

    def _wait_on(self) -> None:
        """Something came: the next part has its own time, within that of the whole."""
        if self._limit is None or self._limit.expired():
            return
        try:
            wait_s = min(self._budget.read_s, self._budget.left_s())
        except CameraError as error:
            self.abort(error)
            return
        self._limit.reschedule(asyncio.get_running_loop().time() + wait_s)


def _disconnected() -> CameraError:
    return CameraError(CameraFault.UNREACHABLE, "the camera was disconnected")
