"""Ports that nobody uses at the moment, below those that the machine gives to whoever connects somewhere.

From among those, another worker's connection may take a port between our look and the service's start.
"""

from __future__ import annotations

import secrets
import socket

_TCP = range(10_000, 20_000)
_UDP = range(20_000, 32_000)


def free_tcp_port() -> int:
    """A TCP port of 127.0.0.1 that was free just now."""
    for _ in range(100):
        port = secrets.choice(_TCP)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free TCP port")


def free_udp_ports(count: int) -> int:
    """The first of `count` consecutive ports that were free just now, for UDP and, as viewers may use that, for TCP."""
    for _ in range(100):
        first = secrets.choice(_UDP[:-count])
        kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
        sockets = [socket.socket(socket.AF_INET, kind) for _ in range(count) for kind in kinds]
        try:
            for number, probe in enumerate(sockets):
                probe.bind(("0.0.0.0", first + number // 2))
        except OSError:
            continue
        else:
            return first
        finally:
            for probe in sockets:
                probe.close()
    raise AssertionError("no free UDP ports")
