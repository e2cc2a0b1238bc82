"""Whether a camera stands, from the positions that it reports. Pure; time is an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass

from camctl.ptz.model import Position

SAME = 0.002  # of the generic spaces: what reports of a standing camera may differ
REST_S = 0.2  # after a Stop the motors run out; a report from before that says nothing
APART_S = 0.15  # two reports are compared only if the camera had this long to turn between them
TURNS_ON_S = 0.8  # so long after a confirmed Stop no motor runs out any more
_PATIENCE = 5  # Stops without effect, after which the next one waits longer
_LONGEST_S = 30.0


@dataclass(frozen=True, slots=True)
class Report:
    """A position that a camera told: its question was asked at `asked_at`, answered at `answered_at`."""

    asked_at: float
    answered_at: float
    position: Position

    def is_apart_from(self, earlier: Report) -> bool:
        """Whether it is certainly of a later moment, late enough that what turns has turned."""
        return self.asked_at >= earlier.answered_at + APART_S


def is_same(one: Position, other: Position) -> bool:
    """Whether two reports are of the same place; an axis that is not reported says nothing."""
    pairs = ((one.pan, other.pan), (one.tilt, other.tilt), (one.zoom, other.zoom))
    return all(a is None or b is None or abs(a - b) <= SAME for a, b in pairs)


class StandstillJudge:
    """Told of Stops and of reports, it says "stands", "turns" (although a Stop was confirmed) or nothing yet.

    Times are of one monotonic clock. A report is of some instant between its question and its answer: a late answer
    and a quick one to the next question may be of the same moment, and such a pair says nothing.
    """

    def __init__(self) -> None:
        self._stopped_at = -math.inf
        self._confirmed_at = math.inf
        self._last: Report | None = None
        self._in_vain = 0
        self.is_unclear = False

    def stop_sent(self, now: float) -> None:
        """A Stop left: what was reported before counts no more."""
        self._stopped_at = now
        self._confirmed_at = math.inf
        self._last = None
        self.is_unclear = True

    def stop_confirmed(self, now: float) -> None:
        """The camera says that it stopped."""
        self._confirmed_at = now

    def moved(self) -> None:
        """A new motion began: there is nothing to judge."""
        self.is_unclear = False
        self._in_vain = 0

    def report(self, report: Report) -> bool | None:
        """One report: True when the camera stands, False when it turns although it confirmed a Stop, None: unclear."""
        last = self._last
        if not self.is_unclear or (last is not None and not report.is_apart_from(last)):
            return None
        self._last = report
        if last is None:
            return None
        if is_same(last.position, report.position):
            if last.asked_at < self._stopped_at + REST_S:
                return None
            self.is_unclear = False
            self._in_vain = 0
            return True
        pause_s = TURNS_ON_S * 2 ** max(0, self._in_vain - _PATIENCE)
        if last.asked_at < self._confirmed_at + min(pause_s, _LONGEST_S):
            return None
        self._in_vain += 1
        return False
