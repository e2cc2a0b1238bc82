"""Addresses whose packets vanish: a TUN device that nobody answers on. Needs root."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address

from bench.program import ProgramError
from tests.support.link_box_relay import ip, open_tun

NETWORK = "198.19.0.0/22"  # RFC 2544: addresses for measuring networks
_FIRST = IPv4Address("198.19.0.10")
_SYN, _ACK, _TCP = 0x02, 0x10, 6


class Void:
    """What vanished: how many times a connection was asked for at each address (SYN, repetitions included)."""

    def __init__(self) -> None:
        self.asked: Counter[IPv4Address] = Counter()

    @staticmethod
    def address(index: int) -> str:
        """Address number `index` of NETWORK, at most a thousand."""
        return str(_FIRST + index)

    def see(self, packet: bytes) -> None:
        """An IP packet came; it goes nowhere."""
        header = (packet[0] & 0x0F) * 4
        if packet[0] >> 4 == 4 and packet[9] == _TCP and packet[header + 13] & (_SYN | _ACK) == _SYN:
            self.asked[IPv4Address(packet[16:20])] += 1


@asynccontextmanager
async def void() -> AsyncIterator[Void]:
    """Packets to NETWORK vanish for the length of a block.

    Raises:
        ProgramError: this machine does not allow it.
    """
    try:
        device, name = open_tun("camvoid%d")
    except OSError as error:
        raise ProgramError(f"packets that vanish need root and a TUN device: {error}") from None
    seen = Void()

    def drain() -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(256):
                seen.see(os.read(device, 65_536))

    loop = asyncio.get_running_loop()
    try:
        ip("link", "set", "dev", name, "addrgenmode", "none", "up")
        ip("route", "add", NETWORK, "dev", name)
        loop.add_reader(device, drain)
        yield seen
    finally:
        loop.remove_reader(device)
        os.close(device)
