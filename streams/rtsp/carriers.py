"""What brings a camera's RTP and RTCP to us: the RTSP connection itself, or a pair of UDP ports."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable
from typing import Protocol

from streams.errors import StreamError, StreamFault
from streams.rtp.packet import pack_header
from streams.rtp.reorder import ReorderBuffer
from streams.rtsp.connection import RtspConnection
from streams.rtsp.transport import Pair

_PAIR_ATTEMPTS = 32
_RECEIVE_BUFFER_BYTES = 2 << 20  # as much of a 4K key picture as the kernel lets us have (net.core.rmem_max)
_DATAGRAMS_A_TURN = 64
_MAX_DATAGRAM = 65536

OnPacket = Callable[[bytes], None]


class Carrier(Protocol):
    """One way of RTP and RTCP, after SETUP. `words` say which it is."""

    words: str

    def start(self, on_rtp: OnPacket, on_rtcp: OnPacket) -> None:
        """Deliver what comes, in order, on the event loop. What the callbacks raise ends the connection."""

    def send_rtcp(self, packet: bytes) -> None:
        """Send one compound packet; left out when the camera does not take it."""

    def close(self) -> None:
        """Deliver nothing more and give back what it holds; idempotent."""


class InterleavedCarrier:
    """Packets amid the RTSP connection (RFC 2326 section 10.12)."""

    words = "RTP over TCP"

    def __init__(self, connection: RtspConnection, channels: Pair) -> None:
        self.channels = channels
        self._connection = connection

    def start(self, on_rtp: OnPacket, on_rtcp: OnPacket) -> None:
        """See Carrier."""
        first, second = self.channels
        self._connection.routes |= {second: on_rtcp, first: on_rtp}

    def send_rtcp(self, packet: bytes) -> None:
        """See Carrier."""
        self._connection.send_packet(self.channels[1], packet)

    def close(self) -> None:
        """See Carrier."""
        for channel in self.channels:
            self._connection.routes.pop(channel, None)


class UdpCarrier:
    """An even port for RTP and the odd one above it for RTCP (RFC 3550 section 11), for one camera.

    They are bound to the address from which the camera was reached, and only what comes from the camera's own pinned
    address is taken; `strangers` counts the rest. RTP passes a reorder buffer.
    """

    words = "RTP over UDP"

    def __init__(self, connection: RtspConnection) -> None:
        self.strangers = 0
        self.buffer = ReorderBuffer()
        self.ports: Pair = (0, 0)
        self.server_ports: Pair | None = None
        self._connection = connection
        self._camera = connection.peer_host
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        self._space = bytearray(_MAX_DATAGRAM)
        self._timer: asyncio.TimerHandle | None = None
        self._on_rtp: OnPacket | None = None
        self._on_rtcp: OnPacket | None = None
        try:
            self._bind(connection.local_host)
        except OSError as error:
            detail = f"there are no UDP ports to be had on this machine: {os.strerror(error.errno or 0)}"
            raise StreamError(StreamFault.OVERLOADED, detail) from None

    def _bind(self, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        for _ in range(_PAIR_ATTEMPTS):
            first = self._socket(family, host, 0)
            number = first.getsockname()[1]
            try:
                second = self._socket(family, host, number ^ 1)
            except OSError:
                first.close()
                continue
            self._sockets = [first, second] if number % 2 == 0 else [second, first]
            self.ports = (number & ~1, number | 1)
            return
        raise OSError(errno.EADDRINUSE, "no free pair")

    def _socket(self, family: socket.AddressFamily, host: str, port: int) -> socket.socket:
        made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            made.bind((host, port))
        except OSError:
            made.close()
            raise
        return made

    def start(self, on_rtp: OnPacket, on_rtcp: OnPacket) -> None:
        """See Carrier."""
        self._on_rtp, self._on_rtcp = on_rtp, on_rtcp
        rtp, rtcp = self._sockets
        self._loop.add_reader(rtp, self._guarded, self._read_rtp)
        self._loop.add_reader(rtcp, self._guarded, self._read_rtcp)

    def punch(self, report: bytes) -> None:
        """Send an empty RTP packet and a report to the camera, so that firewalls let its packets in as answers."""
        if self.server_ports:
            self._send(0, pack_header(0, False, 0, 0, 0))
        self.send_rtcp(report)

    def send_rtcp(self, packet: bytes) -> None:
        """See Carrier."""
        if self.server_ports:
            self._send(1, packet)

    def _send(self, index: int, packet: bytes) -> None:
        if self._sockets and self.server_ports:
            # A full queue or a closed port of the camera's: the next report says the same.
            with contextlib.suppress(OSError):
                self._sockets[index].sendto(packet, (self._camera, self.server_ports[index]))

    def close(self) -> None:
        """See Carrier."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for each in self._sockets:
            self._loop.remove_reader(each)
            each.close()
        self._sockets = []
        self._on_rtp = self._on_rtcp = None

    def _guarded(self, read: Callable[[], None]) -> None:
        try:
            read()
        except Exception as error:  # noqa: BLE001  # the consumer's: it is given back to whoever runs the stream
            self._connection.fail(error)
            self.close()

    def _read_rtp(self) -> None:
        for _ in range(_DATAGRAMS_A_TURN):
            data = self._receive(0)
            if data is None:
                break
            if data:
                self._deliver(self.buffer.push(data, self._loop.time()))
        self._watch()

    def _read_rtcp(self) -> None:
        for _ in range(_DATAGRAMS_A_TURN):
            data = self._receive(1)
            if data is None:
                break
            if data and self._on_rtcp:
                self._on_rtcp(data)

    def _receive(self, index: int) -> bytes | None:
        """The next datagram of the camera's, empty for a stranger's; None when there is none."""
        if not self._sockets:  # closed by what came before
            return None
        try:
            size, address = self._sockets[index].recvfrom_into(self._space)
        except BlockingIOError:
            return None
        except OSError:
            return b""  # a port of the camera's is closed (ICMP); the idle timer judges it
        if address[0] != self._camera:
            self.strangers += 1
            return b""
        return bytes(memoryview(self._space)[:size])

    def _deliver(self, packets: list[bytes]) -> None:
        for packet in packets:
            if self._on_rtp:
                self._on_rtp(packet)

    def _watch(self) -> None:
        """See to it that what waits for a missing packet does not wait longer when nothing more comes."""
        due_s = self.buffer.due_s
        if due_s is not None and self._timer is None and self._sockets:
            self._timer = self._loop.call_at(due_s, self._guarded, self._expire)

    def _expire(self) -> None:
        self._timer = None
        self._deliver(self.buffer.expire(self._loop.time()))
        self._watch()
