"""WS-Discovery over the loopback interface: multicast and unicast probes find every camera."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from simulators.onvif import CameraEndpoint, serve_discovery
from simulators.onvif.discovery import GROUP, Discovery
from simulators.onvif.probes import ADDRESSING, DISCOVERY
from tests.support.sim_onvif_kit import camera

pytestmark = pytest.mark.system
PROBE = (
    f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="{ADDRESSING}" xmlns:d="{DISCOVERY}" '
    'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header><a:MessageID>urn:uuid:7</a:MessageID></s:Header>'
    "<s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>"
).encode()


@asynccontextmanager
async def discoverable() -> AsyncIterator[Discovery]:
    endpoints = [CameraEndpoint(camera(name=name), port, 8554) for name, port in (("A", 8081), ("B", 8082))]
    discovery = await serve_discovery(endpoints, port=0)
    try:
        yield discovery
    finally:
        await discovery.close()


async def ask(address: str, port: int) -> set[str]:
    """The addresses in the answers to one probe."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.bind(("127.0.0.1", 0))
        asker.setblocking(False)
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        await loop.sock_sendto(asker, b"junk", (address, port))
        await loop.sock_sendto(asker, PROBE, (address, port))
        found = set()
        async with asyncio.timeout(5):
            while len(found) < 2:
                data = (await loop.sock_recv(asker, 65536)).decode()
                assert "urn:uuid:7" in data
                found.add(data[data.index("<d:XAddrs>") + 10 : data.index("</d:XAddrs>")])
        return found


@pytest.mark.parametrize("address", ["127.0.0.1", GROUP], ids=["unicast", "multicast"])
async def test_a_probe_finds_both_cameras(address: str) -> None:
    async with discoverable() as discovery:
        assert await ask(address, discovery.port) == {
            "http://127.0.0.1:8081/onvif/device_service",
            "http://127.0.0.1:8082/onvif/device_service",
        }


async def test_closing_says_bye_and_twice_is_no_error() -> None:
    async with discoverable() as discovery:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((GROUP, discovery.port))
            member = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1")
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            listener.setblocking(False)
            await discovery.close()
            async with asyncio.timeout(5):
                farewells = [await loop.sock_recv(listener, 65536) for _ in range(2)]
        assert all(b"d:Bye" in each for each in farewells)
        await discovery.close()
