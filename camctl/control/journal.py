"""The journal: who controlled which camera, as JSON lines in a file that is only appended to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from camctl.cameras.records import LeaseRecord

_log = logging.getLogger(__name__)

COMPACT_BYTES = 4 << 20
MAX_WAITING = 10_000
_RECORD = TypeAdapter(LeaseRecord)


class Journal:
    """Appends records in a thread, all that wait at once with one fdatasync. Belongs to one event loop.

    `newest` holds the last record of each camera, from the file at first. `problem` says why records cannot be written;
    empty when the last attempt worked.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[tuple[bytes, bool, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._file = -1
        self._size = 0
        self._is_read = False
        self.newest: dict[str, LeaseRecord] = {}
        self.problem = ""
        self.on_change: Callable[[], None] = lambda: None  # called when `problem` changed

    async def open(self) -> None:
        """Read what is there and compact it; never raises, `problem` tells."""
        try:
            await asyncio.to_thread(self._compact)
        except OSError as error:
            self._failed(error)

    def note(self, record: LeaseRecord, *, durable: bool) -> asyncio.Future[None]:
        """Write soon (see LeaseRecords)."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_seen)
        if len(self._waiting) >= MAX_WAITING:
            future.set_exception(OSError("the disk is too slow: too many records wait to be written"))
            return future
        self.newest[record.camera] = record
        self._waiting.append((_RECORD.dump_json(record) + b"\n", durable, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting(), name="journal")
        return future

    async def close(self) -> None:
        """Write what waits, and close the file."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
        await asyncio.to_thread(self._shut)

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                text = b"".join(line for line, _durable, _future in batch)
                must_sync = any(durable for _line, durable, _future in batch)
                try:
                    await asyncio.to_thread(self._append, text, must_sync)
                except OSError as error:
                    self._failed(error)
                    for _line, _durable, future in batch:
                        if not future.done():
                            future.set_exception(OSError(error.errno, error.strerror))
                else:
                    self._worked()
                    for _line, _durable, future in batch:
                        if not future.done():
                            future.set_result(None)
        finally:
            self._writing = None

    def _failed(self, error: OSError) -> None:
        if not self.problem:
            _log.error("the journal of control %s cannot be written: %s", self._path, error.strerror or error)
        self._say(f"the journal of control cannot be written: {error.strerror or error}")

    def _worked(self) -> None:
        if self.problem:
            _log.warning("the journal of control can be written again")
        self._say("")

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self.on_change()

    # In a thread, one at a time -------------------------------------------------------------------------------------

    def _read(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.newest = parse(self._path.read_bytes()) | self.newest
        self._is_read = True

    def _append(self, text: bytes, must_sync: bool) -> None:
        if self._file < 0 or self._size > COMPACT_BYTES:
            self._compact()  # holds the text's records too; after a failure it leaves no half line behind
        try:
            _write_all(self._file, text)
            if must_sync:
                os.fdatasync(self._file)
        except OSError:
            self._shut()
            raise
        self._size += len(text)

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
            _write_all(file, text)
            os.fsync(file)
            draft.replace(self._path)
            _sync_folder(self._path.parent)
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


def _write_all(file: int, text: bytes) -> None:
    while text:
        text = text[os.write(file, text) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _seen(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()  # whoever has to know awaits it; for the others `problem` tells
