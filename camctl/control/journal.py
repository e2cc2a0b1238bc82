"""The journal: who controlled which camera, as JSON lines in a file that is only appended to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from camctl.cameras.records import LeaseRecord
from camctl.group_commit import GroupCommit, sync_folder, write_all

_log = logging.getLogger(__name__)

COMPACT_BYTES = 4 << 20
_RECORD = TypeAdapter(LeaseRecord)


class Journal:
    """Appends records in a thread, all that wait at once with one fdatasync. Belongs to one event loop.

    `newest` holds the last record of each camera, from the file at first. `problem` says why records cannot be written;
    empty when the last attempt worked.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._commit = GroupCommit[LeaseRecord, None]("the journal of control", path, self._append)
        self._file = -1
        self._size = 0
        self._is_read = False
        self.newest: dict[str, LeaseRecord] = {}

    @property
    def problem(self) -> str:
        """Why records cannot be written."""
        return self._commit.problem

    def on_change(self, call: Callable[[], None]) -> None:
        """Call this too when `problem` changed."""
        self._commit.on_change.append(call)

    async def open(self) -> None:
        """Read what is there and compact it; never raises, `problem` tells."""
        try:
            await asyncio.to_thread(self._compact)
        except OSError as error:
            self._commit.failed(error)

    def note(self, record: LeaseRecord, *, durable: bool) -> asyncio.Future[None]:
        """Write soon (see LeaseRecords)."""
        if not self._commit.is_full:
            self.newest[record.camera] = record
        return self._commit.put(record, durable=durable)

    async def close(self) -> None:
        """Write what waits, and close the file."""
        await self._commit.finish()
        await asyncio.to_thread(self._shut)

    # In a thread, one at a time -------------------------------------------------------------------------------------

    def _read(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.newest = parse(self._path.read_bytes()) | self.newest
        self._is_read = True

    def _append(self, records: Sequence[LeaseRecord], must_sync: bool) -> list[None]:
        text = lines(records)
        if self._file < 0 or self._size > COMPACT_BYTES:
            self._compact()  # holds the text's records too; after a failure it leaves no half line behind
        try:
            write_all(self._file, text)
            if must_sync:
                os.fdatasync(self._file)
        except OSError:
            self._shut()
            raise
        self._size += len(text)
        return [None] * len(records)

    def _compact(self) -> None:
        """Replace the file by one with the newest records alone; on the disk before the old one is gone."""
        self._shut()
        if not self._is_read:
            self._read()  # what cannot be read is not replaced either
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(self._path.name + ".new")
        text = lines(list(self.newest.values()))
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            write_all(file, text)
            os.fsync(file)
            draft.replace(self._path)
            sync_folder(self._path.parent)
        except OSError:
            os.close(file)
            raise
        self._file, self._size = file, len(text)

    def _shut(self) -> None:
        if self._file >= 0:
            with contextlib.suppress(OSError):  # nothing that was promised depends on it: it was synced before
                os.close(self._file)
        self._file = -1


def parse(text: bytes) -> dict[str, LeaseRecord]:
    """The newest record of each camera; lines that are torn or not ours are left out, and said once."""
    newest: dict[str, LeaseRecord] = {}
    unreadable = 0
    for line in text.split(b"\n"):
        if not line:
            continue
        try:
            record = _RECORD.validate_json(line)
        except ValidationError:
            unreadable += 1
            continue
        before = newest.get(record.camera)
        if before is None or record.fence >= before.fence:
            newest[record.camera] = record
    if unreadable:
        _log.warning("the journal of control has %d unreadable line(s), as a power cut leaves them", unreadable)
    return newest


def lines(records: Iterable[LeaseRecord]) -> bytes:
    """Records as the file holds them."""
    return b"".join(_RECORD.dump_json(record) + b"\n" for record in records)
