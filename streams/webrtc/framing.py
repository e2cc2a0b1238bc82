"""Datagrams in a byte stream (RFC 4571, as ICE over TCP uses it: RFC 6544 section 3), and how many may wait. Pure."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator

MAX_FRAME_BYTES = 2048  # as many as are read of a UDP datagram; nothing that a viewer sends is longer
MAX_UNSENT_BYTES = 1 << 20
MAX_WAIT_S, RESUME_S = 1.5, 0.25
_LENGTH = struct.Struct("!H")


class FrameTooLongError(ValueError):
    """The stream announces a frame that no viewer sends: it is something else, or damaged."""


class Deframer:
    """Takes a stream apart. Keeps at most one unfinished frame."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that end in `data`, which was read after all that came before; empty ones are left out.

        Raises:
            FrameTooLongError: a frame above `MAX_FRAME_BYTES`; the stream is of no use any more.
        """
        data = self._rest + data
        at = 0
        self._rest = b""
        while len(data) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(data, at)
            if length > MAX_FRAME_BYTES:
                raise FrameTooLongError(f"a frame of {length} bytes")
            end = at + _LENGTH.size + length
            if end > len(data):
                break
            if length:
                yield data[at + _LENGTH.size : end]
            at = end
        self._rest = data[at:]


def frame(data: bytes | memoryview) -> bytes:
    """One datagram, framed."""
    return _LENGTH.pack(len(data)) + data


def frame_run(block: memoryview, stride: int) -> bytes:
    """The datagrams of `stride` bytes (the last may be shorter) that lie in `block`, framed one after the other."""
    size = len(block)
    parts: list[bytes | memoryview] = []
    full = _LENGTH.pack(stride)
    for at in range(0, size, stride):
        parts += (full if at + stride <= size else _LENGTH.pack(size - at), block[at : at + stride])
    return b"".join(parts)


class Backlog:
    """Whether more may wait for a connection that takes less than it is given.

    A burst may: the pictures of a new viewer, a key picture. But what waits too long shows the viewer the past: when
    the oldest unsent byte has waited for `MAX_WAIT_S`, nothing more is taken until the wait is below `RESUME_S`.
    """

    def __init__(self) -> None:
        self._written = 0
        self._marks: deque[tuple[int, float]] = deque()  # how much was written by when, of what may be unsent still
        self._is_shut = False

    def wrote(self, size: int, now_s: float) -> None:
        """So many bytes were given to the connection."""
        self._written += size
        self._marks.append((self._written, now_s))

    def clear(self) -> None:
        """Nothing is unsent."""
        self._written = 0
        self._marks.clear()

    def admits(self, unsent_bytes: int, now_s: float) -> bool:
        """Whether a run may be added to `unsent_bytes`; to be asked before each."""
        sent = self._written - unsent_bytes
        while self._marks and self._marks[0][0] <= sent:
            self._marks.popleft()
        waits_s = now_s - self._marks[0][1] if self._marks else 0.0
        self._is_shut = waits_s > (RESUME_S if self._is_shut else MAX_WAIT_S)
        return not self._is_shut and unsent_bytes <= MAX_UNSENT_BYTES
