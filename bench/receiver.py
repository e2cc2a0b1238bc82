"""A viewer for measuring: aiortc's ICE and DTLS, but RTP is counted where it arrives and goes no further."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx
from aioice.ice import StunProtocol
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from bench.tally import Count, Tally, is_rtp

_TIMEOUT_S = 20.0
_tallies: dict[StunProtocol, Tally] = {}
_to_ice = StunProtocol.datagram_received


def _datagram_received(self: StunProtocol, data: bytes, addr: tuple[Any, ...]) -> None:
    """In place of aioice's: not decrypted, a packet costs little, so that one core plays many viewers."""
    if is_rtp(data):
        tally = _tallies.get(self)
        if tally is None:
            tally = _tallies[self] = Tally()
        tally.add(data)
    else:
        _to_ice(self, data, addr)


def count_rtp() -> None:
    """From now on all viewers of this process count."""
    StunProtocol.datagram_received = _datagram_received  # type: ignore[assignment,method-assign]


def counted() -> Count:
    """What all viewers of this process received up to now."""
    return sum((tally.count for tally in _tallies.values()), start=Count())


class Receiver:
    """One WHEP session."""

    def __init__(self, whep: str, headers: dict[str, str]) -> None:
        self._whep = whep
        self._headers = {**headers, "content-type": "application/sdp"}
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def open(self, client: httpx.AsyncClient) -> None:
        """Join; returns when the server has answered.

        Raises:
            OSError: it refused.
        """
        self._connection.addTransceiver("video", "recvonly")
        await self._connection.setLocalDescription(await self._connection.createOffer())
        offer = self._connection.localDescription.sdp
        reply = await client.post(self._whep, content=offer, headers=self._headers, timeout=_TIMEOUT_S)
        if reply.status_code != httpx.codes.CREATED:
            raise OSError(f"WHEP answered {reply.status_code}: {reply.text}")
        await self._connection.setRemoteDescription(RTCSessionDescription(reply.text, "answer"))

    @property
    def is_connected(self) -> bool:
        """Whether DTLS is through."""
        return bool(self._connection.connectionState == "connected")

    async def close(self) -> None:
        """Leave."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
