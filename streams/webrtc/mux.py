"""One UDP port for all viewers of a worker: ICE-lite (RFC 8445 section 2.5), demultiplexed by RFC 7983.

A viewer is found by the user name fragment in its STUN checks, then by its source address, which may be a connection
of `tcp` too. Nothing that arrives here can raise out: datagrams come from anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from aioice import stun

from streams.rtp.burst import Address, BurstSender
from streams.webrtc.addresses import ip_and_port
from streams.webrtc.tcp import TcpListener

log = logging.getLogger(__name__)

_BUFFER_BYTES = 8 << 20
_MAX_DATAGRAM = 2048
_READS_PER_WAKE = 64  # then the loop's other work gets its turn
_MAX_ADDRESSES = 8  # of one viewer; a phone tries each of its interfaces
_COOKIE = struct.pack("!I", stun.COOKIE)


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """User name fragment and password of our side (RFC 8445 section 5.3); the password is kept out of repr."""

    ufrag: str
    password: str

    def __repr__(self) -> str:
        return f"IceCredentials(ufrag={self.ufrag!r})"


class Endpoint(Protocol):
    """A viewer, as the mux sees it."""

    def on_check(self, address: Address, *, nominated: bool, priority: int, now_s: float) -> None:
        """A connectivity check with a valid signature came from `address`, and was answered.

        `priority` is the viewer's for this path (RFC 8445 section 7.1.1), 0 when it says none.
        """

    def on_dtls(self, record: bytes) -> None:
        """A DTLS datagram came."""

    def on_rtcp(self, packet: bytes, now_s: float) -> None:
        """An SRTP or SRTCP datagram came."""


@dataclass(slots=True)
class MuxCounters:
    """What arrived: datagrams, checks answered, and what was thrown away as malformed, forged or of nobody."""

    datagrams: int = 0
    checks: int = 0
    malformed: int = 0
    forged: int = 0
    strangers: int = 0


class UdpMux:
    """The socket and who is behind which address.

    `udp` is a bound socket, without one nothing is received or sent; `tcp` a bound one for viewers who have no UDP.
    Both are this object's from now on. `start` it on the running loop.
    """

    def __init__(self, udp: socket.socket | None = None, tcp: socket.socket | None = None) -> None:
        self._sock = udp or socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp_sock = tcp
        self.tcp = TcpListener(self)
        self._sock.setblocking(False)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self._sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)  # the kernel caps it at its own limit
        self.sender = BurstSender(self._sock)
        self.counters = MuxCounters()
        self._by_ufrag: dict[str, tuple[IceCredentials, Endpoint]] = {}
        self._by_address: dict[Address, Endpoint] = {}
        self._addresses: dict[Endpoint, OrderedDict[Address, None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Begin to receive."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock.fileno(), self._readable)
        if self._tcp_sock:
            await self.tcp.start(self._tcp_sock)

    def close(self) -> None:
        """Stop receiving and free the port; idempotent."""
        if self._loop:
            self._loop.remove_reader(self._sock.fileno())
            self._loop = None
        self._sock.close()
        self.tcp.close()
        if self._tcp_sock:
            self._tcp_sock.close()

    def register(self, credentials: IceCredentials, endpoint: Endpoint) -> None:
        """Let `endpoint` be found by these credentials; it may have several, as during an ICE restart."""
        self._by_ufrag[credentials.ufrag] = (credentials, endpoint)
        self._addresses.setdefault(endpoint, OrderedDict())

    def forget(self, credentials: IceCredentials) -> None:
        """These credentials are not valid any more; known addresses stay."""
        self._by_ufrag.pop(credentials.ufrag, None)

    def unregister(self, endpoint: Endpoint, credentials: Iterable[IceCredentials]) -> None:
        """The viewer is gone; idempotent."""
        for item in credentials:
            self.forget(item)
        for address in self._addresses.pop(endpoint, ()):
            self._drop(endpoint, address)

    def lose(self, address: Address) -> None:
        """A connection has ended; its viewer may have other ways."""
        endpoint = self._by_address.pop(address, None)
        if endpoint is not None:
            self._addresses.get(endpoint, OrderedDict()).pop(address, None)

    def _drop(self, endpoint: Endpoint, address: Address) -> None:
        """This viewer is no longer behind this address; another one may be by now."""
        if self._by_address.get(address) is endpoint:
            del self._by_address[address]
            if not isinstance(address, tuple):
                address.close()

    def _readable(self) -> None:
        for _ in range(_READS_PER_WAKE):
            try:
                data, address = self._sock.recvfrom(_MAX_DATAGRAM)
            except BlockingIOError:
                return
            except OSError as error:
                log.debug("UDP receive: %s", error)  # a past send's ICMP error
                return
            self.receive(data, address)

    def receive(self, data: bytes, address: Address) -> None:
        """Take one datagram, whatever it is."""
        self.counters.datagrams += 1
        first = data[0] if data else 255
        if first < 4:
            self._check(data, address)
            return
        endpoint = self._by_address.get(address)
        if endpoint is None:
            self.counters.strangers += 1
        elif 20 <= first < 64:
            endpoint.on_dtls(data)
        elif 128 <= first < 192:
            endpoint.on_rtcp(data, time.monotonic())
        else:
            self.counters.malformed += 1

    def _check(self, data: bytes, address: Address) -> None:
        """Answer a STUN binding request (RFC 8445 section 7.3) that is signed with the password of a viewer of ours."""
        if data[4:8] != _COOKIE or len(data) < stun.HEADER_LENGTH:
            self.counters.malformed += 1
            return
        if data[:2] != b"\0\1":
            return  # keep-alives (indications), and answers, which a lite agent never asked for
        try:
            request = stun.parse_message(data)
        except (ValueError, struct.error, IndexError):
            self.counters.malformed += 1
            return
        ufrag = str(request.attributes.get("USERNAME", "")).partition(":")[0]
        credentials, endpoint = self._by_ufrag.get(ufrag, (None, None))
        if credentials is None or endpoint is None:
            self.counters.strangers += 1
            return
        key = credentials.password.encode()
        if not request.check_message_integrity(key):
            self.counters.forged += 1
            return
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        response.attributes["XOR-MAPPED-ADDRESS"] = ip_and_port(address)
        response.add_message_integrity(key)
        self.sender.send(bytes(response), address)
        self.counters.checks += 1
        self._learn(endpoint, address)
        nominated = "USE-CANDIDATE" in request.attributes
        priority = int(request.attributes.get("PRIORITY", 0))
        endpoint.on_check(address, nominated=nominated, priority=priority, now_s=time.monotonic())

    def _learn(self, endpoint: Endpoint, address: Address) -> None:
        known = self._addresses.get(endpoint)
        if known is None:
            return
        if not isinstance(address, tuple):
            address.prove()
        known[address] = None
        known.move_to_end(address)
        self._by_address[address] = endpoint
        while len(known) > _MAX_ADDRESSES:
            oldest, _ = known.popitem(last=False)
            self._drop(endpoint, oldest)
