"""A viewer for measuring: aiortc's ICE and DTLS; its RTP is looked at where it arrives and goes no further."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from types import TracebackType
from typing import Any, Self

import httpx
import pylibsrtp
from aioice.ice import StunProtocol
from aiortc import RTCConfiguration, RTCPeerConnection, rtcdtlstransport
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

from bench.drain import widen
from bench.tally import FirstKey, is_rtp
from bench.ways import Way

_REACH_S = 15.0
_GCM, _CM = b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80"
_firsts: dict[StunProtocol, FirstKey] = {}
_to_ice = StunProtocol.datagram_received


def _datagram_received(self: StunProtocol, data: bytes, addr: tuple[Any, ...]) -> None:
    """In place of aioice's: RTP is not decrypted."""
    if not is_rtp(data):
        _to_ice(self, data, addr)
    elif self in _firsts:
        _firsts[self].add(data, time.monotonic())


def skip_rtp(*, aes_cm: bool = False) -> None:
    """From now on no viewer of this process decrypts RTP; all offer AES-128-GCM first, or AES-CM alone."""
    StunProtocol.datagram_received = _datagram_received  # type: ignore[assignment,method-assign]  # aioice has no hook
    wanted = (_CM,) if aes_cm else (_GCM, _CM)
    profiles = [each for each in rtcdtlstransport.SRTP_PROFILES if each.openssl_profile in wanted]
    rtcdtlstransport.SRTP_PROFILES[:] = profiles


class Receiver:
    """One session. `key_packets`: how many packets a picture has at least to be a key picture."""

    def __init__(self, way: Way, key_packets: int = 1) -> None:
        self._way = way
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._first = FirstKey(key_packets)
        self._ssrc = secrets.randbits(32)
        self.asked_s = 0.0

    async def prepare(self) -> None:
        """Do what can be done before anybody is asked."""
        await self._way.prepare(self._connection)

    async def open(self, client: httpx.AsyncClient) -> None:
        """Join; returns when the server has answered. `prepare` comes before.

        Raises:
            OSError: it refused.
        """
        self.asked_s = time.monotonic()
        await self._way.join(self._connection, client)
        for protocol in self._ice._protocols:
            _firsts[protocol] = self._first
            widen(protocol.transport.get_extra_info("socket"))

    @property
    def _dtls(self) -> Any:  # noqa: ANN401  # its private parts are what is wanted
        return self._connection.getTransceivers()[0].receiver.transport

    @property
    def _ice(self) -> Any:  # noqa: ANN401  # as above
        return self._dtls.transport._connection

    @property
    def is_connected(self) -> bool:
        """Whether DTLS is through."""
        return bool(self._connection.connectionState == "connected")

    @property
    def has_failed(self) -> bool:
        """Whether ICE or DTLS gave up."""
        return self._connection.connectionState in ("failed", "closed")

    @property
    def state(self) -> str:
        """How far it has come, for a message."""
        return f"ICE {self._connection.iceConnectionState}, DTLS {self._dtls.state}"

    @property
    def first_key_s(self) -> float | None:
        """Seconds from the question until the first key picture was whole; None while it is not."""
        return None if self._first.at_s is None else self._first.at_s - self.asked_s

    @property
    def profile(self) -> str:
        """The SRTP profile in use."""
        return str(self._dtls._ssl.get_selected_srtp_profile().decode())

    def take_socket(self) -> socket.socket:
        """Once connected: the socket, from now on read by the caller, who gives what is not RTP to `hear`.

        It stays open when the session ends, so that its number is not given to another one.
        """
        protocol = self._ice._nominated[1].protocol
        _firsts.pop(protocol, None)
        sock = protocol.transport.get_extra_info("socket")
        asyncio.get_running_loop()._remove_reader(sock.fileno())  # type: ignore[attr-defined]  # private: asyncio's own
        return socket.socket(fileno=os.dup(sock.fileno()))

    def hear(self, data: bytes) -> None:
        """A datagram of the server that is not RTP; ignored when the session has ended."""
        pair = self._ice._nominated.get(1)
        if pair is not None:
            _to_ice(pair.protocol, data, pair.remote_addr)

    def decrypts(self, packet: bytes) -> bool:
        """Whether an RTP packet is authentic and holds H.264 (RFC 6184, section 5.2). Each packet once, in order."""
        try:
            clear: bytes = self._dtls._rx_srtp.unprotect(packet)
        except pylibsrtp.Error:
            return False
        header = 12 + 4 * (clear[0] & 15)
        if clear[0] & 0x10:
            header += 4 + 4 * int.from_bytes(clear[header + 2 : header + 4], "big")
        return len(clear) > header and 1 <= clear[header] & 0x1F <= 28

    async def report(self, ssrc: int, highest: int, lost: int) -> None:
        """Send a receiver report, as every browser does once a second; nothing once the server has hung up."""
        if not self.is_connected:
            return
        info = RtcpReceiverInfo(ssrc, 0, min(lost, 0x7FFFFF), highest, 0, 0, 0)
        with contextlib.suppress(ConnectionError):  # DTLS has ended and the connection does not say so yet
            await self._dtls._send_rtp(bytes(RtcpRrPacket(self._ssrc, [info])))

    async def close(self) -> None:
        """Leave."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def reached(receivers: list[Receiver]) -> list[Receiver]:
    """Wait until all are connected, at most 15 s; returns those that are."""
    deadline = time.monotonic() + _REACH_S
    while time.monotonic() < deadline and not all(  # noqa: ASYNC110  # a few of them
        each.is_connected or each.has_failed for each in receivers
    ):
        await asyncio.sleep(0.02)
    return [each for each in receivers if each.is_connected]
