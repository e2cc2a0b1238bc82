"""Sending runs of equal-sized datagrams with one system call each: UDP GSO, where the kernel and the device can."""

from __future__ import annotations

import errno
import logging
import socket
import struct
from typing import Protocol

log = logging.getLogger(__name__)

UDP_SEGMENT = 103  # linux/udp.h, since 4.18
MAX_BLOCK_BYTES = 65_000  # an IP datagram's 65,535 less headers
_STRIDE = struct.Struct("H")
# What a device without checksum offload, a small path MTU, or an old kernel answers.
_NO_GSO = frozenset((errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.EOPNOTSUPP, errno.ENOPROTOOPT))
_TRIES = 8


class Path(Protocol):
    """A connection to one viewer that carries datagrams, for viewers who cannot have them plain (ICE over TCP).

    `peer` is the (IP, port) at its other end. It is its own address: equal to nothing else.
    """

    peer: tuple[str, int]
    is_closed: bool

    def prove(self) -> None:
        """A viewer of ours is at the other end."""

    def close(self) -> None:
        """The viewer is gone; idempotent."""

    def send(self, data: bytes | memoryview) -> int:
        """Send one datagram; 1 if it was taken, else 0."""

    def send_run(self, block: memoryview, stride: int, count: int) -> int:
        """Send a run of datagrams as `BurstSender.send_run` does; all of it or nothing."""


# What UDP sockets call an address, of IPv4 or of IPv6; or a connection.
Address = tuple[str, int] | tuple[str, int, int, int] | Path


class BurstSender:
    """A non-blocking UDP socket's sending side; never raises for what the network does, but counts it.

    `packets` and `bytes` were handed to the kernel, `dropped` did not fit into its queue, `failed` were refused for
    another reason (no route). `is_gso` tells whether runs go out as one block. What goes to a `Path` is counted too.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._refusals = 0
        self.is_gso = hasattr(sock, "sendmsg")
        self.packets = self.bytes = self.dropped = self.failed = 0

    def send(self, data: bytes | memoryview, address: Address) -> int:
        """Send one datagram; 1 if the kernel took it, else 0."""
        if not isinstance(address, tuple):
            return self._count(address.send(data), 1, len(data))
        try:
            self._sock.sendto(data, address)
        except BlockingIOError:
            self.dropped += 1
            return 0
        except OSError:
            self.failed += 1
            return 0
        self.packets += 1
        self.bytes += len(data)
        return 1

    def send_run(self, block: memoryview, stride: int, count: int, address: Address) -> int:
        """Send `count` datagrams of `stride` bytes (the last may be shorter) that lie in `block`; how many went out."""
        if not isinstance(address, tuple):
            return self._count(address.send_run(block, stride, count), count, len(block))
        if count == 1:
            return self.send(block, address)
        if self.is_gso:
            try:
                self._sock.sendmsg((block,), ((socket.IPPROTO_UDP, UDP_SEGMENT, _STRIDE.pack(stride)),), 0, address)
            except BlockingIOError:
                self.dropped += count
                return 0
            except OSError as error:
                if not self._refused(error):
                    self.failed += count
                    return 0
            else:
                self._refusals = 0
                self.packets += count
                self.bytes += len(block)
                return count
        return sum(self.send(block[at : at + stride], address) for at in range(0, len(block), stride))

    def _count(self, taken: int, count: int, size: int) -> int:
        """Note what became of a run on a path."""
        if taken:
            self.packets += count
            self.bytes += size
        else:
            self.dropped += count
        return taken

    def _refused(self, error: OSError) -> bool:
        """Whether plain sends may do what a block could not; block sends end for good when they never work."""
        if error.errno not in _NO_GSO:
            return False
        self._refusals += 1
        if error.errno == errno.EIO or self._refusals >= _TRIES:
            self.is_gso = False
            log.warning("UDP GSO is off: %s; packets are sent one by one", error.strerror)
        return True
