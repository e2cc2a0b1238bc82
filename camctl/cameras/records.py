"""The record of who controls a camera: what is written, and when a motor command has to wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from camctl.ptz.events import Source, SourceKind
from camctl.ptz.view import HolderView

_WRITE_S = 3.0  # a disk that takes longer is as good as none
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


class LeaseBook:
    """One camera's: notes every change of its lease, and knows whether the newest holder is on record."""

    def __init__(
        self,
        camera_id: str,
        records: LeaseRecords,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._camera_id = camera_id
        self._records = records
        self._clock = clock
        self._wall = wall
        self._holder: HolderView | None = None
        self._noted_end = 0.0
        self._writing: asyncio.Future[None] | None = None

    def follow(self, holder: HolderView | None) -> None:
        """Take note of the present holder; costs nothing when nothing changed that is worth a record."""
        before, self._holder = self._holder, holder
        if holder is None:
            if before is not None:
                self._records.note(LeaseRecord(self._camera_id, before.fence), durable=False)
        elif _kept(before) != _kept(holder):
            self._writing = self._note(holder, durable=True)
        elif holder.ends_at > self._noted_end + _PROLONGED_S and holder.source.kind is SourceKind.PERSON:
            self._note(holder, durable=False)  # others' leases are not restored

    @property
    def is_durable(self) -> bool:
        """Whether the newest holder is on record."""
        writing = self._writing
        return writing is not None and writing.done() and not writing.cancelled() and writing.exception() is None

    async def wait_durable(self) -> None:
        """Return when the newest holder is on record.

        Raises:
            OSError: it could not be written; the next call tries again.
        """
        if self.is_durable or self._holder is None:
            return
        if self._writing is None or self._writing.done():
            self._writing = self._note(self._holder, durable=True)
        async with asyncio.timeout(_WRITE_S):
            await asyncio.shield(self._writing)

    def restored(self, holder: HolderView | None) -> None:
        """Begin with what an earlier life left; the first move writes it anew."""
        self._holder = holder
        self._noted_end = holder.ends_at if holder is not None else 0.0

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


def _kept(holder: HolderView | None) -> tuple[object, ...] | None:
    """What a record is about; a change of it needs a new one."""
    return (holder.fence, holder.source, holder.reserved_until, holder.reason) if holder else None
