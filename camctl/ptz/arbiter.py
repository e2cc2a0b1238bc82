"""One camera's arbiter: one holder at a time, the newest command wins, and every motion has something that ends it.

A state machine over `Phase`, driven by events with `now` (seconds of any monotonic clock) and answering with actions.
It performs nothing itself: camctl.cameras carries the actions out and calls back with what the camera answered.

Invariants (tests/property/test_arbiter_machine.py):
* a move is sent only for the lease's holder, and never while a Stop is on its way;
* in MOVING there is always a deadline not later than the command's life;
* after a Stop was asked for, the camera is told so until it confirms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, ClassVar

from camctl.ptz import events as ev
from camctl.ptz.model import STILL, Velocity


class Phase(Enum):
    """What the camera is doing, as far as we caused it."""

    STILL = "still"
    MOVING = "moving"  # a continuous move that lives by commands
    TRAVELLING = "travelling"  # on the way to a preset; ends at its target
    STOPPING = "stopping"  # told to stop, not yet confirmed


@dataclass(frozen=True, slots=True)
class Rules:
    """The arbiter's numbers, in seconds but for the last; the first two are keys of config.yaml (`control`)."""

    lease_idle_s: float = 10.0
    camera_timeout_s: int = 1
    travel_limit_s: float = 30.0
    stop_retry_s: float = 0.25
    stop_retry_max_s: float = 5.0
    stop_merge_s: float = 0.2
    give_way_after_failures: int = 3


@dataclass(frozen=True, slots=True)
class Lease:
    """Control of one camera. `fence` grows with every change of holder or channel."""

    source: ev.Source
    fence: int
    used_at: float


@dataclass(frozen=True, slots=True)
class Want:
    """What the holder wants the camera to do, until when."""

    velocity: Velocity
    ends_at: float
    channel: str
    travel: bool = False
    preset: str | None = None


class Arbiter:
    """Feed it events; carry out what it returns; call it again with Tick at `deadline()`."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.phase = Phase.STILL
        self.lease: Lease | None = None
        self.stop_confirmed: bool | None = None
        self._want: Want | None = None
        self._sent: Want | None = None
        self._sent_at = -math.inf
        self._move_in_flight: int | None = None
        self._stop_in_flight: int | None = None
        self._stop_sent_at = -math.inf
        self._stop_failures = 0
        self._stop_again_at = math.inf
        self._fence = 0
        self._number = 0
        self._gesture: dict[str, int] = {}  # the newest press of each channel
        self._released: dict[str, int] = {}  # the newest press that is over

    # Reading it -----------------------------------------------------------------------------------------------------

    @property
    def is_moving(self) -> bool:
        """Whether the camera turns because of us, as far as we know."""
        return self.phase is not Phase.STILL

    @property
    def is_settled(self) -> bool:
        """Whether nothing of ours can make the camera turn: it stands, and no move is still unanswered."""
        return self.phase is Phase.STILL and self._move_in_flight is None

    def lease_ends_at(self) -> float:
        """When the lease ends if nothing more comes; -inf without one."""
        if self.lease is None:
            return -math.inf
        idle_end = self.lease.used_at + self.rules.lease_idle_s
        return max(idle_end, self._want.ends_at) if self._want else idle_end

    def deadline(self) -> float:
        """When `Tick` is due next; inf when nothing is pending."""
        times = [math.inf]
        if self.lease is not None:
            times.append(self.lease_ends_at())
        if self._want is not None:
            times.append(self._want.ends_at)
            if self.phase is Phase.MOVING and self._move_in_flight is None:
                times.append(self._renew_at())
        if self.phase is Phase.STOPPING and self._stop_in_flight is None:
            times.append(self._stop_again_at)
        return min(times)

    def may_take_over(self, source: ev.Source) -> bool:
        """Whether a take-over by `source` would succeed now."""
        holder = self.lease.source if self.lease else None
        if holder is None or holder.sign_in == source.sign_in:
            return False
        return source.priority > holder.priority or source.person == holder.person

    # Driving it -----------------------------------------------------------------------------------------------------

    def handle(self, event: ev.Event, now: float) -> list[ev.Action]:
        """Take one event at `now`; returns the actions to carry out, in order."""
        before = self._public_state()
        actions = self._expire(now)
        actions += self._HANDLERS[type(event)](self, event, now)
        if self._public_state() != before:
            actions.append(ev.Publish())
        return actions

    def _public_state(self) -> tuple[object, ...]:
        lease = self.lease
        # The time of the last use by whole seconds: onlookers' countdowns follow a holder who goes on.
        used = (lease.fence, math.floor(lease.used_at)) if lease else None
        return (used, self.phase, self.stop_confirmed)

    def _expire(self, now: float) -> list[ev.Action]:
        """Let time pass: a command's life first, then the lease's."""
        actions: list[ev.Action] = []
        if self._want is not None and now >= self._want.ends_at:
            reason = ev.StopReason.TRAVEL_LIMIT if self._want.travel else ev.StopReason.SILENCE
            actions += self._halt(reason, now)
        if self.lease is not None and now >= self.lease_ends_at():
            self._free()
        return actions

    # Leases ---------------------------------------------------------------------------------------------------------

    def _hold(self, source: ev.Source, now: float) -> None:
        """Give `source` the lease, or prolong it; a new holder or channel gets a new fence."""
        if self.lease is None or self.lease.source != source:
            self._fence += 1
            self.lease = Lease(source, self._fence, now)
        else:
            self.lease = replace(self.lease, used_at=now)

    def _free(self) -> None:
        self.lease = None
        self._gesture.clear()

    def _is_held_by_other(self, source: ev.Source) -> bool:
        return self.lease is not None and self.lease.source.sign_in != source.sign_in

    def _on_take(self, event: ev.Take, now: float) -> list[ev.Action]:
        if self._is_held_by_other(event.source):
            return [ev.Refuse(ev.Refusal.HELD)]
        self._hold(event.source, now)
        return []

    def _on_take_over(self, event: ev.TakeOver, now: float) -> list[ev.Action]:
        actions: list[ev.Action] = []
        if self._is_held_by_other(event.source):
            if not self.may_take_over(event.source):
                return [ev.Refuse(ev.Refusal.PRIORITY_TOO_LOW)]
            # Always, not only when we believe that it turns: the belief may be wrong and a Stop costs nothing.
            actions = self._halt(ev.StopReason.TAKEN_OVER, now, even_if_still=True)
            self._free()
        self._hold(event.source, now)
        return actions

    def _on_release(self, event: ev.Release, now: float) -> list[ev.Action]:
        if self.lease is None or self._is_held_by_other(event.source):
            return [ev.Refuse(ev.Refusal.NOTHING_TO_RELEASE)]
        actions = self._halt(ev.StopReason.RELEASED, now)
        self._free()
        return actions

    def _on_revoke(self, event: ev.Revoke, now: float) -> list[ev.Action]:
        if self.lease is None or self.lease.source.sign_in != event.sign_in:
            return []
        actions = self._halt(ev.StopReason.REVOKED, now)
        self._free()
        return actions

    def _on_channel_closed(self, event: ev.ChannelClosed, now: float) -> list[ev.Action]:
        # The lease stays for its idle time: the same sign-in may come back on a new socket.
        self._released.pop(event.channel, None)
        self._gesture.pop(event.channel, None)
        if self._want is not None and self._want.channel == event.channel:
            return self._halt(ev.StopReason.CHANNEL_CLOSED, now)
        return []

    # Moving ---------------------------------------------------------------------------------------------------------

    def _on_move(self, event: ev.Move, now: float) -> list[ev.Action]:
        source = event.source
        if self._is_held_by_other(source):
            return [ev.Refuse(ev.Refusal.HELD)]
        if event.gesture is not None:
            if event.gesture <= self._released.get(source.channel, -1):
                return [ev.Refuse(ev.Refusal.RELEASED)]
            self._gesture[source.channel] = event.gesture
        self._hold(source, now)
        if event.velocity.is_zero:  # the finger rests in the dead zone: the gesture lives on
            return self._halt(ev.StopReason.ASKED, now)
        self._want = Want(event.velocity, now + event.life_s, source.channel)
        return self._pursue(now)

    def _on_travel(self, event: ev.Travel, now: float) -> list[ev.Action]:
        if self._is_held_by_other(event.source):
            return [ev.Refuse(ev.Refusal.HELD)]
        self._hold(event.source, now)
        ends_at = now + self.rules.travel_limit_s
        self._want = Want(STILL, ends_at, event.source.channel, travel=True, preset=event.preset)
        return self._pursue(now)

    def _pursue(self, now: float) -> list[ev.Action]:
        """Send what is wanted, if now is the time: never beside a Stop, one move in flight, nothing twice in vain."""
        want = self._want
        if want is None or self._move_in_flight is not None:
            return []
        if self.phase is Phase.STOPPING and not self._gives_way(now):
            return []
        if want.travel:
            return [] if self._sent is want else self._depart(want, Phase.TRAVELLING, now)
        is_same = self._sent is not None and self._sent.velocity == want.velocity
        if self.phase is Phase.MOVING and is_same and now < self._renew_at():
            return []
        return self._depart(want, Phase.MOVING, now)

    def _gives_way(self, now: float) -> bool:
        """Whether an unconfirmed Stop may be followed by a move all the same.

        Only when several Stops failed, none is under way, and the camera's own Timeout has ended the old motion.
        """
        has_timed_out = now >= self._sent_at + self.rules.camera_timeout_s + self.rules.stop_merge_s
        failed_enough = self._stop_failures >= self.rules.give_way_after_failures
        return self._stop_in_flight is None and failed_enough and has_timed_out

    def _depart(self, want: Want, phase: Phase, now: float) -> list[ev.Action]:
        self.phase = phase
        self.stop_confirmed = None
        self._sent = want
        self._sent_at = now
        self._number += 1
        self._move_in_flight = self._number
        if want.travel:
            return [ev.SendTravel(self._number, want.preset)]
        return [ev.SendMove(self._number, want.velocity, self.rules.camera_timeout_s)]

    def _renew_at(self) -> float:
        """Half of the camera's own Timeout after the last move, so that one lost renewal does not stop it."""
        return self._sent_at + self.rules.camera_timeout_s / 2

    def _on_move_answered(self, event: ev.MoveAnswered, now: float) -> list[ev.Action]:
        if event.number != self._move_in_flight:
            return []
        self._move_in_flight = None
        if self.phase in {Phase.STILL, Phase.STOPPING}:
            # It may have started after our Stop: say Stop once more, beside the one that may still be under way.
            self.phase = Phase.STOPPING
            return [self._send_stop(ev.StopReason.HANGING_MOVE, now)]
        if event.refused and self._want is not None and self._want.travel:
            self._want = None
            self.phase = Phase.STILL
            return []
        if not event.ok:
            return []  # sent again at the next renewal, if the finger is still down: at once would hammer
        return self._pursue(now)

    # Stopping -------------------------------------------------------------------------------------------------------

    def _on_stop(self, event: ev.Stop, now: float) -> list[ev.Action]:
        if self._is_held_by_other(event.source):
            return [ev.Refuse(ev.Refusal.HELD)]
        if self.lease is not None:
            self._hold(event.source, now)
        channel = event.source.channel
        named = -1 if event.gesture is None else event.gesture
        over = max(self._gesture.get(channel, -1), self._released.get(channel, -1), named)
        if over >= 0:  # a late move of this press must not start the camera again
            self._released[channel] = over
        return self._halt(ev.StopReason.ASKED, now, even_if_still=True)

    def _on_force_stop(self, event: ev.ForceStop, now: float) -> list[ev.Action]:
        return self._halt(event.reason, now, even_if_still=True)

    def _halt(self, reason: ev.StopReason, now: float, *, even_if_still: bool = False) -> list[ev.Action]:
        self._want = None
        if self.phase is Phase.STILL and not even_if_still:
            return []
        if self.phase is not Phase.STOPPING:
            self.phase = Phase.STOPPING
            self._stop_failures = 0
            self.stop_confirmed = None
        elif self._stop_in_flight is not None and now < self._stop_sent_at + self.rules.stop_merge_s:
            return []  # one is on its way already; a drumming thumb must not fill the Stop path
        return [self._send_stop(reason, now)]

    def _send_stop(self, reason: ev.StopReason, now: float) -> ev.SendStop:
        self._number += 1
        self._stop_in_flight = self._number
        self._stop_sent_at = now
        self._stop_again_at = math.inf
        return ev.SendStop(self._number, reason)

    def _on_stop_answered(self, event: ev.StopAnswered, now: float) -> list[ev.Action]:
        if self.phase is not Phase.STOPPING:
            return []
        if event.ok:
            # An older Stop's success does not count: the newest one was sent because something happened since.
            if event.number == self._stop_in_flight:
                return self._stopped(now)
            return []
        if event.number != self._stop_in_flight:
            return []
        self._stop_in_flight = None
        self._stop_failures += 1
        self.stop_confirmed = False
        pause_s = self.rules.stop_retry_s * 2 ** min(self._stop_failures - 1, 10)
        self._stop_again_at = now + min(pause_s, self.rules.stop_retry_max_s)
        return []

    def _stopped(self, now: float) -> list[ev.Action]:
        self.phase = Phase.STILL
        self._stop_in_flight = None
        self._stop_again_at = math.inf
        self._stop_failures = 0
        self.stop_confirmed = True
        return self._pursue(now)

    def _on_standstill(self, _event: ev.StandstillSeen, now: float) -> list[ev.Action]:
        if self.phase is Phase.STOPPING and self._stop_in_flight is None:
            return self._stopped(now)
        if self.phase is Phase.TRAVELLING and self._move_in_flight is None:
            self._want = None
            self.phase = Phase.STILL
        return []

    def _on_tick(self, _event: ev.Tick, now: float) -> list[ev.Action]:
        if self.phase is Phase.STOPPING and self._stop_in_flight is None and now >= self._stop_again_at:
            return [self._send_stop(ev.StopReason.RETRY, now)]
        return self._pursue(now)

    _HANDLERS: ClassVar[dict[type, Callable[[Arbiter, Any, float], list[ev.Action]]]] = {
        ev.Take: _on_take,
        ev.TakeOver: _on_take_over,
        ev.Release: _on_release,
        ev.Revoke: _on_revoke,
        ev.ChannelClosed: _on_channel_closed,
        ev.Move: _on_move,
        ev.Travel: _on_travel,
        ev.MoveAnswered: _on_move_answered,
        ev.Stop: _on_stop,
        ev.ForceStop: _on_force_stop,
        ev.StopAnswered: _on_stop_answered,
        ev.StandstillSeen: _on_standstill,
        ev.Tick: _on_tick,
    }
