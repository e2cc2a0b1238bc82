"""ICE over TCP for viewers whose network lets no UDP out (RFC 6544, passive candidates): a listener beside the mux.

Each connection is a path like an address: what comes over it goes to the mux as datagrams, what is sent is framed.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from streams.rtp.burst import Address
from streams.webrtc.framing import MAX_UNSENT_BYTES, Backlog, Deframer, FrameTooLongError, frame, frame_run

log = logging.getLogger(__name__)

FIRST_CHECK_S = 10.0  # from connecting to the first valid connectivity check
MAX_CONNECTIONS = 4000
MAX_UNPROVED = 256  # connections without such a check; one more ends the oldest
MAX_UNPROVED_FRAMES = 100  # before that check; an honest phone sends one every 50 ms at most
_READ_BYTES = 4096
_BACKLOG = 128
_FLUSH_S = 2.0
_UNSENT_IN_KERNEL = 32 << 10
# linux/tcp.h since 3.12: how much unsent data the kernel takes. What has to wait waits here, where it can be judged.
_TCP_NOTSENT_LOWAT = 25


class Inbox(Protocol):
    """What the listener needs of the mux."""

    def receive(self, data: bytes, address: Address) -> None:
        """Take one datagram."""

    def lose(self, address: Address) -> None:
        """The connection has ended."""


@dataclass(slots=True)
class TcpCounters:
    """`connections` are open now; the others count: accepted, ended for a limit or for nonsense, packets not taken."""

    connections: int = 0
    accepted: int = 0
    refused: int = 0
    malformed: int = 0
    dropped: int = 0


class TcpPath(asyncio.BufferedProtocol):
    """One connection. It is its own address: equal to nothing else.

    Little is read at a time, and few datagrams are looked at before a valid check: a flood must not hold up the loop.
    """

    def __init__(self, inbox: Inbox, counters: TcpCounters, on_change: Callable[[TcpPath], None]) -> None:
        self.peer: tuple[str, int] = ("", 0)
        self.is_proved = False
        self.is_closed = False
        self._inbox = inbox
        self._counters = counters
        self._on_change = on_change
        self._deframer = Deframer()
        self._buffer = bytearray(_READ_BYTES)
        self._left = MAX_UNPROVED_FRAMES
        self._backlog = Backlog()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's."""
        self._transport = cast("asyncio.Transport", transport)
        self.peer = tuple((transport.get_extra_info("peername") or ("", 0))[:2])
        sock = transport.get_extra_info("socket")
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT_IN_KERNEL)
        except OSError as error:
            log.debug("TCP options: %s", error)  # gone again, or an old kernel: it works without
        self._timer = self._loop.call_later(FIRST_CHECK_S, self.refuse)
        self._counters.accepted += 1
        self._counters.connections += 1
        self._on_change(self)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002  small on purpose
        """Asyncio's."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Asyncio's."""
        self.take(bytes(self._buffer[:nbytes]))

    def take(self, data: bytes) -> None:
        """What was read, whatever it is."""
        try:
            for item in self._deframer.feed(data):
                if self.is_closed:
                    return
                self._left -= 1
                if self._left < 0 and not self.is_proved:
                    self.refuse()
                    return
                self._inbox.receive(item, self)
        except FrameTooLongError:
            self._counters.malformed += 1
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  why does not matter: viewers come back
        """Asyncio's."""
        self._end()
        if self._timer:
            self._timer.cancel()
        self._counters.connections -= 1
        self._on_change(self)
        self._inbox.lose(self)

    def prove(self) -> None:
        """A viewer of ours is at the other end."""
        if not self.is_proved and not self.is_closed:
            self.is_proved = True
            if self._timer:
                self._timer.cancel()
            self._on_change(self)

    def send(self, data: bytes | memoryview) -> int:
        """Send one datagram; 1 if it was taken, else 0."""
        transport = self._transport
        if self.is_closed or transport is None or transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            return 0
        self._write(transport, frame(data))
        return 1

    def send_run(self, block: memoryview, stride: int, count: int) -> int:
        """Send a run; `count`, or 0 when too much waits already: half a run would help nobody."""
        transport = self._transport
        if self.is_closed or transport is None:
            return 0
        if not self._backlog.admits(transport.get_write_buffer_size(), self._loop.time()):
            self._counters.dropped += count
            return 0
        self._write(transport, frame_run(block, stride))
        return count

    def _write(self, transport: asyncio.Transport, data: bytes) -> None:
        transport.write(data)
        if transport.get_write_buffer_size():
            self._backlog.wrote(len(data), self._loop.time())
        else:
            self._backlog.clear()

    def close(self) -> None:
        """Send what waits, but not for long, and end. Idempotent."""
        if self.is_closed or self._transport is None:
            return
        self._end()
        self._transport.close()
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(_FLUSH_S, self._transport.abort)

    def refuse(self) -> None:
        """End a connection that nobody of ours has proved to be theirs in time, or that is one too many."""
        self._counters.refused += 1
        self.abort()

    def abort(self) -> None:
        """End at once."""
        self._end()
        if self._transport:
            self._transport.abort()

    def _end(self) -> None:
        self.is_closed = True


class TcpListener:
    """Takes connections on one port. `start` on the running loop with a socket that is bound already."""

    def __init__(self, inbox: Inbox) -> None:
        self.counters = TcpCounters()
        self._inbox = inbox
        self._paths: set[TcpPath] = set()
        self._unproved: OrderedDict[TcpPath, None] = OrderedDict()
        self._server: asyncio.Server | None = None

    async def start(self, sock: socket.socket) -> None:
        """Listen on `sock`, which is this object's from now on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._make, sock=sock, backlog=_BACKLOG)

    def close(self) -> None:
        """Take no more, and end those that are left, in the loop's next turn. Idempotent."""
        if self._server:
            self._server.close()
            self._server = None
        for path in tuple(self._paths):
            path.abort()

    def _make(self) -> TcpPath:
        return TcpPath(self._inbox, self.counters, self._changed)

    def _changed(self, path: TcpPath) -> None:
        """A connection was made, proved or lost."""
        if path.is_closed:
            self._paths.discard(path)
            self._unproved.pop(path, None)
        elif path.is_proved:
            self._unproved.pop(path, None)
        else:
            self._paths.add(path)
            self._unproved[path] = None
            if len(self._unproved) > MAX_UNPROVED or len(self._paths) > MAX_CONNECTIONS:
                oldest, _ = self._unproved.popitem(last=False)
                oldest.refuse()
