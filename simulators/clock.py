"""Time as a thing that is passed in, so that a test of motors needs no sleep."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings of time, both in seconds."""

    def monotonic(self) -> float:
        """A clock that never jumps; motors and encoders run by it."""

    def wall(self) -> float:
        """Seconds since 1970, UTC; what people and the strip in the picture read."""


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """See Clock."""
        return time.monotonic()

    def wall(self) -> float:
        """See Clock."""
        return time.time()


class ManualClock:
    """A clock that stands still until it is told to go on; both readings move together."""

    def __init__(self, monotonic: float = 0.0, wall: float = 1_700_000_000.0) -> None:
        self._monotonic = monotonic
        self._wall = wall

    def monotonic(self) -> float:
        """See Clock."""
        return self._monotonic

    def wall(self) -> float:
        """See Clock."""
        return self._wall

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._monotonic += seconds
        self._wall += seconds
