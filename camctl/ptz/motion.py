"""One camera's motion: the newest wish wins, each has something that ends it, and Stop is said until it is confirmed.

A state machine over `Phase`; `Motion._TABLE` is its transition table. It knows nothing of people: the arbiter, which
owns it, tells it what the holder wants. Time is an argument (`now`, seconds of any monotonic clock).

What always holds (tests/property/test_arbiter_machine.py):
* at most one move is in flight, and none is sent while the newest Stop is unanswered;
* in MOVING and TRAVELLING something is wanted, and `deadline()` is not later than its end;
* in STOPPING the newest Stop is in flight or has a time at which it is said again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, ClassVar

from camctl.ptz import events as ev
from camctl.ptz.model import Velocity
from camctl.ptz.rules import Rules


class Phase(Enum):
    """What the camera is doing, as far as we caused it."""

    STILL = "still"
    MOVING = "moving"  # a continuous move that lives by commands
    TRAVELLING = "travelling"  # on the way to a preset; ends at its target
    STOPPING = "stopping"  # told to stop, not yet confirmed


@dataclass(frozen=True, slots=True)
class Turn:
    """Wanted: turn with `velocity` until `ends_at`, unless something newer comes over `channel` or another."""

    velocity: Velocity
    ends_at: float
    channel: str


@dataclass(frozen=True, slots=True)
class Trip:
    """Wanted: go to `preset` (None: home) with `speed`; given up at `ends_at`."""

    preset: str | None
    speed: float | None
    ends_at: float
    channel: str


Want = Turn | Trip


@dataclass(frozen=True, slots=True)
class Go:
    """The holder wants this now."""

    want: Want


@dataclass(frozen=True, slots=True)
class Halt:
    """Nothing is wanted any more. `even_if_still`: say Stop also when we believe that it stands."""

    reason: ev.StopReason
    even_if_still: bool = False


Input = Go | Halt | ev.Adjust | ev.MoveAnswered | ev.StopAnswered | ev.StandstillSeen | ev.TurningSeen | ev.Tick
Handler = Callable[["Motion", Any, float], list[ev.Action]]


def _row(still: Handler, moving: Handler, travelling: Handler, stopping: Handler) -> dict[Phase, Handler]:
    """One row of the transition table."""
    return {Phase.STILL: still, Phase.MOVING: moving, Phase.TRAVELLING: travelling, Phase.STOPPING: stopping}


class Motion:
    """Feed it inputs; carry out what it returns; call it again with Tick at `deadline()`."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.phase = Phase.STILL
        self.stop_confirmed: bool | None = None
        self.want: Want | None = None
        self._sent: Want | None = None
        self._sent_at = -math.inf
        self._was_still = True  # before the newest move was sent
        self._move_in_flight: int | None = None
        self._stop_in_flight: int | None = None
        self._stop_sent_at = -math.inf
        self._stop_again_at = math.inf
        self._failures = 0  # of the Stops since the last confirmed one
        self._attempt = 0  # failures, and Stops that were confirmed but had no effect, since the last move
        self._number = 0

    # Reading it -----------------------------------------------------------------------------------------------------

    @property
    def is_settled(self) -> bool:
        """Whether nothing of ours can make the camera turn: it stands, and no move is still unanswered."""
        return self.phase is Phase.STILL and self._move_in_flight is None

    @property
    def wanted_until(self) -> float:
        """Until when something is wanted; -inf when nothing is."""
        return self.want.ends_at if self.want is not None else -math.inf

    def deadline(self) -> float:
        """When `Tick` is due next; inf when nothing is pending."""
        times = [self.want.ends_at if self.want is not None else math.inf]
        if self.phase is Phase.MOVING and self._move_in_flight is None:
            times.append(self._renew_at())
        if self.phase is Phase.STOPPING and self._stop_in_flight is None:
            times.append(self._stop_again_at)
            if self.want is not None and self._move_in_flight is None and self._has_failed_enough:
                times.append(self._timed_out_at())
        return min(times)

    def begins_anew(self, now: float) -> None:
        """An earlier life of this process may have sent a move up to `now`: its Timeout has to be waited for."""
        self._sent_at = now

    # Driving it -----------------------------------------------------------------------------------------------------

    def handle(self, event: Input, now: float) -> list[ev.Action]:
        """Take one input at `now`; returns the actions to carry out, in order."""
        if isinstance(event, Go):
            self.want = event.want
        elif isinstance(event, Halt):
            self.want = None
        return self._TABLE[type(event)][self.phase](self, event, now)

    def expire(self, now: float) -> list[ev.Action]:
        """End what is wanted when its time is over."""
        if self.want is None or now < self.want.ends_at:
            return []
        is_trip = isinstance(self.want, Trip)
        return self.handle(Halt(ev.StopReason.TRAVEL_LIMIT if is_trip else ev.StopReason.SILENCE), now)

    def _ignore(self, _event: Input, _now: float) -> list[ev.Action]:
        return []

    # Moving ---------------------------------------------------------------------------------------------------------

    def _pursue(self, _event: Input | None, now: float) -> list[ev.Action]:
        """Send what is wanted, if now is the time: one move in flight, nothing twice in vain."""
        want = self.want
        if want is None or self._move_in_flight is not None:
            return []
        if isinstance(want, Trip):
            return [] if self._sent is want else self._depart(want, now)
        is_same = isinstance(self._sent, Turn) and self._sent.velocity == want.velocity
        if self.phase is Phase.MOVING and is_same and now < self._renew_at():
            return []
        return self._depart(want, now)

    def _depart(self, want: Want, now: float) -> list[ev.Action]:
        self._was_still = self.phase is Phase.STILL
        self._sent = want
        self._sent_at = now
        self.stop_confirmed = None
        self._failures = self._attempt = 0
        self._number += 1
        self._move_in_flight = self._number
        if isinstance(want, Trip):
            self.phase = Phase.TRAVELLING
            return [ev.SendTravel(self._number, want.preset, want.speed)]
        self.phase = Phase.MOVING
        return [ev.SendMove(self._number, want.velocity, self._rules.camera_timeout_s)]

    def _renew_at(self) -> float:
        """Half of the camera's own Timeout after the last move, so that one lost renewal does not stop it."""
        return self._sent_at + self._rules.camera_timeout_s / 2

    def _adjust(self, event: ev.Adjust, now: float) -> list[ev.Action]:
        if not isinstance(self.want, Turn):
            return []
        if event.velocity.is_zero:
            return self.handle(Halt(ev.StopReason.LIMIT), now)
        return self.handle(Go(replace(self.want, velocity=event.velocity)), now)

    def _is_newest(self, event: ev.MoveAnswered) -> bool:
        """Whether it answers the move in flight, which then no longer is."""
        if event.number != self._move_in_flight:
            return False
        self._move_in_flight = None
        return True

    def _moved(self, event: ev.MoveAnswered, now: float) -> list[ev.Action]:
        if not self._is_newest(event):
            return []
        # A failed one is sent again at the next renewal, if the finger is still down: at once would hammer.
        is_failed_again = not event.ok and isinstance(self.want, Turn) and now < self._renew_at()
        return [] if is_failed_again else self._pursue(event, now)

    def _travels(self, event: ev.MoveAnswered, now: float) -> list[ev.Action]:
        if not self._is_newest(event):
            return []
        if not event.refused or self.want is not self._sent:
            return self._pursue(event, now)
        if not self._was_still:  # what it did before the refused travel goes on, and nobody wants that any more
            return self.handle(Halt(ev.StopReason.TRAVEL_REFUSED), now)
        self.want = None
        self.phase = Phase.STILL
        return []

    def _arrive(self, _event: ev.StandstillSeen, _now: float) -> list[ev.Action]:
        if self._move_in_flight is None:
            self.want = None
            self.phase = Phase.STILL
        return []

    # Stopping -------------------------------------------------------------------------------------------------------

    def _halt_still(self, event: Halt, now: float) -> list[ev.Action]:
        return self._begin_stop(event, now) if event.even_if_still else []

    def _begin_stop(self, event: Halt, now: float) -> list[ev.Action]:
        self.phase = Phase.STOPPING
        self._failures = 0
        self.stop_confirmed = None
        return [self._send_stop(event.reason, now)]

    def _stop_more(self, event: Halt, now: float) -> list[ev.Action]:
        if self._stop_in_flight is not None and now < self._stop_sent_at + self._rules.stop_merge_s:
            return []  # one is on its way already; a drumming thumb must not fill the Stop path
        return [self._send_stop(event.reason, now)]

    def _hanging(self, event: ev.MoveAnswered, now: float) -> list[ev.Action]:
        """A move was answered after the Stop and may have started after it: say Stop once more, beside the other."""
        if not self._is_newest(event):
            return []
        if self.phase is Phase.STILL:
            return self._begin_stop(Halt(ev.StopReason.HANGING_MOVE), now)
        return [self._send_stop(ev.StopReason.HANGING_MOVE, now)]

    def _send_stop(self, reason: ev.StopReason, now: float) -> ev.SendStop:
        self._number += 1
        self._stop_in_flight = self._number
        self._stop_sent_at = now
        self._stop_again_at = math.inf
        return ev.SendStop(self._number, reason, self._attempt)

    def _stop_answered(self, event: ev.StopAnswered, now: float) -> list[ev.Action]:
        # An older Stop's success does not count: the newest one was sent because something happened since.
        if event.number != self._stop_in_flight:
            return []
        if event.ok:
            return self._stopped(event, now)
        self._stop_in_flight = None
        self._failures += 1
        self._attempt += 1
        self.stop_confirmed = False
        pause_s = self._rules.stop_retry_s * 2 ** min(self._failures - 1, 10)
        self._stop_again_at = now + min(pause_s, self._rules.stop_retry_max_s)
        return self._overtake(event, now)

    def _stopped(self, event: Input, now: float) -> list[ev.Action]:
        self.phase = Phase.STILL
        self._stop_in_flight = None
        self._stop_again_at = math.inf
        self._failures = 0
        self.stop_confirmed = True
        return self._pursue(event, now)

    def _overtake(self, event: Input, now: float) -> list[ev.Action]:
        """Let what is wanted go although no Stop is confirmed: a camera that answers no Stop may still be steered.

        Only when several Stops failed, none is under way, and the camera's own Timeout has ended the old motion.
        """
        is_free = self._stop_in_flight is None and self._has_failed_enough and now >= self._timed_out_at()
        return self._pursue(event, now) if is_free else []

    @property
    def _has_failed_enough(self) -> bool:
        return self._failures >= self._rules.give_way_after_failures

    def _timed_out_at(self) -> float:
        return self._sent_at + self._rules.camera_timeout_s + self._rules.stop_merge_s

    def _say_again(self, event: ev.Tick, now: float) -> list[ev.Action]:
        overtaking = self._overtake(event, now)
        if overtaking or self._stop_in_flight is not None or now < self._stop_again_at:
            return overtaking
        return [self._send_stop(ev.StopReason.RETRY, now)]

    def _turns_on(self, _event: ev.TurningSeen, now: float) -> list[ev.Action]:
        """It confirmed a Stop and turns all the same: not stopped, whatever it says."""
        if self.stop_confirmed is not True or self.want is not None:
            return []
        self.phase = Phase.STOPPING
        self.stop_confirmed = False
        self._attempt += 1
        return [self._send_stop(ev.StopReason.STILL_TURNING, now)]

    # The table ------------------------------------------------------------------------------------------------------

    _TABLE: ClassVar[dict[type, dict[Phase, Handler]]] = {
        # when this comes  while: STILL        MOVING        TRAVELLING    STOPPING
        Go:                _row(_pursue,       _pursue,      _pursue,      _overtake),
        Halt:              _row(_halt_still,   _begin_stop,  _begin_stop,  _stop_more),
        ev.Adjust:         _row(_adjust,       _adjust,      _adjust,      _adjust),
        ev.MoveAnswered:   _row(_hanging,      _moved,       _travels,     _hanging),
        ev.StopAnswered:   _row(_ignore,       _ignore,      _ignore,      _stop_answered),
        ev.StandstillSeen: _row(_ignore,       _ignore,      _arrive,      _stopped),
        ev.TurningSeen:    _row(_turns_on,     _ignore,      _ignore,      _ignore),
        ev.Tick:           _row(_ignore,       _pursue,      _pursue,      _say_again),
    }  # fmt: skip
