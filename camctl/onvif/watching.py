"""Watching how far the steps of a camera get, so that they become as long as they may be."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from camctl.onvif.pace import Pace, Sample
from camctl.ptz.model import PtzStatus, Velocity
from camctl.ptz.ports import CameraError

_log = logging.getLogger(__name__)

_LOOKS_S = (0.05, 0.25)  # after the step's answer, and after the first look
_FRESH_S = 1.0  # where the step before ended says where this one began


class StepWatcher:
    """Looks twice at a step. What goes wrong with that is of no concern: the steps stay as long as they are."""

    def __init__(self, status: Callable[[], Awaitable[PtzStatus]]) -> None:
        self._status = status
        self._looking: asyncio.Task[None] | None = None
        self._count = 0
        self._last: Sample | None = None

    def look(self, pace: Pace, velocity: Velocity, sent_s: float) -> None:
        """A step with this velocity was sent at `sent_s` (monotonic) and accepted; does not wait."""
        self._count += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._learn(pace, velocity, sent_s), name="learn the pace of a camera")

    def forget(self) -> None:
        """The step in progress was ended by something else."""
        self._count += 1

    def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _learn(self, pace: Pace, velocity: Velocity, sent_s: float) -> None:
        count, last = self._count, self._last
        before = last.status.position if last is not None and sent_s - last.at_s < _FRESH_S else None
        samples: list[Sample] = []
        try:
            for wait_s in _LOOKS_S:
                await asyncio.sleep(wait_s)
                asked_s = time.monotonic()
                status = await self._status()
                samples.append(Sample((asked_s + time.monotonic()) / 2, status))
        except CameraError as error:
            _log.info("the length of steps stays as it is: %s", error.detail)
            return
        first, self._last = samples
        if count == self._count:
            pace.learn(velocity, sent_s, before, first, samples[-1])
