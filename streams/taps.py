"""Who takes a stream's access units whole: the re-stream, the feeds for browsers without WebRTC, other workers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from streams.rtp.frames import AccessUnit
from streams.rtp.gop import GopCache

log = logging.getLogger(__name__)

Sink = Callable[[AccessUnit], None]
T = TypeVar("T")


class Tap(Generic[T]):
    """One taker; closed once, it gets nothing any more."""

    def __init__(self, sink: Callable[[T], None], taps: dict[Tap[T], None]) -> None:
        self._sink = sink
        self._taps = taps
        taps[self] = None

    def close(self) -> None:
        """End it; idempotent."""
        self._taps.pop(self, None)

    def give(self, unit: T) -> None:
        """Hand the next unit over. What the taker raises is logged and closes its tap: the others go on."""
        if self not in self._taps:
            return
        try:
            self._sink(unit)
        except Exception:
            log.exception("who takes a stream failed")
            self.close()


class Taps:
    """The takers of one stream, and the newest group of pictures for those who come."""

    def __init__(self) -> None:
        self._recent: GopCache[AccessUnit] = GopCache()
        self._taps: dict[Tap[AccessUnit], None] = {}

    def __len__(self) -> int:
        return len(self._taps)

    def add(self, sink: Sink) -> Tap[AccessUnit]:
        """Call `sink` with every access unit: those of the newest group of pictures at once, then what comes.

        The first one is a key unit, as is the first after `forget`. The same object goes to all takers.
        """
        tap = Tap(sink, self._taps)
        for unit in tuple(self._recent.frames):
            tap.give(unit)
        return tap

    def push(self, unit: AccessUnit) -> None:
        """Give the next unit to all."""
        self._recent.push(unit)
        for tap in tuple(self._taps):
            tap.give(unit)

    def forget(self) -> None:
        """Keep no picture of before now; the takers stay, and the next unit is a key unit."""
        self._recent.clear()
