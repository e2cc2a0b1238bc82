"""Reads the datagrams of hundreds of sockets with few system calls (recvmmsg), so that one core plays all viewers."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SLOTS, _SLOT_BYTES, _CONTROL_BYTES = 2048, 1536, 64
_RECEIVE_BUFFER = 4 << 20
_SO_RCVBUFFORCE, _SO_MEMINFO, _SO_TIMESTAMPNS, _MSG_DONTWAIT = 33, 55, 35, 0x40
_DROPS_AT, _MEMINFO_WORDS = 8, 9
# struct iovec, struct mmsghdr of 64-bit Linux (recvmmsg(2)); struct cmsghdr with a struct timespec (cmsg(3)).
_IOVEC = np.dtype([("base", "u8"), ("size", "u8")])
_MESSAGE = np.dtype(
    [
        ("name", "u8"), ("namelen", "u4"), ("", "u4"), ("iov", "u8"), ("iovlen", "u8"), ("control", "u8"),
        ("controllen", "u8"), ("flags", "i4"), ("", "u4"), ("length", "u4"), ("", "u4"),
    ]
)  # fmt: skip
_STAMP = np.dtype([("len", "u8"), ("level", "i4"), ("type", "i4"), ("s", "i8"), ("ns", "i8"), ("", "V32")])


@dataclass(frozen=True, slots=True)
class Batch:
    """Datagrams in the order of arrival at each socket; all arrays are good until the next batch only."""

    viewers: NDArray[np.int64]
    data: NDArray[np.uint8]
    sizes: NDArray[np.int64]
    stamps_ns: NDArray[np.int64]  # wall clock of the kernel at arrival; 0 unless asked for


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.recvmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
    return libc


def widen(sock: socket.socket) -> None:
    """Give a socket a buffer in which whole key frames of a busy moment fit."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


def drops(sock: socket.socket) -> int:
    """Datagrams that found no room in the socket's buffer: the viewer's fault, not the relay's."""
    words = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * _MEMINFO_WORDS)
    return int.from_bytes(words[4 * _DROPS_AT :][:4], "little")


class Drain:
    """Sockets to be read by `run`; each batch of what came goes to `on_batch`."""

    def __init__(self, on_batch: Callable[[Batch], None], *, stamps: bool = False) -> None:
        self._on_batch = on_batch
        self._stamps = stamps
        self._receive = _libc().recvmmsg
        self._sockets: list[tuple[int, int]] = []
        self._data = np.zeros((_SLOTS, _SLOT_BYTES), dtype=np.uint8)
        self._control = np.zeros(_SLOTS, dtype=_STAMP)
        self._vectors = np.zeros(_SLOTS, dtype=_IOVEC)
        self._messages = np.zeros(_SLOTS, dtype=_MESSAGE)
        places = np.arange(_SLOTS, dtype=np.uint64)
        self._vectors["base"] = self._data.ctypes.data + places * _SLOT_BYTES
        self._vectors["size"] = _SLOT_BYTES
        self._messages["iov"] = self._vectors.ctypes.data + places * _IOVEC.itemsize
        self._messages["iovlen"] = 1
        if stamps:
            self._messages["control"] = self._control.ctypes.data + places * _CONTROL_BYTES
            self._messages["controllen"] = _CONTROL_BYTES

    def add(self, sock: socket.socket, viewer: int) -> None:
        """Read this socket, too, from now on; it must not block."""
        if self._stamps:
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._sockets.append((sock.fileno(), viewer))

    def run(self) -> None:
        """Read all that has come by now."""
        receive, address, used = self._receive, self._messages.ctypes.data, 0
        owners: list[tuple[int, int]] = []
        for descriptor, viewer in self._sockets:
            while True:
                room = _SLOTS - used
                count = receive(descriptor, address + used * _MESSAGE.itemsize, room, _MSG_DONTWAIT, None)
                if count <= 0:
                    break  # nothing more; an error of the socket (ICMP) was told and is gone
                owners.append((viewer, count))
                used += count
                if count < room:
                    break
                self._flush(owners, used)
                used, owners = 0, []
        if used:
            self._flush(owners, used)

    def _flush(self, owners: list[tuple[int, int]], used: int) -> None:
        viewers = np.repeat([viewer for viewer, _ in owners], [count for _, count in owners])
        sizes = self._messages["length"][:used].astype(np.int64)
        control = self._control[:used]
        self._on_batch(Batch(viewers, self._data[:used], sizes, control["s"] * 1_000_000_000 + control["ns"]))
        if self._stamps:
            self._messages["controllen"][:used] = _CONTROL_BYTES


def is_possible() -> bool:
    """Whether this machine is one whose structures are described above."""
    return os.uname().sysname == "Linux" and ctypes.sizeof(ctypes.c_void_p) == 8
