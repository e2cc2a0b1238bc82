"""uvicorn's two protocols with what they lack: limits on what a client sends, how slowly, and how slowly it reads."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from camctl.api.problems import (
    HEADERS_TOO_LARGE,
    MALFORMED,
    TOO_SLOW,
    URL_TOO_LONG,
    Kind,
    ProblemError,
    problem_response,
)
from camctl.api.security_headers import ALWAYS
from camctl.config_server import HttpLimits
from camctl.metrics import Metrics
from camctl.ptz.channel import TokenBucket

_UNSENT_BYTES = 16_384  # that wait here, and again in the kernel: at 300 kb/s 0.9 s together
_STUCK_S = 20.0
_TCP_NOTSENT_LOWAT = 25  # Linux; Python 3.11's socket module does not name it
# A link that was gone delivers its backlog at once; one that is gone for longer than the socket's pings live is cut.
_BURST_S = 5.0
_MOST_FRAGMENTS = 64  # of a message: empty ones count nothing towards its size
_GOING_TOO_FAST = 1008  # RFC 6455, 7.4.1: policy violation

_log = logging.getLogger(__name__)


class _Writing(asyncio.Protocol):
    """How much may wait for a client that reads slowly, and for how long nothing may move at all.

    Video is made for now: what waits in buffers is late, and whoever sends has to notice early that the way is full.
    A client that takes nothing for `_STUCK_S` is given up; without this its session would last for TCP's quarter of an
    hour.
    """

    _stuck: asyncio.TimerHandle | None = None
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As the protocol's."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=_UNSENT_BYTES)
        below = beneath_tls(self.transport)
        if below is not None:
            below.set_write_buffer_limits(high=_UNSENT_BYTES)
        connection = transport.get_extra_info("socket")
        if connection is not None and sys.platform == "linux":
            connection.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """As the protocol's."""
        self._moves()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """As the protocol's."""
        super().pause_writing()
        self._moves()
        self._stuck = asyncio.get_running_loop().call_later(_STUCK_S, self.transport.abort)

    def resume_writing(self) -> None:
        """As the protocol's."""
        self._moves()
        super().resume_writing()

    def _moves(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


def beneath_tls(transport: asyncio.Transport) -> asyncio.Transport | None:
    """The transport that carries a TLS transport's records, None for one without TLS.

    asyncio has no public way to it, and its own buffer would hold 64 KiB more. A test sees that it is still found.
    """
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
    return below if isinstance(below, asyncio.Transport) else None


class _RefusedError(Exception):
    """Raised through the parser, which makes an error of its own of it."""


class HttpProtocol(_Writing, HttpToolsProtocol):
    """uvicorn's, writing as above, with bounded headers and bounded time for headers and body.

    llhttp, the parser, bounds neither (Node does, around it), and uvicorn waits for ever for a request's next byte.
    """

    def __init__(self, limits: HttpLimits, metrics: Metrics, **parts: Any) -> None:  # noqa: ANN401  uvicorn's own
        super().__init__(**parts)
        self._limits = limits
        self._refused = metrics.refused
        self._due: asyncio.TimerHandle | None = None
        self._is_in_head = True
        self._unread_bytes = 0  # of a head that the parser has not reported yet
        self._head_bytes = 0
        self._hosts = 0
        self._has_body = False
        self._refusal: ProblemError | None = None

    # Time -----------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As the protocol's; who connects and says nothing is given as long as who says half."""
        super().connection_made(transport)
        self._give(self._limits.header_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """As the protocol's."""
        self._in_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As the protocol's."""
        if self._is_in_head:
            self._unread_bytes += len(data)
            if self._due is None:  # the next request of a connection that was kept
                self._give(self._limits.header_s)
        super().data_received(data)
        if self._is_in_head and self._unread_bytes > self._limits.header_bytes + self._limits.url_bytes:
            self._refusal = self._headers_too_large()
            self.send_400_response("")

    def _give(self, seconds: float) -> None:
        self._in_time()
        self._due = asyncio.get_running_loop().call_later(seconds, self._late)

    def _in_time(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _late(self) -> None:
        self._due = None
        if self._is_in_head and self._unread_bytes == 0:
            self.transport.close()  # a browser's spare connection, or nobody: there is nothing to answer
            return
        what, seconds = ("headers", self._limits.header_s) if self._is_in_head else ("body", self._limits.body_s)
        detail = f"The request's {what} must be here within {seconds:g} seconds."
        self._refusal = ProblemError(TOO_SLOW, detail)
        self.send_400_response("")

    # What the parser reports ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """As the protocol's."""
        super().on_message_begin()
        self._head_bytes = self._hosts = 0
        self._has_body = False

    def on_url(self, url: bytes) -> None:
        """As the protocol's; a part of the address, or all of it."""
        super().on_url(url)
        if len(self.url) > self._limits.url_bytes:
            self._refuse(URL_TOO_LONG, f"An address has at most {self._limits.url_bytes} bytes here.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """As the protocol's; trailers are dropped.

        They come behind the body and are reported like headers: a proxy that cleans headers may not look at them.
        """
        if not self._is_in_head:
            return
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self._limits.header_bytes or len(self.headers) > self._limits.header_count:
            self._refusal = self._headers_too_large()
            raise _RefusedError
        lower = name.lower()
        self._hosts += lower == b"host"
        self._has_body |= lower == b"transfer-encoding" or (lower == b"content-length" and value != b"0")

    def _headers_too_large(self) -> ProblemError:
        limits = self._limits
        return ProblemError(
            HEADERS_TOO_LARGE,
            f"A request has at most {limits.header_count} headers of {limits.header_bytes} bytes together here.",
        )

    def on_headers_complete(self) -> None:
        """As the protocol's."""
        self._in_time()
        if self._hosts > 1 or (self._hosts == 0 and self.parser.get_http_version() == "1.1"):  # RFC 9112, 3.2
            self._refuse(MALFORMED, "A request names exactly one Host.")
        self._is_in_head = False
        super().on_headers_complete()
        if self._has_body:
            self._give(self._limits.body_s)

    def on_message_complete(self) -> None:
        """As the protocol's."""
        self._in_time()
        self._is_in_head = True
        self._unread_bytes = 0
        super().on_message_complete()

    # Refusing -------------------------------------------------------------------------------------------------------

    def _refuse(self, kind: Kind, detail: str) -> None:
        self._refusal = ProblemError(kind, detail)
        raise _RefusedError

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words; ours say what to do
        """Answer what cannot be read, as a problem; uvicorn's own name for it. The connection ends."""
        self._in_time()
        if self.transport.is_closing():
            return
        problem = self._refusal or ProblemError(MALFORMED, "This is no request of HTTP/1.1 (RFC 9112).")
        self._refused.labels(problem.kind.name).inc()
        cycle = self.cycle
        is_answering = bool(cycle) and not cycle.response_complete
        if not is_answering or not (cycle.response_started or self._is_in_head or self.pipeline):
            self.transport.write(_raw(problem))
        # Else another answer is under way, and whatever was written now would be read as part of it.
        if is_answering:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()


def _raw(problem: ProblemError) -> bytes:
    answer = problem_response(problem)
    status = problem.kind.status
    lines = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())]
    lines += [name + b": " + value for name, value in (*answer.raw_headers, *ALWAYS, (b"connection", b"close"))]
    return b"\r\n".join(lines) + b"\r\n\r\n" + bytes(answer.body)


class WebSocketProtocol(_Writing, WebSocketsSansIOProtocol):
    """uvicorn's, writing as above; a client that sends more than is needed is cut, and with it what it moved.

    Every frame counts, pings too: each is answered, and what is answered to somebody who does not read would wait here.
    """

    def __init__(self, limits: HttpLimits, metrics: Metrics, **parts: Any) -> None:  # noqa: ANN401  uvicorn's own
        super().__init__(**parts)
        rate = limits.socket_messages_per_s
        self._frames = TokenBucket(rate, rate * _BURST_S)
        self._refused = metrics.refused

    def handle_text(self, event: Frame) -> None:
        """As the protocol's."""
        if self._is_allowed():
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """As the protocol's."""
        if self._is_allowed():
            super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """As the protocol's."""
        if self._is_allowed() and len(self.frames) < _MOST_FRAGMENTS:
            super().handle_cont(event)
        elif not self.close_sent:
            self._cut("too many parts of one message")

    def handle_ping(self) -> None:
        """As the protocol's."""
        if self._is_allowed():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """As the protocol's."""
        if self._is_allowed():
            super().handle_pong(event)

    def _is_allowed(self) -> bool:
        if self.close_sent:
            return False
        if self._frames.allows(time.monotonic()):
            return True
        self._cut("more messages than are needed")
        return False

    def _cut(self, why: str) -> None:
        self._refused.labels("socket-rate").inc()
        _log.info("a socket was closed: %s", why)
        self.conn.fail(_GOING_TOO_FAST, why)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
