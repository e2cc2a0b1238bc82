"""The record of who controls a camera: what is written, and when a motor command has to wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from camctl.cameras.model import CameraEntry
from camctl.ptz import events as ev
from camctl.ptz.events import Source, SourceKind
from camctl.ptz.history import Gesture, LeaseChange, LeaseStep, Trip, lease_changes
from camctl.ptz.view import HolderView

_WRITE_S = 3.0  # a disk that takes longer is as good as none
_MAX_ROWS = 100  # of one camera, while the disk refuses
_PROLONGED_S = 3.0  # how far the written end of a lease may lag behind the real one


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """Who held `camera` when this was written; times are seconds of the wall clock, so that they outlive a restart.

    `holder` None: the lease of this fence has ended.
    """

    camera: str
    fence: int
    holder: Source | None = None
    since: float = 0.0
    ends_at: float = 0.0
    reserved_until: float | None = None
    reason: str = ""

    def holder_view(self, offset_s: float) -> HolderView | None:
        """The lease as the arbiter knows it, if it is one that is restored; `offset_s`: monotonic minus wall clock.

        Patrols and events are told to this process again, and take control anew.
        """
        if self.holder is None or self.holder.kind is not SourceKind.PERSON:
            return None
        ends_at = self.ends_at + offset_s
        until = None if self.reserved_until is None else self.reserved_until + offset_s
        return HolderView(
            source=self.holder,
            fence=self.fence,
            since=self.since + offset_s,
            ends_at=ends_at,
            reason=self.reason,
            reserved_until=until,
        )


class LeaseRecords(Protocol):
    """Where records go; camctl.control.journal is the real one."""

    def note(self, record: LeaseRecord, *, durable: bool) -> asyncio.Future[None]:
        """Write soon, in order; the future is done when it is written, for `durable` ones when it is on the disk.

        It raises OSError when the record could not be written. Nobody needs to await it.
        """


class NoRecords:
    """Remembers nothing beyond this process."""

    def note(self, record: LeaseRecord, *, durable: bool) -> asyncio.Future[None]:  # noqa: ARG002  the port's names
        """Nothing is written."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


Write = Callable[[], "asyncio.Future[Any]"]


class ControlHistory(Protocol):
    """The audit log of control; camctl.control.auditing is the real one."""

    @property
    def problem(self) -> str:
        """Why nothing can be written now; empty when it can."""

    def lease(self, camera: CameraEntry, change: LeaseChange) -> Write:
        """What writes this change durably: the future is done when it is on the disk, and raises OSError when not.

        It may be called again after a failure.
        """

    def gesture(self, camera: CameraEntry, told: Gesture | Trip) -> None:
        """Record soon; never raises."""

    def refused(self, camera: CameraEntry, event: ev.Event, refusal: ev.Refusal) -> None:
        """Record soon; never raises."""


class NoHistory:
    """Remembers nothing."""

    problem = ""

    def lease(self, camera: CameraEntry, change: LeaseChange) -> Write:  # noqa: ARG002  the port's names
        """Nothing is written."""
        return _nothing

    def gesture(self, camera: CameraEntry, told: Gesture | Trip) -> None:
        """Nothing is written."""

    def refused(self, camera: CameraEntry, event: ev.Event, refusal: ev.Refusal) -> None:
        """Nothing is written."""


def _nothing() -> asyncio.Future[None]:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


@dataclass(slots=True)
class _AuditRow:
    """A row that is being written; None: not yet."""

    write: Write
    future: asyncio.Future[Any] | None = None

    @property
    def is_durable(self) -> bool:
        return _worked(self.future)

    def writing(self) -> asyncio.Future[Any]:
        """Its future; begun (again) if it is not under way."""
        if self.future is None or (self.future.done() and not _worked(self.future)):
            self.future = self.write()
        return self.future


class LeaseBook:
    """One camera's: notes every change of its lease, and knows whether the newest holder is on record."""

    def __init__(
        self,
        camera: CameraEntry,
        records: LeaseRecords,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        history: ControlHistory | None = None,
    ) -> None:
        self._camera = camera
        self._camera_id = camera.id
        self._records = records
        self._history = history or NoHistory()
        self._clock = clock
        self._wall = wall
        self._holder: HolderView | None = None
        self._noted_end = 0.0
        self._writing: asyncio.Future[None] | None = None
        self._rows: list[_AuditRow] = []  # of the audit log, those that are not on the disk yet

    def know_as(self, camera: CameraEntry) -> None:
        """Record what comes under this name and area of the same camera."""
        self._camera = camera

    def follow(self, holder: HolderView | None, event: ev.Event) -> None:
        """Take note of the present holder after `event`; costs nothing when nothing changed that is worth a record."""
        before, self._holder = self._holder, holder
        if before != holder:
            self._audit(lease_changes(before, event, holder, self._clock()))
        if holder is None:
            if before is not None:
                self._records.note(LeaseRecord(self._camera_id, before.fence), durable=False)
        elif _kept(before) != _kept(holder):
            self._writing = self._note(holder, durable=True)
        elif holder.ends_at > self._noted_end + _PROLONGED_S and holder.source.kind is SourceKind.PERSON:
            self._note(holder, durable=False)  # others' leases are not restored

    def _audit(self, changes: Sequence[LeaseChange]) -> None:
        if not changes:
            return
        self._rows = [row for row in self._rows if not row.is_durable][-_MAX_ROWS:]
        self._rows += [_AuditRow(self._history.lease(self._camera, change)) for change in changes]
        self.catch_up()

    def catch_up(self) -> None:
        """Write, in order, what could not be written before."""
        for row in self._rows:
            row.writing()

    @property
    def problem(self) -> str:
        """Why nothing more can be put on record now, whatever is there already; empty when it can."""
        return self._history.problem

    @property
    def is_durable(self) -> bool:
        """Whether the newest holder is on record, and how they came to it in the audit log."""
        return _worked(self._writing) and all(row.is_durable for row in self._rows)

    async def wait_durable(self) -> None:
        """Return when the newest holder is on record.

        Raises:
            OSError: it could not be written; the next call tries again.
        """
        if self.is_durable or self._holder is None:
            return
        if self._writing is None or (self._writing.done() and not _worked(self._writing)):
            self._writing = self._note(self._holder, durable=True)
        futures = [self._writing, *(row.writing() for row in self._rows)]
        async with asyncio.timeout(_WRITE_S):
            await asyncio.wait(futures)
        for future in futures:
            future.result()

    def restored(self, holder: HolderView | None) -> None:
        """Begin with what an earlier life left; the first move writes it anew."""
        self._holder = holder
        self._noted_end = holder.ends_at if holder is not None else 0.0
        if holder is not None:
            change = LeaseChange(LeaseStep.RESUME, holder.source, holder.fence, words=holder.reason)
            self._rows = [_AuditRow(self._history.lease(self._camera, change))]

    def _note(self, holder: HolderView, *, durable: bool) -> asyncio.Future[None]:
        self._noted_end = holder.ends_at
        offset_s = self._wall() - self._clock()
        until = holder.reserved_until
        record = LeaseRecord(
            self._camera_id,
            holder.fence,
            holder.source,
            holder.since + offset_s,
            holder.ends_at + offset_s,
            None if until is None else until + offset_s,
            holder.reason,
        )
        return self._records.note(record, durable=durable)


def _worked(future: asyncio.Future[Any] | None) -> bool:
    return future is not None and future.done() and not future.cancelled() and future.exception() is None


def _kept(holder: HolderView | None) -> tuple[object, ...] | None:
    """What a record is about; a change of it needs a new one."""
    return (holder.fence, holder.source, holder.reserved_until, holder.reason) if holder else None
