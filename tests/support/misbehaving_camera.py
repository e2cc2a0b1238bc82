"""A camera's motor with a truth of its own, which answers late, not at all, or wrongly. Pure; time is an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

CALL_LIMIT_S = 3.0  # after which a driver gives a call up
TIMEOUT_S = 1.0  # what every move carries


class Moves(Enum):
    """What the camera does with a move or a travel."""

    DONE = "done"
    LATE = "late"  # done, and answered, long afterwards
    UNANSWERED = "unanswered"  # done, but no answer comes
    LOST = "lost"
    REFUSED = "refused"


class Stops(Enum):
    """What the camera does with a Stop."""

    DONE = "done"
    LATE = "late"
    UNANSWERED = "unanswered"
    LOST = "lost"
    REFUSED = "refused"
    IGNORED = "ignored"  # confirmed all the same


@dataclass
class Answer:
    """What becomes of a call: it takes effect (None: never) and is answered at these times."""

    effect_at: float | None
    answer_at: float
    ok: bool
    refused: bool = False


@dataclass
class Camera:
    """`is_good`: it answers soon and does what it is told; then nothing below may be changed."""

    is_good: bool
    honours_timeout: bool = True
    tells_position: bool = True
    call_s: float = 0.1
    moves: Moves = Moves.DONE
    stops: Stops = Stops.DONE
    first_good_attempt: int = 0  # the way of stopping from which on it really stops
    turns_until: float = 0.0  # the truth
    is_travelling: bool = False

    def is_turning(self, now: float) -> bool:
        return now < self.turns_until

    def stands_since(self, now: float) -> float:
        """Since when it stands; inf while it turns."""
        return math.inf if self.is_turning(now) else self.turns_until

    def asked_to_move(self, now: float) -> Answer:
        match self.moves:
            case Moves.DONE:
                return Answer(now + self.call_s / 2, now + self.call_s, ok=True)
            case Moves.LATE:
                return Answer(now + 2.5, now + 2.7, ok=True)
            case Moves.UNANSWERED:
                return Answer(now + self.call_s, now + CALL_LIMIT_S, ok=False)
            case Moves.LOST:
                return Answer(None, now + CALL_LIMIT_S, ok=False)
            case Moves.REFUSED:
                return Answer(None, now + self.call_s, ok=False, refused=True)

    def asked_to_stop(self, attempt: int, now: float) -> Answer:
        is_obeyed = attempt >= self.first_good_attempt
        match self.stops:
            case Stops.DONE:
                return Answer(now + self.call_s / 2 if is_obeyed else None, now + self.call_s, ok=True)
            case Stops.LATE:
                return Answer(now + 2.5 if is_obeyed else None, now + 2.7, ok=True)
            case Stops.UNANSWERED:
                return Answer(now + self.call_s, now + CALL_LIMIT_S, ok=False)
            case Stops.LOST:
                return Answer(None, now + CALL_LIMIT_S, ok=False)
            case Stops.REFUSED:
                return Answer(None, now + self.call_s, ok=False)
            case Stops.IGNORED:
                return Answer(None, now + self.call_s, ok=True)

    def turn(self, now: float) -> None:
        self.is_travelling = False
        self.turns_until = now + TIMEOUT_S if self.honours_timeout else math.inf

    def travel(self, duration_s: float, now: float) -> None:
        self.is_travelling = True
        self.turns_until = now + duration_s

    def halt(self, now: float) -> None:
        if self.is_turning(now):
            self.turns_until = now
