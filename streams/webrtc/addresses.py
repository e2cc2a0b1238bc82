"""Where viewers can reach this machine."""

from __future__ import annotations

import ipaddress
import socket

import psutil


def local_addresses() -> list[str]:
    """This machine's IPv4 addresses for viewers: those that others can reach first, 127.0.0.1 last. Sends nothing."""
    found = [
        item.address
        for items in psutil.net_if_addrs().values()
        for item in items
        if item.family == socket.AF_INET and not ipaddress.ip_address(item.address).is_loopback
    ]
    return [*dict.fromkeys(sorted(found, key=lambda address: ipaddress.ip_address(address).is_link_local)), "127.0.0.1"]
