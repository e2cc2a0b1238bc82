"""What became of a camera's control, as a record tells it: steps of the lease, gestures as one thing each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from camctl.ptz import events as ev
from camctl.ptz.view import HolderView


class LeaseStep(StrEnum):
    """What happened to a lease; the values are those of the audit log's actions without "control-"."""

    TAKE = "take"
    RESUME = "resume"
    RELEASE = "release"
    TAKE_OVER = "take-over"
    BREAK = "break"
    HAND_OVER = "hand-over"
    RESERVE = "reserve"
    UNRESERVE = "unreserve"


@dataclass(frozen=True, slots=True)
class LeaseChange:
    """One step: `source` is who did it, `other` from whom it was taken or to whom it was given.

    `words` are the person's reason, `rule` is why the lease ended when nobody asked for that. `reserved_s`: for how
    long it is reserved.
    """

    step: LeaseStep
    source: ev.Source
    fence: int
    other: ev.Source | None = None
    words: str = ""
    rule: str = ""
    reserved_s: float | None = None


def lease_changes(
    before: HolderView | None, event: ev.Event, after: HolderView | None, now: float
) -> list[LeaseChange]:
    """The steps from one holder to the next, by `event` at `now` (monotonic)."""
    if before is not None and after is not None and before.first_fence == after.first_fence:
        return _reservation(before, after, now)
    has_ended = before is not None and now >= before.ends_at
    steps = []
    if before is not None and (after is None or has_ended or not _is_taken_from(before, event, after)):
        steps.append(LeaseChange(LeaseStep.RELEASE, before.source, before.fence, rule=_why_ended(event, has_ended)))
        before = None
    if after is not None:
        steps.append(_taken(before, event, after))
        if after.reserved_until is not None and isinstance(event, ev.Reserve):
            steps.append(_reserved(after, now))
    return steps


def _is_taken_from(before: HolderView, event: ev.Event, after: HolderView) -> bool:
    """Whether the one took it from the other, rather than found it free or was next in the queue."""
    if isinstance(event, ev.TakeOver | ev.HandOver):
        return True
    gives_way = before.source.kind is not ev.SourceKind.PERSON
    return gives_way and getattr(event, "source", None) == after.source


def _why_ended(event: ev.Event, has_ended: bool) -> str:
    if has_ended:
        return ev.StopReason.LEASE_ENDED.value
    match event:
        case ev.Release():
            return ev.StopReason.RELEASED.value
        case ev.Revoke():
            return ev.StopReason.REVOKED.value
    return ev.StopReason.LEASE_ENDED.value


def _taken(before: HolderView | None, event: ev.Event, after: HolderView) -> LeaseChange:
    if before is None:
        return LeaseChange(LeaseStep.TAKE, after.source, after.fence, words=after.reason)
    if isinstance(event, ev.HandOver):
        return LeaseChange(LeaseStep.HAND_OVER, before.source, after.fence, after.source, after.reason)
    step = LeaseStep.TAKE
    if isinstance(event, ev.TakeOver):
        is_broken = before.reserved_until is not None and before.source.person != after.source.person
        step = LeaseStep.BREAK if is_broken else LeaseStep.TAKE_OVER
    words = event.reason if isinstance(event, ev.TakeOver) else after.reason
    return LeaseChange(step, after.source, after.fence, before.source, words)


def _reservation(before: HolderView, after: HolderView, now: float) -> list[LeaseChange]:
    if before.reserved_until == after.reserved_until:
        return []
    if after.reserved_until is None:
        return [LeaseChange(LeaseStep.UNRESERVE, after.source, after.fence)]
    return [_reserved(after, now)]


def _reserved(after: HolderView, now: float) -> LeaseChange:
    left_s = round((after.reserved_until or now) - now, 1)
    return LeaseChange(LeaseStep.RESERVE, after.source, after.fence, words=after.reason, reserved_s=left_s)


# Gestures -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gesture:
    """One press of the finger, or one run of moves without a number; `ended_by` is a StopReason's value or "next"."""

    source: ev.Source
    moves: int
    lasted_s: float
    ended_by: str


@dataclass(frozen=True, slots=True)
class Trip:
    """Sent to a preset (its token) or home (None)."""

    source: ev.Source
    preset: str | None


_AFTERTHOUGHTS = frozenset({ev.StopReason.RETRY, ev.StopReason.HANGING_MOVE, ev.StopReason.STILL_TURNING})


@dataclass(slots=True)
class _Pressed:
    source: ev.Source
    number: int | None
    began_at: float
    moves: int = 0


class GestureWatch:
    """Makes gestures of moves; feed it every event with what the arbiter answered. Patrols' trips are not told."""

    def __init__(self) -> None:
        self._pressed: _Pressed | None = None

    def saw(
        self, event: ev.Event, actions: Sequence[ev.Action], holder: ev.Source | None, now: float
    ) -> list[Gesture | Trip]:
        """What is over with this event."""
        told: list[Gesture | Trip] = []
        is_refused = any(isinstance(action, ev.Refuse) for action in actions)
        stop = next((action for action in actions if isinstance(action, ev.SendStop)), None)
        if stop is not None and stop.reason not in _AFTERTHOUGHTS and not self._only_rests(event):
            told += self._over(stop.reason.value, now)
        if self._pressed is not None and (holder is None or holder.sign_in != self._pressed.source.sign_in):
            told += self._over(ev.StopReason.LEASE_ENDED.value, now)
        if is_refused:
            return told
        if isinstance(event, ev.Move) and not event.velocity.is_zero:
            if self._pressed is not None and not self._is_same(event):
                told += self._over("next", now)
            if self._pressed is None:
                self._pressed = _Pressed(event.source, event.gesture, now)
            self._pressed.moves += 1
        elif isinstance(event, ev.Travel):
            told += self._over("next", now)
            if event.source.kind is not ev.SourceKind.PATROL:
                told.append(Trip(event.source, event.preset))
        return told

    def _is_same(self, event: ev.Move) -> bool:
        pressed = self._pressed
        return (
            pressed is not None and pressed.source.channel == event.source.channel and pressed.number == event.gesture
        )

    def _only_rests(self, event: ev.Event) -> bool:
        """Whether the finger is still down, in the dead zone."""
        return isinstance(event, ev.Move) and event.gesture is not None and self._is_same(event)

    def _over(self, ended_by: str, now: float) -> list[Gesture | Trip]:
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            return []
        return [Gesture(pressed.source, pressed.moves, round(now - pressed.began_at, 2), ended_by)]
