"""One UDP port for all viewers of a worker: ICE-lite (RFC 8445 section 2.5), demultiplexed by RFC 7983.

A viewer is found by the user name fragment in its STUN checks, then by its source address, which may be a connection
of `tcp` too. Nothing that arrives here can raise out: datagrams come from anywhere.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import socket
import struct
import sys
import termios
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from aioice import stun

from streams.datagrams import Allowance
from streams.faultlog import FaultLog
from streams.rtp.burst import Address, BurstSender
from streams.webrtc.addresses import ip_and_port
from streams.webrtc.peek import peek_ufrag
from streams.webrtc.tcp import TcpListener

log = logging.getLogger(__name__)
_faults = FaultLog(log)

_BUFFER_BYTES = 8 << 20
_MAX_DATAGRAM = 2048
_READS_PER_WAKE = 64  # then the loop's other work gets its turn
_CHECKS_PER_S = 50.0  # of one viewer and address; browsers send up to 20 over all, libnice 50
_MAX_ADDRESSES = 8  # of one viewer; a phone tries each of its interfaces


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
    """What arrived: datagrams, checks answered, and what was thrown away as malformed, forged, excess or of nobody."""

    datagrams: int = 0
    checks: int = 0
    malformed: int = 0
    forged: int = 0
    strangers: int = 0
    excess: int = 0


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
        self._allowances: dict[str, Allowance] = {}
        self._by_address: dict[Address, Endpoint] = {}
        self._addresses: dict[Endpoint, OrderedDict[Address, Allowance]] = {}
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

    @property
    def unsent_bytes(self) -> int:
        """Bytes that the kernel has taken and the network has not (SIOCOUTQ)."""
        return int.from_bytes(fcntl.ioctl(self._sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)

    def register(self, credentials: IceCredentials, endpoint: Endpoint) -> None:
        """Let `endpoint` be found by these credentials; it may have several, as during an ICE restart."""
        self._by_ufrag[credentials.ufrag] = (credentials, endpoint)
        self._allowances[credentials.ufrag] = Allowance(_CHECKS_PER_S)
        self._addresses.setdefault(endpoint, OrderedDict())

    def forget(self, credentials: IceCredentials) -> None:
        """These credentials are not valid any more; known addresses stay."""
        self._by_ufrag.pop(credentials.ufrag, None)
        self._allowances.pop(credentials.ufrag, None)

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
            self._malformed("neither STUN, DTLS nor RTP", address, f"first byte {first}, {len(data)} bytes")

    def _malformed(self, kind: str, address: Address, where: str) -> None:
        self.counters.malformed += 1
        _faults(kind, ip_and_port(address), where)

    def _check(self, data: bytes, address: Address) -> None:
        """Answer a STUN binding request (RFC 8445 section 7.3) that is signed with the password of a viewer of ours."""
        try:
            ufrag = peek_ufrag(data)
            if ufrag is None:
                return  # keep-alives (indications), and answers, which a lite agent never asked for
            credentials, endpoint = self._by_ufrag.get(ufrag, (None, None))
            if credentials is None or endpoint is None:
                self.counters.strangers += 1
                return
            # Its own for each address that was checked before, so that nobody can use up the viewer's.
            allowance = self._addresses[endpoint].get(address) or self._allowances[ufrag]
            if not allowance.take(time.monotonic()):
                self.counters.excess += 1  # replayed: a signature costs, and others have to be served
                return
            request = stun.parse_message(data)
        except (ValueError, struct.error, IndexError) as error:
            self._malformed("no STUN", address, str(error))
            return
        key = credentials.password.encode()
        if not request.check_message_integrity(key):
            self.counters.forged += 1
            _faults("STUN with a wrong signature", ip_and_port(address), f"{len(data)} bytes, user name {ufrag[:8]}")
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
        if address not in known:
            known[address] = Allowance(_CHECKS_PER_S)
        known.move_to_end(address)
        self._by_address[address] = endpoint
        while len(known) > _MAX_ADDRESSES:
            oldest, _ = known.popitem(last=False)
            self._drop(endpoint, oldest)
