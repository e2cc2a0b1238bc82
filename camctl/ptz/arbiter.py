"""One camera's arbiter: one holder at a time, whatever they are; others wait, take over, or are refused.

A state machine over the lease, driven by events with `now` (seconds of any monotonic clock) and answering with actions;
`Arbiter._TABLE` says what happens to each event. What the holder wants of the motors goes to its `Motion`. It performs
nothing itself: the camera's session carries the actions out and calls back with what the camera answered.

What always holds (tests/property/test_arbiter_machine.py):
* a move is sent only for the lease's holder;
* a change of holder says Stop first, unless nothing was moving and nobody else gets the camera;
* whoever waits, waits for a holder: a camera with a queue is never free;
* a refused event changes nothing, and a fence never goes back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from camctl.ptz import events as ev
from camctl.ptz.lease import Lease, restored
from camctl.ptz.motion import Go, Halt, Motion, Phase, Trip, Turn
from camctl.ptz.rules import Rules
from camctl.ptz.view import ControlView, HolderView, gives_way, may_take_over
from camctl.ptz.waiting import WaitingList

__all__ = ["Arbiter", "Lease", "Phase", "Rules"]


class Arbiter:
    """Feed it events; carry out what it returns; call it again with Tick at `deadline()`."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.lease: Lease | None = None
        self._motion = Motion(self.rules)
        self._queue = WaitingList(self.rules.queue_max, self.rules.http_wait_s)
        self._fence = 0
        self._gesture: dict[str, int] = {}  # the newest press of each of the holder's channels
        self._released: dict[str, int] = {}  # the newest press that is over, by channel
        self._shown = self._visible()

    # Reading it -----------------------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """What the camera is doing, as far as we caused it."""
        return self._motion.phase

    @property
    def stop_confirmed(self) -> bool | None:
        """False while a Stop was sent and nothing confirms it; None when none was sent since the last motion."""
        return self._motion.stop_confirmed

    @property
    def fence(self) -> int:
        """The newest lease's; 0 before the first."""
        return self._fence

    @property
    def is_moving(self) -> bool:
        """Whether the camera turns because of us, as far as we know."""
        return self.phase is not Phase.STILL

    @property
    def is_settled(self) -> bool:
        """Whether nothing of ours can make the camera turn: it stands, and no move is still unanswered."""
        return self._motion.is_settled

    @property
    def lease_source(self) -> ev.Source | None:
        """Whose lease it is."""
        return self.lease.source if self.lease is not None else None

    def lease_ends_at(self) -> float:
        """When the lease ends if nothing more comes; -inf without one."""
        if self.lease is None:
            return -math.inf
        return self.lease.ends_at(self.rules, self._queue.oldest_since(), self._motion.wanted_until)

    def deadline(self) -> float:
        """When `Tick` is due next; inf when nothing is pending."""
        times = [self._motion.deadline(), self._queue.deadline()]
        if self.lease is not None:
            times.append(self.lease_ends_at())
            if self.lease.reserved_until is not None:
                times.append(self.lease.reserved_until)
        return min(times)

    def may_take_over(self, source: ev.Source) -> bool:
        """Whether a take-over by `source` would succeed now."""
        lease = self.lease
        if lease is None or not self._is_held_by_other(source):
            return False
        return may_take_over(lease.source, source, is_reserved=lease.is_reserved)

    def view(self) -> ControlView:
        """The present state for everyone watching."""
        holder = None
        if self.lease is not None:
            holder = self.lease.view(self.rules, self._queue.oldest_since(), self._motion.wanted_until)
        return ControlView(holder, self._queue.views(), self.is_moving, self.stop_confirmed)

    def _visible(self) -> ControlView:
        """The view, but the lease's end by whole seconds: onlookers' countdowns follow a holder who goes on."""
        view = self.view()
        if view.holder is None:
            return view
        return replace(view, holder=replace(view.holder, ends_at=math.floor(view.holder.ends_at)))

    # Driving it -----------------------------------------------------------------------------------------------------

    def handle(self, event: ev.Event, now: float) -> list[ev.Action]:
        """Take one event at `now`; returns the actions to carry out, in order."""
        actions = self._expire(now)
        actions += self._TABLE[type(event)](self, event, now)
        visible = self._visible()
        if visible != self._shown:
            self._shown = visible
            actions.append(ev.Publish())
        return actions

    def restore(self, fence: int, holder: HolderView | None, now: float) -> None:
        """Go on where an earlier life of this process ended; before the first event.

        Args:
            fence: the newest that was ever given out for this camera; later ones are above it.
            holder: whose lease it was. It is theirs again for what is left at `now` of `ends_at` or `reserved_until`.
            now: the monotonic time.

        Raises:
            ValueError: somebody holds the camera already.
        """
        if self.lease is not None:
            raise ValueError("a lease can be restored only before the first one is given")
        self._motion.begins_anew(now)
        self._fence = max(self._fence, fence, holder.fence if holder is not None else 0)
        lease = restored(holder, self.rules, now) if holder is not None else None
        if lease is None:
            return
        if lease.fence < self._fence:  # there were later ones: theirs must not count for this one
            self._fence += 1
        self.lease = replace(lease, fence=self._fence, first_fence=self._fence)
        self._shown = self._visible()

    def _expire(self, now: float) -> list[ev.Action]:
        """Let time pass: the end of what is wanted first, then places, reservation and lease."""
        actions = self._motion.expire(now)
        self._queue.expire(now)
        lease = self.lease
        if lease is not None and lease.reserved_until is not None and now >= lease.reserved_until:
            self.lease = lease.without_reservation(now)
        if self.lease is not None and now >= self.lease_ends_at():
            actions += self._end_lease(ev.StopReason.LEASE_ENDED, now)
        return actions

    # Leases ---------------------------------------------------------------------------------------------------------

    def _is_held_by_other(self, source: ev.Source) -> bool:
        return self.lease is not None and self.lease.source.sign_in != source.sign_in

    def _why_not(self, source: ev.Source) -> list[ev.Action]:
        """The refusal of a source to which the camera does not give way; nothing for one who may go on."""
        lease = self.lease
        if lease is None or gives_way(lease.source, source, is_reserved=lease.is_reserved):
            return []
        return [ev.Refuse(ev.Refusal.RESERVED if lease.is_reserved else ev.Refusal.HELD)]

    def _is_fenced(self, source: ev.Source, fence: int | None) -> bool:
        if fence is None or fence >= self._fence:
            return False
        return self.lease is None or not self.lease.knows(source, fence)

    def _grant(self, source: ev.Source, now: float, reason: str = "") -> None:
        """Give `source` a lease of its own; whatever was pressed under the last one is over."""
        self._end_presses()
        self._fence += 1
        self.lease = Lease(source, self._fence, now, now, reason, first_fence=self._fence)
        self._queue.leave(source.sign_in)

    def _enter(self, source: ev.Source, now: float) -> list[ev.Action]:
        """Make `source`, which nothing refuses, the holder, or prolong its lease; a new channel gets a new fence."""
        lease = self.lease
        if lease is not None and lease.source.sign_in == source.sign_in:
            if lease.source != source:
                self._fence += 1
            self.lease = replace(lease, source=source, fence=self._fence, used_at=now)
            return []
        actions: list[ev.Action] = []
        if lease is not None:  # a patrol or event gives way
            actions = self._motion.handle(Halt(ev.StopReason.PREEMPTED, even_if_still=True), now)
        self._grant(source, now)
        return actions

    def _end_lease(self, reason: ev.StopReason, now: float) -> list[ev.Action]:
        """End the lease; the first of those who wait gets the next one, after a Stop."""
        waiters = self._queue.views()
        actions = self._motion.handle(Halt(reason, even_if_still=bool(waiters)), now)
        self._end_presses()
        self.lease = None
        if waiters:
            self._grant(waiters[0].source, now, waiters[0].reason)
        return actions

    def _end_presses(self) -> None:
        """A press ends with its lease: a finger that is still down must not turn the camera when it is free again."""
        for channel, gesture in self._gesture.items():
            self._released[channel] = max(gesture, self._released.get(channel, gesture))
        self._gesture.clear()

    def _on_take(self, event: ev.Take, now: float) -> list[ev.Action]:
        return self._why_not(event.source) or self._enter(event.source, now)

    def _on_take_over(self, event: ev.TakeOver, now: float) -> list[ev.Action]:
        lease, source = self.lease, event.source
        if lease is None or lease.source.sign_in == source.sign_in:
            actions = self._enter(source, now)
            self._explain(event.reason)
            return actions
        if not self.may_take_over(source):
            return [ev.Refuse(ev.Refusal.RESERVED if lease.is_reserved else ev.Refusal.PRIORITY_TOO_LOW)]
        # Always, not only when we believe that it turns: the belief may be wrong and a Stop costs nothing.
        actions = self._motion.handle(Halt(ev.StopReason.TAKEN_OVER, even_if_still=True), now)
        self._grant(source, now, event.reason)
        if self.lease is not None and lease.source.person == source.person:
            # The same person, only on another device: what they reserved stays, and so does what the cap counts.
            reason = lease.reason if lease.is_reserved else event.reason
            self.lease = replace(self.lease, since=lease.since, reserved_until=lease.reserved_until, reason=reason)
        return actions

    def _explain(self, reason: str) -> None:
        if self.lease is not None and reason and not self.lease.is_reserved:
            self.lease = replace(self.lease, reason=reason)

    def _on_release(self, event: ev.Release, now: float) -> list[ev.Action]:
        if self.lease is None or self._is_held_by_other(event.source):
            return [ev.Refuse(ev.Refusal.NOTHING_TO_RELEASE)]
        return self._end_lease(ev.StopReason.RELEASED, now)

    def _on_revoke(self, event: ev.Revoke, now: float) -> list[ev.Action]:
        self._queue.leave(event.sign_in)
        if self.lease is None or self.lease.source.sign_in != event.sign_in:
            return []
        return self._end_lease(ev.StopReason.REVOKED, now)

    def _on_channel_closed(self, event: ev.ChannelClosed, now: float) -> list[ev.Action]:
        # The lease stays for its idle time: the same sign-in may come back on a new socket.
        self._released.pop(event.channel, None)
        self._gesture.pop(event.channel, None)
        self._queue.close_channel(event.channel)
        want = self._motion.want
        if want is None or want.channel != event.channel:
            return []
        return self._motion.handle(Halt(ev.StopReason.CHANNEL_CLOSED), now)

    # Waiting and reserving ------------------------------------------------------------------------------------------

    def _on_request(self, event: ev.Request, now: float) -> list[ev.Action]:
        source = event.source
        refusal = self._why_not(source)
        if not refusal:
            actions = self._enter(source, now)
            self._explain(event.reason)
            return actions
        if source.kind is not ev.SourceKind.PERSON:
            return refusal
        has_place = self._queue.join(source, event.reason, now)
        return [] if has_place else [ev.Refuse(ev.Refusal.QUEUE_FULL)]

    def _on_withdraw(self, event: ev.Withdraw, _now: float) -> list[ev.Action]:
        return [] if self._queue.leave(event.source.sign_in) else [ev.Refuse(ev.Refusal.NOT_WAITING)]

    def _on_hand_over(self, event: ev.HandOver, now: float) -> list[ev.Action]:
        if self.lease is None or self._is_held_by_other(event.source):
            return [ev.Refuse(ev.Refusal.NOT_HOLDER)]
        waiter = self._queue.find(event.ticket)
        if waiter is None:
            return [ev.Refuse(ev.Refusal.NOT_WAITING)]
        actions = self._motion.handle(Halt(ev.StopReason.HANDED_OVER, even_if_still=True), now)
        self._grant(waiter.source, now, waiter.reason)
        return actions

    def _on_reserve(self, event: ev.Reserve, now: float) -> list[ev.Action]:
        refusal = self._why_not(event.source)
        if refusal:
            return refusal
        actions = self._enter(event.source, now)
        if self.lease is not None:
            until = now + min(event.limit_s, self.rules.reserve_max_s)
            self.lease = replace(self.lease, reserved_until=until, reason=event.reason)
        return actions

    def _on_unreserve(self, event: ev.Unreserve, now: float) -> list[ev.Action]:
        if self.lease is None or self._is_held_by_other(event.source):
            return [ev.Refuse(ev.Refusal.NOT_HOLDER)]
        self.lease = self.lease.without_reservation(now)
        return []

    # Moving ---------------------------------------------------------------------------------------------------------

    def _on_move(self, event: ev.Move, now: float) -> list[ev.Action]:
        source, gesture = event.source, event.gesture
        if self._is_fenced(event.source, event.fence):
            return [ev.Refuse(ev.Refusal.FENCED)]
        refusal = self._why_not(source)
        if refusal:
            return refusal
        if gesture is not None and gesture <= self._released.get(source.channel, -1):
            return [ev.Refuse(ev.Refusal.RELEASED)]
        actions = self._enter(source, now)
        if gesture is not None:
            self._gesture[source.channel] = gesture
        if event.velocity.is_zero:  # the finger rests in the dead zone: the gesture lives on
            return actions + self._motion.handle(Halt(ev.StopReason.ASKED), now)
        return actions + self._motion.handle(Go(Turn(event.velocity, now + event.life_s, source.channel)), now)

    def _on_travel(self, event: ev.Travel, now: float) -> list[ev.Action]:
        if self._is_fenced(event.source, event.fence):
            return [ev.Refuse(ev.Refusal.FENCED)]
        refusal = self._why_not(event.source)
        if refusal:
            return refusal
        actions = self._enter(event.source, now)
        trip = Trip(event.preset, event.speed, now + self.rules.travel_limit_s, event.source.channel)
        return actions + self._motion.handle(Go(trip), now)

    def _on_stop(self, event: ev.Stop, now: float) -> list[ev.Action]:
        source = event.source
        if self._is_fenced(event.source, event.fence):
            return [ev.Refuse(ev.Refusal.FENCED)]
        refusal = self._why_not(source)
        if refusal:
            return refusal
        actions = self._enter(source, now) if self.lease is not None else []
        over = max(self._released.get(source.channel, -1), -1 if event.gesture is None else event.gesture)
        if over >= 0:  # a late move of this press must not start the camera again
            self._released[source.channel] = over
        self._end_presses()
        return actions + self._motion.handle(Halt(ev.StopReason.ASKED, even_if_still=True), now)

    def _on_force_stop(self, event: ev.ForceStop, now: float) -> list[ev.Action]:
        return self._motion.handle(Halt(event.reason, even_if_still=True), now)

    def _on_motion(self, event: Any, now: float) -> list[ev.Action]:  # noqa: ANN401 - the table says which events
        return self._motion.handle(event, now)

    # The table ------------------------------------------------------------------------------------------------------

    _TABLE: ClassVar[dict[type, Callable[[Arbiter, Any, float], list[ev.Action]]]] = {
        # who may hold                      needs                                          leads to
        ev.Take: _on_take,                # free, own or yielding                          lease
        ev.TakeOver: _on_take_over,       # higher priority, own person, right to break    Stop, lease
        ev.Release: _on_release,          # holder                                         next in the queue, or free
        ev.Revoke: _on_revoke,            # -                                              next in the queue, or free
        ev.ChannelClosed: _on_channel_closed,  # -                                         its motion and place end
        ev.Request: _on_request,          # a person; room                                 lease, or a place
        ev.Withdraw: _on_withdraw,        # a place                                        no place
        ev.HandOver: _on_hand_over,       # holder; the ticket                             Stop, lease of that one
        ev.Reserve: _on_reserve,          # free, own or yielding                          lease until the limit
        ev.Unreserve: _on_unreserve,      # holder                                         ordinary lease
        # what the holder wants
        ev.Move: _on_move,                # fence; free, own or yielding; live gesture     lease, motion
        ev.Travel: _on_travel,            # fence; free, own or yielding                   lease, motion
        ev.Stop: _on_stop,                # fence; free, own or yielding                   Stop; the presses are over
        ev.ForceStop: _on_force_stop,     # -                                              Stop
        # what the camera does: motion.py
        ev.Adjust: _on_motion,
        ev.MoveAnswered: _on_motion,
        ev.StopAnswered: _on_motion,
        ev.StandstillSeen: _on_motion,
        ev.TurningSeen: _on_motion,
        ev.Tick: _on_motion,
    }  # fmt: skip
