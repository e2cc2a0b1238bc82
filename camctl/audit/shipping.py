"""From the spool to the database: synchronous, for one thread at a time."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

from camctl.audit.chain import AuditRow, Head, stranger
from camctl.audit.log import AuditLog, ConflictError
from camctl.audit.segments import Segment, chains, follows, read_header, segments, whole_lines, write_shipped
from camctl.audit.spool_file import SpoolFile

_log = logging.getLogger(__name__)

READ_BYTES = 1 << 20
BATCH_ROWS = 1_000


class SpoolDamageError(Exception):
    """A line of the spool is no row of its chain; the message says where."""


@dataclass(slots=True)
class _Place:
    """Up to where a chain's spool has reached the database."""

    segment: Segment
    offset: int = 0
    head: Head = field(default_factory=Head)  # what the next line hangs on; unknown before the first one


class Shipping:
    """Carries what is whole and on the disk to the database; what is there already is passed over."""

    def __init__(self, folder: Path, log: AuditLog) -> None:
        self._folder = folder
        self._log = log
        self._places: dict[str, _Place] = {}

    def ship(self) -> int:
        """One batch of every chain; returns how many rows were new in the database.

        Raises:
            StoreError: the database does not answer; nothing of that chain's batch is in it.
            OSError, SpoolDamageError: the spool cannot be read.
            ConflictError: the database has another row in the place of one.
        """
        shipped = 0
        trouble: OSError | SpoolDamageError | ConflictError | None = None
        for chain in chains(self._folder):
            try:
                shipped += self._ship(chain)
            except (OSError, SpoolDamageError, ConflictError) as error:
                trouble = error  # of this chain: the others go on
        if trouble is not None:
            raise trouble
        return shipped

    def _ship(self, chain: str) -> int:
        found = segments(self._folder, chain)
        fault = stranger(chain)
        if fault is not None:
            raise SpoolDamageError(f"the spool of the audit log has a file {found[0].path}: {fault}")
        place = self._places.get(chain)
        if place is None or place.segment not in found:
            place = self._places[chain] = _Place(found[0])
        rows, read = _read(place, chain)
        shipped = self._log.add(rows)
        place.offset, place.head = read.offset, read.head
        if rows:
            self._say_shipped(chain, place.head)
        else:
            self._go_on(place, found)
        return shipped

    def _say_shipped(self, chain: str, head: Head) -> None:
        try:
            write_shipped(self._folder, chain, head)
        except OSError as error:  # the rows are safe; only `verify` knows less
            _log.warning("up to where the audit log of %s has reached the database cannot be written: %s", chain, error)

    def _go_on(self, place: _Place, found: list[Segment]) -> None:
        """To the next segment, if there is one: then this one gets no more rows, and all of it is in the database."""
        index = found.index(place.segment)
        if index + 1 == len(found) or place.offset < place.segment.path.stat().st_size:
            return
        place.segment.path.unlink()
        self._places[place.segment.path.name.rpartition("-")[0]] = _Place(found[index + 1])

    def waiting_bytes(self) -> int:
        """How much of the spool has not reached the database."""
        size = 0
        for chain in chains(self._folder):
            place = self._places.get(chain)
            size += sum(segment.path.stat().st_size for segment in segments(self._folder, chain))
            size -= place.offset if place is not None else 0
        return size


def _read(place: _Place, chain: str) -> tuple[list[AuditRow], _Place]:
    """The next rows, and the place behind them. What is read is on the disk: the database must not have more.

    Nothing is ever taken out of the database again, so only what hangs on the line before gets there; a bent line ends
    what is read, and is told when it is the first.
    """
    file = os.open(place.segment.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        text = os.pread(file, READ_BYTES, place.offset)
        if text:
            os.fdatasync(file)
    finally:
        os.close(file)
    rows: list[AuditRow] = []
    offset, head = place.offset, place.head
    for line in whole_lines(text):
        if offset == 0:
            head = _first_head(line, place.segment, chain)
        else:
            row = follows(line, chain, head)
            if row is None and rows:
                break
            if row is None:
                where = f"{place.segment.path} at byte {offset}"
                what = f"is no row of {chain} that follows row {head.seq}"
                raise SpoolDamageError(f"the spool of the audit log is damaged: {where} {what}")
            rows.append(row)
            head = Head(row.seq, row.digest)
        offset += len(line)
        if len(rows) >= BATCH_ROWS:
            break
    return rows, _Place(place.segment, offset, head)


def _first_head(line: bytes, segment: Segment, chain: str) -> Head:
    try:
        head = read_header(line, chain)
    except ValueError as error:
        raise SpoolDamageError(f"the spool of the audit log is damaged: {segment.path}: {error}") from None
    if head.seq != segment.first - 1:
        what = f"goes on after row {head.seq}, which its name denies"
        raise SpoolDamageError(f"the spool of the audit log is damaged: {segment.path} of {chain} {what}")
    return head


def advance_spools(folder: Path, ends: dict[str, Head]) -> None:
    """Let no chain go on below what the database has or had (`AuditLog.ends`), as a spool that was lost would.

    Before anything is recorded.

    Raises:
        OSError: a spool cannot be opened. One that another process writes is not lost, and is left alone.
    """
    for chain, head in ends.items():
        spool = SpoolFile(folder, chain)
        try:
            if spool.advance(head):
                _log.warning("the audit log of %s goes on after row %d of the database", chain, head.seq)
        except BlockingIOError:
            continue
        finally:
            spool.close()
