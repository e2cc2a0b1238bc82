"""Writing a chain's segments: synchronous, for one thread at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from camctl.audit.chain import AuditRow, Head, line_of, seal
from camctl.audit.entry import AuditEntry
from camctl.audit.segments import header_line, parse, segment_path, segments, total_size
from camctl.group_commit import sync_folder, write_all

_log = logging.getLogger(__name__)

SEGMENT_BYTES = 4 << 20
MAX_FOUND = 10_000
MAX_BYTES = 1 << 30  # about two million rows that the database has not taken; more is refused, and control with it


class SpoolFile:
    """Seals entries as the next rows of `chain` and appends them. Opened by the first write, and again after an error.

    After any end of the process the chain goes on behind the last whole row that is there.
    """

    def __init__(self, folder: Path, chain: str) -> None:
        self._folder = folder
        self._chain = chain
        self._lock = -1
        self._file = -1
        self._size = 0
        self._unsure: list[tuple[AuditEntry, AuditRow]] = []  # of the last write, which failed, perhaps not wholly
        self._found: dict[int, tuple[AuditEntry, AuditRow]] = {}  # of such writes, by the entry's id: they are there
        self.head = Head()

    def write(self, entries: Sequence[AuditEntry], must_sync: bool) -> list[AuditRow]:
        """Append the entries; returns their rows. With `must_sync` they are on the disk then.

        Raises:
            OSError: they are not, or not surely; what was written whole is in the chain nevertheless.
        """
        self.open()
        if self._size > SEGMENT_BYTES:
            self._begin_segment(self.head)
        rows, fresh, head = [], [], self.head
        for entry in entries:
            known = self._found.get(id(entry))  # one that comes again after a write that failed
            if known is not None:
                rows.append(known[1])
                continue
            row = seal(entry, self._chain, head)
            fresh.append((entry, row))
            rows.append(row)
            head = Head(row.seq, row.digest)
        text = b"".join(line_of(row) for _entry, row in fresh)
        try:
            write_all(self._file, text)
            if must_sync:
                os.fdatasync(self._file)
        except OSError:
            self._unsure = fresh
            self._shut()  # the next write looks at what is there
            raise
        for entry in entries:
            self._found.pop(id(entry), None)
        self.head = head
        self._size += len(text)
        return rows

    def open(self) -> None:
        """Find the chain's end and take hold of it; OSError when that cannot be done."""
        if self._file >= 0:
            return
        if self._lock < 0:
            self._take_lock()
        found = segments(self._folder, self._chain)
        if not found:
            self._begin_segment(Head())
            return
        path = found[-1].path
        try:
            text = path.read_bytes()
            content = parse(text, self._chain)
        except ValueError:
            raise OSError(
                errno.EIO, f"the spool's file {path} is damaged; move it away and run `camctl audit verify`"
            ) from None
        torn = text[content.size :]
        if b"\n" in torn:  # more than a write that was cut short: kept, for whoever looks into it
            _keep_aside(path, torn)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        if torn:
            os.ftruncate(self._file, content.size)
        self.head, self._size = content.head, content.size
        there = {row.digest for row in content.rows}
        self._found |= {id(entry): (entry, row) for entry, row in self._unsure if row.digest in there}
        self._unsure = []
        while len(self._found) > MAX_FOUND:  # whoever does not come again
            del self._found[next(iter(self._found))]

    def advance(self, head: Head) -> bool:
        """Go on behind `head` if the spool ends before it: the database has more than a spool that was lost.

        To be called before the first write. Returns whether that was so.

        Raises:
            OSError: the spool cannot be opened.
        """
        self.open()
        if head.seq <= self.head.seq:
            return False
        self._begin_segment(head)
        return True

    def close(self) -> None:
        """Give the file and the chain back."""
        self._shut()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _take_lock(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._folder / f"{self._chain}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise BlockingIOError(errno.EAGAIN, "another process still writes it") from None
        self._lock = lock

    def _begin_segment(self, head: Head) -> None:
        found = segments(self._folder, self._chain)
        if total_size(found) > MAX_BYTES:
            raise OSError(errno.ENOSPC, "the spool is full: the database has taken no rows for long")
        path = segment_path(self._folder, self._chain, head.seq + 1)
        draft = path.with_name(path.name + ".new")
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        text = header_line(self._chain, head)
        try:
            if self._file >= 0:
                os.fdatasync(self._file)  # what follows must not outlive what it hangs on
            write_all(file, text)
            os.fsync(file)
            draft.replace(path)
            sync_folder(self._folder)
        except OSError:
            os.close(file)
            raise
        self._shut()
        self._file, self._size, self.head = file, len(text), head

    def _shut(self) -> None:
        if self._file >= 0:
            with contextlib.suppress(OSError):  # nothing that was promised depends on it: it was synced before
                os.close(self._file)
        self._file = -1


def _keep_aside(path: Path, torn: bytes) -> None:
    aside = path.with_name(path.name + ".damaged")
    _log.error("the spool's file %s is damaged at its end; that part is kept in %s", path, aside)
    aside.write_bytes(torn)
    aside.chmod(0o600)
