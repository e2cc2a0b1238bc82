"""The newest group of pictures of a stream, kept so that a new viewer sees something at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from streams.rtp.frames import VIDEO_CLOCK_HZ

SQUEEZED_STEP = VIDEO_CLOCK_HZ // 1000  # cached pictures are shown 1 ms apart


@dataclass(frozen=True, slots=True)
class Frame:
    """One access unit cut into RTP payloads.

    `number` counts the stream's frames and `first_index` its packets, without gaps, from the stream's beginning;
    `timestamp` is in 1/90000 s, unwrapped; `arrived_s` the monotonic clock when it came. `marks_end`: its last packet
    has the marker bit, as pictures have it and sound has not.
    """

    number: int
    first_index: int
    payloads: tuple[bytes, ...]
    timestamp: int
    is_key: bool
    arrived_s: float = 0.0
    marks_end: bool = True

    @property
    def size(self) -> int:
        """Bytes of payload."""
        return sum(map(len, self.payloads))


class Picture(Protocol):
    """What a cache has to know of a picture."""

    @property
    def is_key(self) -> bool:
        """Whether decoding can begin here."""

    @property
    def timestamp(self) -> int:
        """In 1/90000 s, unwrapped."""

    @property
    def size(self) -> int:
        """Bytes of payload."""


P = TypeVar("P", bound=Picture)


class GopCache(Generic[P]):
    """The pictures since the newest key picture, or nothing when they exceed the caps.

    A GOP over the caps is given up whole until the next key frame: a part of it could not be decoded.
    """

    def __init__(self, *, max_bytes: int = 4 << 20, max_s: float = 12.0, max_frames: int = 600) -> None:
        self._max_bytes = max_bytes
        self._max_ticks = round(max_s * VIDEO_CLOCK_HZ)
        self._max_frames = max_frames
        self._frames: list[P] = []
        self._bytes = 0

    @property
    def frames(self) -> Sequence[P]:
        """What can be decoded from its beginning to the live edge; empty when nothing can."""
        return self._frames

    @property
    def size(self) -> int:
        """Bytes of payload held."""
        return self._bytes

    def push(self, frame: P) -> None:
        """Take the stream's next frame."""
        if frame.is_key:
            self.clear()
        elif not self._frames:
            return
        self._frames.append(frame)
        self._bytes += frame.size
        is_too_long = frame.timestamp - self._frames[0].timestamp > self._max_ticks
        if self._bytes > self._max_bytes or is_too_long or len(self._frames) > self._max_frames:
            self.clear()

    def clear(self) -> None:
        """Forget everything, as when the stream breaks."""
        self._frames = []
        self._bytes = 0


@dataclass(frozen=True, slots=True)
class Squeeze:
    """How one viewer's timestamps differ from the stream's: frames before the live edge are squeezed in time.

    Frame `edge_number` keeps its timestamp; each one before it is 1 ms earlier than its follower. So the cached GOP
    ends at the live edge and is decoded as fast as it comes. A pure function of the frame, because the same packet sent
    again has to be the same to the bit (SRTP's nonce is its index).
    """

    edge_number: int
    edge_timestamp: int

    def timestamp(self, frame: Frame) -> int:
        """The frame's time for this viewer, 1/90000 s, unwrapped."""
        behind = self.edge_number - frame.number
        return frame.timestamp if behind <= 0 else self.edge_timestamp - behind * SQUEEZED_STEP
