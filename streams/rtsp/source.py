"""What an RTSP server serves: the port that the simulator's encoder implements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from streams.rtp.audio import AudioFormat, AudioPacket
from streams.rtp.frames import AccessUnit, VideoFormat


class Subscription(Protocol):
    """One client's share of a source."""

    def close(self) -> None:
        """End it; idempotent. The source may stop working when the last one closes."""


class MediaSource(Protocol):
    """One video stream that any number of RTSP clients may play."""

    async def describe(self) -> VideoFormat:
        """The format with parameter sets in it, for the SDP; the server waits ten seconds for it.

        Raises:
            StreamError: the source cannot run. NOT_FOUND, BUSY, OVERLOADED, CODEC and NO_VIDEO have RTSP statuses of
                their own, every other fault is answered with 503.
        """

    def subscribe(self, sink: Callable[[AccessUnit], None]) -> Subscription:
        """Call `sink` on the event loop for every access unit from now on, until the subscription is closed.

        The same unit is given to all sinks as the same object, so that it is cut into packets once. A sink skips what
        comes before the first key unit, and may close its subscription while it is called; `subscribe` itself may
        already call it, with units that are kept for newcomers.
        """


@runtime_checkable
class SoundSource(MediaSource, Protocol):
    """A source that may have sound beside its pictures."""

    @property
    def audio(self) -> AudioFormat | None:
        """The sound, once `describe` has returned; None when there is none."""

    def subscribe_sound(self, sink: Callable[[AudioPacket], None]) -> Subscription:
        """Call `sink` on the event loop with every packet of it, as `subscribe` does with pictures."""


@runtime_checkable
class KeepingSource(MediaSource, Protocol):
    """A source that keeps pictures for newcomers, and can do without."""

    def subscribe_from_next_key(self, sink: Callable[[AccessUnit], None]) -> Subscription:
        """As `subscribe`, but beginning with a key unit that comes after now; one is asked for."""
