"""Where a server's packets go: into the client's connection, or to its UDP ports. Neither queues without bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from streams.rtsp.protocol import frame

Address = tuple[str, int]
_PAIR_ATTEMPTS = 32


class Output(Protocol):
    """The way to one client."""

    def is_ready(self) -> bool:
        """Whether there is room for another access unit."""

    def send_rtp(self, packets: Sequence[bytes]) -> None:
        """Send the packets of one access unit."""

    def send_rtcp(self, packet: bytes) -> None:
        """Send one compound packet."""


class InterleavedOutput:
    """Packets amid the RTSP connection; one write for an access unit."""

    def __init__(self, transport: asyncio.Transport, channels: tuple[int, int], max_unsent_bytes: int) -> None:
        self._transport = transport
        self._channels = channels
        self._max_unsent_bytes = max_unsent_bytes

    def is_ready(self) -> bool:
        """Whether the client has read enough of what was sent before."""
        return self._transport.get_write_buffer_size() <= self._max_unsent_bytes

    def send_rtp(self, packets: Sequence[bytes]) -> None:
        """Write a unit."""
        self._write(b"".join([frame(self._channels[0], packet) for packet in packets]))

    def send_rtcp(self, packet: bytes) -> None:
        """Write a report."""
        self._write(frame(self._channels[1], packet))

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


class UdpOutput:
    """Packets to a client's port pair, from the server's."""

    def __init__(self, pair: UdpPair, host: str, ports: tuple[int, int]) -> None:
        self._pair = pair
        self._rtp = (host, ports[0])
        self.rtcp_address: Address = (host, ports[1])

    def is_ready(self) -> bool:
        """Whether the kernel takes packets; the queue is shared by all clients."""
        return self._pair.is_ready

    def send_rtp(self, packets: Sequence[bytes]) -> None:
        """Send a unit."""
        for packet in packets:
            self._pair.send(0, packet, self._rtp)

    def send_rtcp(self, packet: bytes) -> None:
        """Send a report."""
        self._pair.send(1, packet, self.rtcp_address)


class _Port(asyncio.DatagramProtocol):
    def __init__(self, on_datagram: Callable[[Address], None]) -> None:
        self._on_datagram = on_datagram
        self.is_ready = True

    def pause_writing(self) -> None:
        self.is_ready = False

    def resume_writing(self) -> None:
        self.is_ready = True

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002
        self._on_datagram((addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """A client's closed port: its session ends by TEARDOWN, by its connection, or by its silence."""


class UdpPair:
    """An even port for RTP and the odd one above it for RTCP (RFC 3550 section 11), shared by all clients.

    `on_receiver(address)` is called for every RTCP packet that comes: its sender is alive.
    """

    def __init__(self, on_receiver: Callable[[Address], None]) -> None:
        self._on_receiver = on_receiver
        self._ports: list[tuple[asyncio.DatagramTransport, _Port]] = []
        self.numbers = (0, 0)  # of the ports, until `open` has found some

    async def open(self, host: str) -> None:
        """Bind to two free ports of `host`.

        Raises:
            OSError: no pair found.
        """
        for _ in range(_PAIR_ATTEMPTS):
            first = await self._bind(host, 0)
            number = first[0].get_extra_info("sockname")[1]
            try:
                second = await self._bind(host, number ^ 1)
            except OSError:
                first[0].close()
                continue
            self._ports = [first, second] if number % 2 == 0 else [second, first]
            self.numbers = (number & ~1, number | 1)
            return
        raise OSError(f"no free pair of UDP ports on {host}")

    async def _bind(self, host: str, port: int) -> tuple[asyncio.DatagramTransport, _Port]:
        loop = asyncio.get_running_loop()
        return await loop.create_datagram_endpoint(lambda: _Port(self._received), local_addr=(host, port))

    def _received(self, address: Address) -> None:
        self._on_receiver(address)

    @property
    def is_ready(self) -> bool:
        """Whether the RTP port has room; asyncio's limit of 64 KiB bounds what waits."""
        return bool(self._ports) and self._ports[0][1].is_ready

    def send(self, index: int, packet: bytes, address: Address) -> None:
        """Send from the RTP (0) or RTCP (1) port; nothing happens once closed."""
        if self._ports:
            self._ports[index][0].sendto(packet, address)

    def close(self) -> None:
        """Give the ports back; idempotent."""
        for transport, _ in self._ports:
            transport.close()
        self._ports = []
