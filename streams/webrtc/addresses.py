"""Where viewers can reach this machine, and the sockets they reach."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
from pathlib import Path

import psutil

from streams.rtp.burst import Address

log = logging.getLogger(__name__)

ANY_IPV4, ANY = "0.0.0.0", "::"  # noqa: S104  names of what the configuration may ask for
_TRIES = 20  # to find a number that is free for UDP and for TCP
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
_MAPPED = "::ffff:"
_FLAGS = Path("/proc/net/if_inet6")
# linux/if_addr.h: temporary, duplicate, deprecated, tentative. Such addresses are gone soon, or not there yet.
_UNFIT = 0x01 | 0x08 | 0x20 | 0x40


class BindError(OSError):
    """A port cannot be had; `transport` is UDP or TCP."""

    def __init__(self, error: OSError, transport: str) -> None:
        super().__init__(error.errno, error.strerror)
        self.transport = transport


def local_addresses(host: str = ANY_IPV4) -> list[str]:
    """This machine's addresses for viewers of a socket bound to `host`, those that others can reach first.

    IPv4 with "0.0.0.0", both kinds with "::"; 127.0.0.1 comes last. Of IPv6 only what is global or unique local, and
    neither temporary nor deprecated. `host` itself when it is neither of the two. Sends nothing.
    """
    if host not in (ANY_IPV4, ANY):
        return [host]
    found = [(item.family, item.address) for items in psutil.net_if_addrs().values() for item in items]
    ipv4 = [ipaddress.IPv4Address(text) for family, text in found if family == socket.AF_INET]
    ipv6 = [ipaddress.IPv6Address(text.partition("%")[0]) for family, text in found if family == socket.AF_INET6]
    unfit = unfit_addresses(_FLAGS.read_text() if _FLAGS.exists() else "")
    ipv4 = sorted((item for item in ipv4 if not item.is_loopback), key=lambda item: item.is_link_local)
    ipv6 = [item for item in ipv6 if not (item.is_loopback or item.is_link_local) and item not in unfit]
    texts = [*map(str, ipv4), *(map(str, ipv6) if host == ANY else ()), "127.0.0.1"]
    return list(dict.fromkeys(texts))


def unfit_addresses(table: str) -> set[ipaddress.IPv6Address]:
    """The addresses in a text like /proc/net/if_inet6 that should not be told to anybody."""
    rows = (line.split() for line in table.splitlines())
    return {ipaddress.IPv6Address(bytes.fromhex(row[0])) for row in rows if len(row) > 4 and int(row[4], 16) & _UNFIT}


def ip_and_port(address: Address) -> tuple[str, int]:
    """The plain IP and port of a viewer, whichever way it came; IPv4 as such, also from a socket for both kinds."""
    host, port = address[:2] if isinstance(address, tuple) else address.peer
    return (host.removeprefix(_MAPPED) if "." in host else host), port


def bind_ports(host: str, port: int, *, tcp: bool) -> tuple[socket.socket, socket.socket | None]:
    """A UDP socket and, with `tcp`, a TCP socket on the same number; a free one when `port` is 0.

    "::" means both kinds of address; where the machine has no IPv6 at all, IPv4 alone.

    Raises:
        BindError: one of them cannot be had.
    """
    for left in reversed(range(_TRIES)):
        udp = _bound(host, port, socket.SOCK_DGRAM)
        if not tcp:
            return udp, None
        try:
            return udp, _bound(host, udp.getsockname()[1], socket.SOCK_STREAM)
        except BindError as error:
            udp.close()
            if port or not left or error.errno != errno.EADDRINUSE:
                raise
    raise AssertionError  # the last round returns or raises


def _bound(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    try:
        return _open(host, port, kind)
    except OSError as error:
        if host == ANY and error.errno in _NO_IPV6:
            log.warning("this machine has no IPv6: serving viewers over IPv4 only")
            return _bound(ANY_IPV4, port, kind)
        raise BindError(error, "UDP" if kind == socket.SOCK_DGRAM else "TCP") from error


def _open(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    try:
        if ":" in host:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != ANY)
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
