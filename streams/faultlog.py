"""Log lines about bad packets that find the sender but cannot flood the log. What is said is decided purely.

A line says the kind of fault, whose it is, where in the packet, and how many were left out since the last line. It
never holds a packet's content.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

EVERY_S = 10.0  # between two lines about the same fault of the same sender
LINES_PER_S = 5.0  # of all kinds together
_MAX_KEPT = 64  # senders; whoever forges addresses must not fill the memory


class FaultRate:
    """Decides which faults are worth a line."""

    def __init__(self, every_s: float = EVERY_S, lines_per_s: float = LINES_PER_S, max_kept: int = _MAX_KEPT) -> None:
        self._every_s = every_s
        self._lines_per_s = lines_per_s
        self._max_kept = max_kept
        self._seen: OrderedDict[tuple[str, Hashable], tuple[float, int]] = OrderedDict()  # next line at, left out since
        self._allowance = lines_per_s
        self._refilled_s: float | None = None
        self._lost = 0  # left out of those that were forgotten

    def __len__(self) -> int:
        return len(self._seen)

    def note(self, kind: str, subject: Hashable, now_s: float) -> int | None:
        """Count one fault; None: say nothing. A number: say it, so many of this kind and subject were left out.

        What was left out of subjects that were forgotten meanwhile is added to the next line, whosever it is.
        """
        key = (kind, subject)
        due_s, left_out = self._seen.pop(key, (now_s, 0))
        if now_s < due_s or not self._take(now_s):
            self._keep(key, (due_s, left_out + 1))
            return None
        self._keep(key, (now_s + self._every_s, 0))
        lost, self._lost = self._lost, 0
        return left_out + lost

    def _keep(self, key: tuple[str, Hashable], entry: tuple[float, int]) -> None:
        self._seen[key] = entry
        if len(self._seen) > self._max_kept:
            _, (_, left_out) = self._seen.popitem(last=False)
            self._lost += left_out

    def _take(self, now_s: float) -> bool:
        since_s = now_s - self._refilled_s if self._refilled_s is not None else 0.0
        self._refilled_s = now_s
        self._allowance = min(self._lines_per_s, self._allowance + max(0.0, since_s) * self._lines_per_s)
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


class FaultLog:
    """Writes what `FaultRate` lets through."""

    def __init__(
        self, log: logging.Logger, rate: FaultRate | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._rate = rate or FaultRate()
        self._clock = clock

    def __call__(self, kind: str, subject: Hashable, where: str) -> None:
        """One bad packet: what is wrong, whose (an address, or 8 characters of a session), where in it."""
        left_out = self._rate.note(kind, subject, self._clock())
        if left_out is None:
            return
        more = f"; {left_out} more since the last such line" if left_out else ""
        self._log.info("dropped a packet of %s: %s, %s%s", subject, kind, where, more)
