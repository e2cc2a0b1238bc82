"""The spool of one process: where its audit rows are safe before anything else happens to them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from camctl.audit.chain import AuditRow
from camctl.audit.entry import SERVICE, Action, AuditEntry, Outcome, Reason, ReasonCategory
from camctl.audit.spool_file import SpoolFile
from camctl.group_commit import GroupCommit

_log = logging.getLogger(__name__)

MAX_KEPT = 10_000
RETRY_S = 1.0


class Recorder(Protocol):
    """Where entries go; `Spool` is the real one."""

    def append(self, entry: AuditEntry) -> asyncio.Future[AuditRow]:
        """Record durably: the future is done when the row is on the disk, and raises OSError when it could not be."""

    def note(self, entry: AuditEntry) -> None:
        """Record soon; kept in memory while the disk refuses."""


class NoRecorder:
    """Records nothing: for parts that are tested, or run, without an audit log."""

    def append(self, entry: AuditEntry) -> asyncio.Future[AuditRow]:
        """A row of no chain."""
        from camctl.audit.chain import Head, seal

        done: asyncio.Future[AuditRow] = asyncio.get_running_loop().create_future()
        done.set_result(seal(entry, "none", Head()))
        return done

    def note(self, entry: AuditEntry) -> None:
        """Nothing is written."""


class Spool:
    """A Part: appends to this process's chain, all that wait at once with one sync. Belongs to one event loop.

    `problem` says why rows cannot be written; empty when the last attempt worked. While there is one it tries again by
    itself, with a row that says so: whoever may do nothing without a record brings none that could be tried.
    """

    def __init__(self, folder: Path, chain: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._file = SpoolFile(folder, chain)
        self._commit = GroupCommit[AuditEntry, AuditRow](f"the audit log of {chain}", folder, self._file.write)
        self._commit.on_change.append(self._changed)
        self._has_failed = False
        self._clock = clock
        self._kept: deque[AuditEntry] = deque()
        self._lost = 0  # since the disk worked last, beyond those that are kept
        self._lost_why = ""
        self._retry: asyncio.TimerHandle | None = None
        self.on_written: Callable[[], None] = lambda: None  # called after rows were written

    @property
    def problem(self) -> str:
        """Why rows cannot be written."""
        return self._commit.problem

    def on_change(self, call: Callable[[], None]) -> None:
        """Call this too when `problem` changed."""
        self._commit.on_change.append(call)

    async def start(self) -> None:
        """Open the file; never raises, `problem` tells."""
        try:
            await asyncio.to_thread(self._file.open)
        except OSError as error:
            self._commit.failed(error)

    def append(self, entry: AuditEntry) -> asyncio.Future[AuditRow]:
        """Record durably (see Recorder). Nobody needs to await it."""
        future = self._commit.put(entry, durable=True)
        future.add_done_callback(self._appended)
        return future

    def note(self, entry: AuditEntry) -> None:
        """Record soon; while the disk refuses, at most MAX_KEPT wait, and how many more there were is recorded."""
        if self._kept:
            self._keep(entry)
            return
        future = self._commit.put(entry, durable=True)
        future.add_done_callback(lambda done: self._noted(entry, done))

    async def close(self) -> None:
        """Write what waits, and close the file."""
        if self._retry is not None:
            self._retry.cancel()
        self._try_again()
        await self._commit.finish()
        if self._kept:
            _log.error("%d rows of the audit log could not be written before the end", len(self._kept) + self._lost)
        await asyncio.to_thread(self._file.close)

    def _changed(self) -> None:
        has_failed = bool(self.problem)
        if has_failed and not self._has_failed:
            reason = Reason(ReasonCategory.SYSTEM, self.problem)
            self._keep(AuditEntry(self._clock(), SERVICE, Action.SPOOL_FAILED, outcome=Outcome.FAILED, reason=reason))
        self._has_failed = has_failed

    def _appended(self, done: asyncio.Future[AuditRow]) -> None:
        if not done.cancelled() and done.exception() is None:
            self.on_written()

    def _noted(self, entry: AuditEntry, done: asyncio.Future[AuditRow]) -> None:
        if done.cancelled() or done.exception() is not None:
            self._keep(entry)
        else:
            self.on_written()
            self._tell_lost()

    def _tell_lost(self) -> None:
        """The disk works again: one row for all that were lost."""
        if not self._lost:
            return
        reason, details = Reason(ReasonCategory.SYSTEM, self._lost_why), {"rows": self._lost}
        self._lost = 0
        self.note(
            AuditEntry(self._clock(), SERVICE, Action.ROWS_LOST, outcome=Outcome.FAILED, reason=reason, details=details)
        )

    def _keep(self, entry: AuditEntry) -> None:
        if len(self._kept) >= MAX_KEPT and entry.action is not Action.ROWS_LOST:  # which counts many, and is never lost
            self._lost += 1
            self._lost_why = self.problem or "too much to write"
        else:
            self._kept.append(entry)
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        waiting = list(self._kept)
        self._kept.clear()
        for entry in waiting:
            self.note(entry)
