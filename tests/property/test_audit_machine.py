"""Spool and sink under crashes, a disk that refuses and a database that is away, at any point.

What always holds: every acknowledged row is in the record once, in order; no row is there twice; the record verifies.
"""

from __future__ import annotations

import atexit
import errno
import functools
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from camctl.audit import shipping, spool_file
from camctl.audit.entry import AuditEntry
from camctl.audit.segments import parse, segments
from camctl.audit.shipping import Shipping, advance_spools
from camctl.audit.spool_file import SpoolFile
from camctl.store.engine import StoreError
from tests.support.audit import entry, record

CHAIN = "control"
COUNTS = st.integers(1, 6)


@functools.cache
def _migrated() -> Path:
    """A folder with an empty database, made once."""
    folder = Path(tempfile.mkdtemp(prefix="camctl-test-audit-"))
    with record(folder):
        atexit.register(shutil.rmtree, folder)
    return folder


def _carelessly(connection: sqlite3.Connection, _record: Any) -> None:
    """Processes die here, power does not fail: syncs would only cost time."""
    connection.execute("PRAGMA synchronous = OFF").close()


class ProcessDies(BaseException):
    """kill -9, at this write."""


@contextmanager
def limited_writes(taken: int, error: BaseException) -> Iterator[None]:
    """The disk takes this many bytes more, then `error` comes."""
    left, write = taken, os.write

    def limited(file: int, text: bytes) -> int:
        nonlocal left
        if left <= 0:
            raise error
        done = write(file, text[:left])
        left -= done
        return done

    with mock.patch.object(os, "write", limited):
        yield


class AuditMachine(RuleBasedStateMachine):
    """One chain's writer and the sink, each of which may die and come back."""

    @initialize()
    def begin(self) -> None:
        self.life = ExitStack()
        self.folder = Path(self.life.enter_context(tempfile.TemporaryDirectory()))
        shutil.copy(_migrated() / "audit.db", self.folder / "audit.db")
        self.record = self.life.enter_context(record(self.folder, is_copy=True))
        for what, value in ((spool_file, {"SEGMENT_BYTES": 2_000}), (shipping, {"BATCH_ROWS": 4})):
            self.life.enter_context(mock.patch.multiple(what, **value))
        for name in ("fdatasync", "fsync"):
            self.life.enter_context(mock.patch.object(os, name))
        self.is_away = False
        self.dies_at_commit = False
        engine = self.record.store.engine
        event.listen(engine, "connect", _carelessly)
        event.listen(engine, "begin", self._away)
        event.listen(engine, "commit", self._dying)
        self.number = 0
        self.acknowledged: list[str] = []
        self.retrying: list[AuditEntry] = []
        self.spool = SpoolFile(self.folder, CHAIN)
        self.sink = Shipping(self.folder, self.record.log)

    def _away(self, _connection: Any) -> None:
        if self.is_away:
            raise OperationalError("BEGIN", {}, RuntimeError("no database"))

    def _dying(self, _connection: Any) -> None:
        if self.dies_at_commit:
            raise ProcessDies

    def _entries(self, count: int) -> list[AuditEntry]:
        fresh = [entry(self.number + index) for index in range(count)]
        self.number += count
        return [*self.retrying, *fresh]

    def _acknowledge(self, entries: list[AuditEntry]) -> None:
        self.acknowledged += [one.reason.text for one in entries]
        self.retrying = []

    def _writer_is_gone(self) -> None:
        self.spool.close()  # what the kernel does
        self.spool = SpoolFile(self.folder, CHAIN)
        self.retrying = []  # was in its memory

    @rule(count=COUNTS)
    def write(self, count: int) -> None:
        entries = self._entries(count)
        self.spool.write(entries, True)
        self._acknowledge(entries)

    @rule(count=COUNTS, taken=st.integers(0, 4_000))
    def write_to_a_full_disk(self, count: int, taken: int) -> None:
        entries = self._entries(count)
        try:
            with limited_writes(taken, OSError(errno.ENOSPC, "No space left on device")):
                self.spool.write(entries, True)
        except OSError:
            self.retrying = entries
        else:
            self._acknowledge(entries)

    @rule(count=COUNTS)
    def write_without_a_sync(self, count: int) -> None:
        entries = self._entries(count)
        try:
            with mock.patch.object(os, "fdatasync", side_effect=OSError(errno.EIO, "Input/output error")):
                self.spool.write(entries, True)
        except OSError:
            self.retrying = entries

    @rule(count=COUNTS, taken=st.integers(0, 4_000))
    def the_writer_dies(self, count: int, taken: int) -> None:
        entries = self._entries(count)
        try:
            with limited_writes(taken, ProcessDies()):
                self.spool.write(entries, True)
            self._acknowledge(entries)
        except ProcessDies:
            pass
        self._writer_is_gone()

    @rule()
    def ship(self) -> None:
        try:
            self.sink.ship()
        except StoreError:
            assert self.is_away

    @rule()
    def the_sink_dies_before_its_commit(self) -> None:
        self.dies_at_commit = True
        try:
            self.sink.ship()
        except (ProcessDies, StoreError):
            pass
        finally:
            self.dies_at_commit = False
        self.sink = Shipping(self.folder, self.record.log)

    @rule()
    def the_sink_dies_after_its_commit(self) -> None:
        if not self.is_away:
            self.sink.ship()
        self.sink = Shipping(self.folder, self.record.log)

    @rule(away=st.booleans())
    def the_database(self, away: bool) -> None:
        self.is_away = away

    @rule()
    def everything_starts_again(self) -> None:
        self._writer_is_gone()
        self.sink = Shipping(self.folder, self.record.log)
        if not self.is_away:
            advance_spools(self.folder, self.record.log.ends())

    @rule(checkpoint=st.just(None))
    def sign(self, checkpoint: None) -> None:
        if not self.is_away:
            self.record.sealer.checkpoint()

    @invariant()
    def the_spool_hangs_together(self) -> None:
        for segment in segments(self.folder, CHAIN):
            parse(segment.path.read_bytes(), CHAIN)

    def teardown(self) -> None:
        if not hasattr(self, "life"):
            return
        with self.life:
            self._judge()

    def _judge(self) -> None:
        self.is_away = False
        if self.retrying:
            entries = self._entries(0)
            self.spool.write(entries, True)
            self._acknowledge(entries)
        for _ in range(self.number + 50):
            self.sink.ship()
            if self.sink.waiting_bytes() == 0:
                break
        report = self.record.verify()
        stored = [row.reason_text for row in self.record.log.rows(CHAIN)]
        self.spool.close()
        assert report.faults == []
        assert len(stored) == len(set(stored)), "a row is there twice"
        wanted = set(self.acknowledged)
        assert [text for text in stored if text in wanted] == self.acknowledged


TestAudit = AuditMachine.TestCase
TestAudit.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
