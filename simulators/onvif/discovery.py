"""WS-Discovery on the wire: joins the multicast group on one interface, answers probes, says hello and bye."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import cast

from simulators.onvif import probes
from simulators.onvif.device import CameraEndpoint
from simulators.onvif.scopes import scopes

GROUP = "239.255.255.250"
PORT = 3702
_WILDCARDS = ("", "0.0.0.0")  # noqa: S104 - compared with, not bound to
log = logging.getLogger(__name__)


class Discovery(asyncio.DatagramProtocol):
    """Answers for all cameras of a street, each with a datagram of its own; ends with `close`."""

    def __init__(self, endpoints: Sequence[CameraEndpoint], interface: str) -> None:
        self._endpoints = list(endpoints)
        self._interface = interface
        self._transport: asyncio.DatagramTransport | None = None
        self._group: tuple[str, int] = (GROUP, PORT)

    @property
    def port(self) -> int:
        """Where probes arrive."""
        return self._group[1]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio; greets the network."""
        # In Python 3.11 a selector's datagram transport is none by class.
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._group = (GROUP, transport.get_extra_info("sockname")[1])
        for endpoint in self._endpoints:
            self._transport.sendto(probes.hello(endpoint, self._host(endpoint)), self._group)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See asyncio; a datagram that is no probe is nobody's fault and gets no answer."""
        probe = probes.read_probe(data)
        if probe is None or self._transport is None:
            return
        for endpoint in self._endpoints:
            if probe.wants(scopes(endpoint.camera.config)):
                self._transport.sendto(probes.match(probe, endpoint, self._host(endpoint)), addr)

    def error_received(self, exc: Exception) -> None:
        """See asyncio; an unreachable asker is told to the log and otherwise forgotten."""
        log.info("discovery: %s", exc)

    async def close(self) -> None:
        """Say bye and stop; idempotent."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        for endpoint in self._endpoints:
            transport.sendto(probes.bye(endpoint), self._group)
        transport.close()
        await asyncio.sleep(0)

    def _host(self, endpoint: CameraEndpoint) -> str:
        return self._interface if endpoint.host in _WILDCARDS else endpoint.host


async def serve_discovery(
    endpoints: Sequence[CameraEndpoint], *, interface: str = "127.0.0.1", port: int = PORT
) -> Discovery:
    """Join the group on the interface that has this address and answer until `close`; port 0 takes any (for tests).

    Raises:
        OSError: the port is taken or the interface has no multicast.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Bound to any address: unicast probes must arrive too. Membership is on the one interface only.
        listener.bind(("", port))
        membership = socket.inet_aton(GROUP) + socket.inet_aton(interface)
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(lambda: Discovery(endpoints, interface), sock=listener)
    except BaseException:
        listener.close()
        raise
    return protocol
