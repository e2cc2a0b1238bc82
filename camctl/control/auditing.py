"""The control process's audit rows: from what became of leases and gestures to entries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from camctl.audit.chain import AuditRow
from camctl.audit.entry import Action, Actor, AuditEntry, Detail, Outcome, Reason, ReasonCategory
from camctl.audit.spool import Recorder
from camctl.cameras.model import CameraEntry
from camctl.ptz import events as ev
from camctl.ptz.history import Gesture, LeaseChange, Trip

# Ends of a gesture that say something of the link to the phone, not of somebody's wish.
_LINK_ENDS = frozenset({ev.StopReason.SILENCE.value, ev.StopReason.CHANNEL_CLOSED.value})


def actor_of(source: ev.Source) -> Actor:
    """A source as the record names it."""
    return Actor(source.person, source.name, source.role, source.organisation)


def lease_entry(camera: CameraEntry, change: LeaseChange, at: datetime) -> AuditEntry:
    """A change of a lease."""
    reason = Reason(ReasonCategory.STATED, change.words) if change.words else Reason()
    if change.rule:
        reason = Reason(ReasonCategory.RULE, change.rule)
    details: dict[str, Detail] = {"fence": change.fence, "priority": change.source.priority}
    if change.other is not None:
        details |= {"other": change.other.name, "other_id": change.other.person, "other_role": change.other.role}
    if change.reserved_s is not None:
        details["reserved_s"] = change.reserved_s
    return AuditEntry(
        at, actor_of(change.source), Action(f"control-{change.step.value}"), camera.id, camera.area,
        target=change.other.person if change.other is not None else "", reason=reason, details=details,
    )  # fmt: skip


def gesture_entry(camera: CameraEntry, told: Gesture | Trip, at: datetime) -> AuditEntry:
    """A gesture that is over, or a trip that began."""
    if isinstance(told, Trip):
        target = told.preset if told.preset is not None else "home"
        return AuditEntry(at, actor_of(told.source), Action.TRAVEL, camera.id, camera.area, target)
    category = ReasonCategory.LINK if told.ended_by in _LINK_ENDS else ReasonCategory.RULE
    details: dict[str, Detail] = {"moves": told.moves, "lasted_s": told.lasted_s}
    return AuditEntry(
        at, actor_of(told.source), Action.GESTURE, camera.id, camera.area,
        reason=Reason(category, told.ended_by), details=details,
    )  # fmt: skip


def refusal_entry(camera: CameraEntry, event: ev.TakeOver, refusal: ev.Refusal, at: datetime) -> AuditEntry:
    """A take-over that was refused."""
    return AuditEntry(
        at, actor_of(event.source), Action.CONTROL_TAKE_OVER, camera.id, camera.area, outcome=Outcome.REFUSED,
        reason=Reason(ReasonCategory.RULE, refusal.value), details={"stated": event.reason},
    )  # fmt: skip


def kept_off_entry(camera: CameraEntry, event: ev.Beginning, at: datetime) -> AuditEntry:
    """Somebody could begin nothing, for nothing could be recorded."""
    return AuditEntry(
        at, actor_of(event.source), Action.REFUSAL, camera.id, camera.area, f"control {type(event).__name__.lower()}",
        Outcome.REFUSED, Reason(ReasonCategory.SYSTEM, ev.Refusal.NOT_ON_RECORD.value),
    )  # fmt: skip


class ControlAudit:
    """Records what became of control (see camctl.cameras.records.ControlHistory)."""

    def __init__(
        self,
        recorder: Recorder,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        problem: Callable[[], str] = lambda: "",
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._problem = problem
        self._kept_off: set[tuple[str, str]] = (
            set()
        )  # cameras and sign-ins, since anything was last recorded of control

    @property
    def problem(self) -> str:
        """Why the recorder can write nothing now; empty when it can."""
        return self._problem()

    def lease(self, camera: CameraEntry, change: LeaseChange) -> Callable[[], asyncio.Future[AuditRow]]:
        """What writes this change durably; called again after a failure it is the same row."""
        self._kept_off.clear()
        entry = lease_entry(camera, change, self._clock())
        return lambda: self._recorder.append(entry)

    def gesture(self, camera: CameraEntry, told: Gesture | Trip) -> None:
        """Record soon."""
        self._kept_off.clear()
        self._recorder.note(gesture_entry(camera, told, self._clock()))

    def refused(self, camera: CameraEntry, event: ev.Event, refusal: ev.Refusal) -> None:
        """Record a refused take-over, and once each whom the record itself kept off; a refused move is no news else."""
        if isinstance(event, ev.TakeOver):
            self._recorder.note(refusal_entry(camera, event, refusal, self._clock()))
        elif refusal is ev.Refusal.NOT_ON_RECORD and isinstance(event, ev.Beginning):
            self._note_kept_off(camera, event)

    def _note_kept_off(self, camera: CameraEntry, event: ev.Beginning) -> None:
        who = (camera.id, event.source.sign_in)
        if who not in self._kept_off and event.source.kind is ev.SourceKind.PERSON:
            self._kept_off.add(who)
            self._recorder.note(kept_off_entry(camera, event, self._clock()))
