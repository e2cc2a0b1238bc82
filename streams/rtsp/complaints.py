"""Where packets of a camera were bad, in the log, however many there are."""

from __future__ import annotations

import logging
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Complaints:
    """Logs the first of each `every_s` seconds in full and counts the rest. Called with the place and what is wrong.

    What is said comes from our own words and numbers only, never from what the camera sent.
    """

    def __init__(self, name: str, clock: Callable[[], float], *, every_s: float = 30.0) -> None:
        self._name = name
        self._clock = clock
        self._every_s = every_s
        self._next_s = float("-inf")
        self._unsaid = 0

    def __call__(self, where: str) -> None:
        """Something is wrong there."""
        now_s = self._clock()
        if now_s < self._next_s:
            self._unsaid += 1
            return
        more = f" (and {self._unsaid} more since the last line about it)" if self._unsaid else ""
        _log.warning("%s: RTP %s%s", self._name, where, more)
        self._next_s = now_s + self._every_s
        self._unsaid = 0
