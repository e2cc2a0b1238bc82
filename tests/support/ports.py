"""Ports that nobody uses at the moment."""

from __future__ import annotations

import socket


def free_tcp_port() -> int:
    """A TCP port of 127.0.0.1 that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_udp_ports(count: int) -> int:
    """The first of `count` consecutive ports that were free just now, for UDP and, as viewers may use that, for TCP."""
    for first in range(20_000 + (free_tcp_port() * 7) % 20_000, 60_000, count):
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
