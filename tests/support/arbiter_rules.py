"""The rules of who holds a camera, written a second time and as plainly as possible, to hold the arbiter against."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from camctl.ptz import events as ev
from camctl.ptz.rules import Rules
from camctl.ptz.view import ControlView, HolderView, WaiterView


@dataclass
class Presses:
    """Which presses of a finger are over, by channel: a stopped one, and all of a lease that has ended."""

    newest: dict[str, int] = field(default_factory=dict)
    over: dict[str, int] = field(default_factory=dict)

    def end_all(self) -> None:
        for channel, gesture in self.newest.items():
            self.over[channel] = max(gesture, self.over.get(channel, -1))
        self.newest.clear()

    def is_over(self, event: ev.Move) -> bool:
        return event.gesture is not None and event.gesture <= self.over.get(event.source.channel, -1)


def is_theirs(holder: HolderView | None, source: ev.Source) -> bool:
    return holder is not None and holder.source.sign_in == source.sign_in


def is_fenced(holder: HolderView | None, event: ev.Move | ev.Travel | ev.Stop, old: int | None, fence: int) -> bool:
    """Of an older lease, or of an older channel of this one."""
    if old is None or old >= fence:
        return False
    is_late_news = holder is not None and holder.source.channel == event.source.channel and old >= holder.first_fence
    return not is_late_news


def yields_to(holder: HolderView, source: ev.Source) -> bool:
    is_machine = holder.source.kind is not ev.SourceKind.PERSON
    return is_machine and holder.reserved_until is None and source.priority > holder.source.priority


def refusal_of(  # noqa: C901 - one rule after the other
    event: ev.Event, view: ControlView, fence: int, presses: Presses, rules: Rules
) -> ev.Refusal | None:
    """What the arbiter has to say to `event` in the state `view`, in which nothing is overdue."""
    holder = view.holder
    taken = ev.Refusal.RESERVED if holder is not None and holder.reserved_until is not None else ev.Refusal.HELD
    match event:
        case ev.Move(fence=old) | ev.Travel(fence=old) | ev.Stop(fence=old) if is_fenced(holder, event, old, fence):
            return ev.Refusal.FENCED
        case ev.Request(source=source) if holder is not None and not is_theirs(holder, source):
            if yields_to(holder, source):
                return None
            if source.kind is not ev.SourceKind.PERSON:
                return taken
            waits = any(waiter.source.sign_in == source.sign_in for waiter in view.queue)
            return None if waits or len(view.queue) < rules.queue_max else ev.Refusal.QUEUE_FULL
        case ev.TakeOver(source=source) if holder is not None and not is_theirs(holder, source):
            if holder.source.person == source.person:
                return None
            if holder.reserved_until is not None:
                return None if source.may_break else ev.Refusal.RESERVED
            return None if source.priority > holder.source.priority else ev.Refusal.PRIORITY_TOO_LOW
        case ev.Release(source=source):
            return None if is_theirs(holder, source) else ev.Refusal.NOTHING_TO_RELEASE
        case ev.Unreserve(source=source):
            return None if is_theirs(holder, source) else ev.Refusal.NOT_HOLDER
        case ev.HandOver(source=source, ticket=ticket):
            if not is_theirs(holder, source):
                return ev.Refusal.NOT_HOLDER
            return None if any(waiter.ticket == ticket for waiter in view.queue) else ev.Refusal.NOT_WAITING
        case ev.Withdraw(source=source):
            waits = any(waiter.source.sign_in == source.sign_in for waiter in view.queue)
            return None if waits else ev.Refusal.NOT_WAITING
        case ev.Take() | ev.Move() | ev.Travel() | ev.Stop() | ev.Reserve():
            if holder is not None and not is_theirs(holder, event.source) and not yields_to(holder, event.source):
                return taken
            return ev.Refusal.RELEASED if isinstance(event, ev.Move) and presses.is_over(event) else None
        case _:
            return None


@dataclass
class Clock:
    """When a lease ends by itself: what the holder did last, and when a waiter over HTTP asked last."""

    used_at: float = 0.0
    asked_at: dict[str, float] = field(default_factory=dict)

    def after(self, event: ev.Event, before: ControlView, holder: str | None, now: float) -> None:
        """Take note of an event that was accepted and after which `holder` holds."""
        is_used = isinstance(event, ev.Take | ev.Move | ev.Travel | ev.Stop | ev.Reserve | ev.Unreserve)
        if isinstance(event, ev.Request):
            self.asked_at[event.source.sign_in] = now
        is_used |= isinstance(event, ev.Request | ev.TakeOver) and event.source.sign_in == holder
        if is_used or before.holder is None or before.holder.source.sign_in != holder:
            self.used_at = now

    def ends_at(self, view: ControlView, wanted_until: float, rules: Rules) -> float:
        holder = view.holder
        assert holder is not None
        idle_since = holder.reserved_until if holder.reserved_until is not None else self.used_at
        return min(max(idle_since + rules.lease_idle_s, wanted_until), capped_at(view, rules))

    def is_overdue(self, waiter: WaiterView, now: float, rules: Rules) -> bool:
        is_http = waiter.source.channel.endswith(":http")
        return is_http and now >= self.asked_at[waiter.source.sign_in] + rules.http_wait_s


def capped_at(view: ControlView, rules: Rules) -> float:
    """When the holder has to go because others wait."""
    holder = view.holder
    if holder is None or not view.queue:
        return math.inf
    first = min(waiter.since for waiter in view.queue)
    cap = max(holder.since + rules.lease_cap_s, first + rules.cap_notice_s)
    return max(cap, holder.reserved_until) if holder.reserved_until is not None else cap


def queue_after(event: ev.Event, before: ControlView, holder: str | None, now: float) -> list[tuple[str, float]]:
    """Who waits since when after an accepted `event`, after which `holder` holds; first to be served first."""
    places = {waiter.source.sign_in: (waiter.source.priority, waiter.since) for waiter in before.queue}
    match event:
        case ev.Request(source=source):
            places.setdefault(source.sign_in, (source.priority, now))
        case ev.Withdraw(source=source):
            places.pop(source.sign_in, None)
        case ev.Revoke(sign_in=sign_in):
            places.pop(sign_in, None)
        case ev.ChannelClosed(channel=channel):
            for waiter in before.queue:
                if waiter.source.channel == channel:
                    places.pop(waiter.source.sign_in)
    places.pop(holder or "", None)
    # Sorting is stable, and who came at the same time stands in the order of coming.
    return [(name, place[1]) for name, place in sorted(places.items(), key=lambda item: (-item[1][0], item[1][1]))]


def served_first(queue: tuple[WaiterView, ...]) -> str | None:
    """Whose turn it is, by sign-in."""
    waiting = sorted(queue, key=lambda waiter: (-waiter.source.priority, waiter.since, waiter.ticket))
    return waiting[0].source.sign_in if waiting else None


def holder_after(event: ev.Event, view: ControlView) -> str | None:
    """The sign-in that holds the camera after `event`, which was not refused."""
    holder = view.holder.source.sign_in if view.holder is not None else None
    match event:
        case ev.Stop() if holder is None:
            return None
        case ev.Request(source=source) if view.holder is not None and not is_theirs(view.holder, source):
            return source.sign_in if yields_to(view.holder, source) else holder
        case ev.Take() | ev.Move() | ev.Travel() | ev.Stop() | ev.Reserve() | ev.Request() | ev.TakeOver():
            return event.source.sign_in
        case ev.Release():
            return served_first(view.queue)
        case ev.Revoke(sign_in=sign_in) if sign_in == holder:
            return served_first(tuple(waiter for waiter in view.queue if waiter.source.sign_in != sign_in))
        case ev.HandOver(ticket=ticket):
            return next(waiter.source.sign_in for waiter in view.queue if waiter.ticket == ticket)
        case _:
            return holder


def check_reservation(event: ev.Event, old: HolderView, new: HolderView) -> None:
    """A reservation goes along with its person only."""
    if old.source.person == new.source.person and isinstance(event, ev.TakeOver):
        assert (new.since, new.reserved_until) == (old.since, old.reserved_until), "a reservation got lost"
    else:
        assert new.reserved_until is None or isinstance(event, ev.Reserve), "a reservation was inherited"
