"""What an RTSP server serves: the port that the simulator's encoder and, later, our own hubs implement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from streams.rtp.frames import AccessUnit, VideoFormat


class Subscription(Protocol):
    """One client's share of a source."""

    def close(self) -> None:
        """End it; idempotent. The source may stop working when the last one closes."""


class MediaSource(Protocol):
    """One video stream that any number of RTSP clients may play."""

    async def describe(self) -> VideoFormat:
        """The format with parameter sets in it, for the SDP.

        Raises:
            StreamError: the source cannot run.
        """

    def subscribe(self, sink: Callable[[AccessUnit], None]) -> Subscription:
        """Call `sink` on the event loop for every access unit from now on, until the subscription is closed."""
