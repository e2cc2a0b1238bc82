"""The audit log's tables: short, synchronous transactions for threads; every call raises StoreError on failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from camctl.audit.chain import AuditRow, Head
from camctl.audit.checkpoint import SignedCheckpoint, read_checkpoint
from camctl.store.audit_tables import AuditCheckpointRow, AuditDropRow, AuditEntryRow
from camctl.store.engine import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session, sessionmaker

TABLE = AuditEntryRow.__table__
READ_ROWS = 5_000
DELETE_ROWS = 10_000


class ConflictError(Exception):
    """The database holds another row in a row's place: one of the two is not what was recorded."""

    def __init__(self, row: AuditRow) -> None:
        super().__init__(f"the database already has another row {row.chain}/{row.seq}")
        self.row = row


class AuditLog:
    """Appends rows and checkpoints, and reads them."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session; StoreError when the database does not answer."""
        try:
            with self._sessions() as session:
                yield session
        except SQLAlchemyError as error:
            raise StoreError("The database of the audit log does not answer; try again shortly.") from error

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self.reading() as session, session.begin():
            session.connection(execution_options={"write": True})
            yield session

    def add(self, rows: Sequence[AuditRow]) -> int:
        """Append rows of one chain, in order, in one transaction; those that are there already are left out.

        Returns how many were new.

        Raises:
            ConflictError: another row has the place of one of them; none is added.
        """
        if not rows:
            return 0
        with self._writing() as session:
            here = select(AuditEntryRow.seq, AuditEntryRow.digest).where(
                AuditEntryRow.chain == rows[0].chain, AuditEntryRow.seq.between(rows[0].seq, rows[-1].seq)
            )
            known = {row[0]: row[1] for row in session.execute(here)}
            for row in rows:
                if known.get(row.seq, row.digest) != row.digest:
                    raise ConflictError(row)
            fresh = [row._asdict() for row in rows if row.seq not in known]
            if fresh:
                session.execute(insert(AuditEntryRow), fresh)
            return len(fresh)

    def heads(self) -> dict[str, Head]:
        """The newest row of each chain."""
        with self.reading() as session:
            newest = select(AuditEntryRow.chain, func.max(AuditEntryRow.seq)).group_by(AuditEntryRow.chain)
            found = {}
            for chain, seq in session.execute(newest).all():
                digest = session.scalars(
                    select(AuditEntryRow.digest).where(AuditEntryRow.chain == chain, AuditEntryRow.seq == seq)
                ).one()
                found[chain] = Head(seq, digest)
            return found

    def ends(self) -> dict[str, Head]:
        """Behind what each chain goes on: its newest row, or what was signed last when its rows were dropped."""
        found = self.heads()
        try:
            newest = self.newest_checkpoint()
        except ValueError:
            return found  # the sealer and `verify` say so
        for chain, head in (newest.checkpoint.heads if newest is not None else {}).items():
            if head.seq > found.get(chain, Head()).seq:
                found[chain] = head
        return found

    def rows(self, chain: str, after: int = 0, through: int | None = None) -> Iterator[AuditRow]:
        """A chain's rows above `after`, in order; read in pieces, so that no lock is held between them."""
        while True:
            query = select(TABLE).where(AuditEntryRow.chain == chain, AuditEntryRow.seq > after)
            if through is not None:
                query = query.where(AuditEntryRow.seq <= through)
            piece = self.read(query.order_by(AuditEntryRow.seq).limit(READ_ROWS))
            yield from piece
            if len(piece) < READ_ROWS:
                return
            after = piece[-1].seq

    def read(self, query: Select[Any]) -> list[AuditRow]:
        """The rows of a query over the whole table."""
        with self.reading() as session:
            return [AuditRow._make(row) for row in session.execute(query)]

    def get(self, chain: str, seq: int) -> AuditRow | None:
        """One row, or None."""
        found = self.read(select(TABLE).where(AuditEntryRow.chain == chain, AuditEntryRow.seq == seq))
        return found[0] if found else None

    # Checkpoints ----------------------------------------------------------------------------------------------------

    def checkpoint_lines(self) -> list[tuple[int, str]]:
        """All checkpoints as they are stored, in order."""
        with self.reading() as session:
            query = select(AuditCheckpointRow.number, AuditCheckpointRow.line).order_by(AuditCheckpointRow.number)
            return [(number, line) for number, line in session.execute(query)]

    def newest_checkpoint(self) -> SignedCheckpoint | None:
        """The last one; None before the first. ValueError when it is none."""
        with self.reading() as session:
            query = select(AuditCheckpointRow.line).order_by(AuditCheckpointRow.number.desc()).limit(1)
            line = session.scalars(query).first()
        return read_checkpoint(line) if line is not None else None

    def add_checkpoint(self, signed: SignedCheckpoint) -> None:
        """Append a checkpoint, and let rows go that it says are dropped."""
        checkpoint = signed.checkpoint
        with self._writing() as session:
            session.add(AuditCheckpointRow(number=checkpoint.number, line=signed.line()))
            session.flush()
            known = {(chain, through) for chain, through, _ in self._drops(session)}
            session.add_all(
                AuditDropRow(chain=chain, through=dropped.through, checkpoint=checkpoint.number)
                for chain, dropped in checkpoint.dropped.items()
                if (chain, dropped.through) not in known
            )

    def drops(self) -> list[tuple[str, int, int]]:
        """What the triggers let go: chain, last row, and the checkpoint's number."""
        with self.reading() as session:
            return self._drops(session)

    @staticmethod
    def _drops(session: Session) -> list[tuple[str, int, int]]:
        query = select(AuditDropRow.chain, AuditDropRow.through, AuditDropRow.checkpoint)
        return [(chain, through, number) for chain, through, number in session.execute(query)]

    def last_before(self, chain: str, at: str) -> Head | None:
        """The newest row of a chain up to which all rows are older than the stamp `at`; None when there is none."""
        with self.reading() as session:
            first_kept = select(func.min(AuditEntryRow.seq)).where(AuditEntryRow.chain == chain, AuditEntryRow.at >= at)
            kept = session.scalars(first_kept).one()
            query = select(AuditEntryRow.seq, AuditEntryRow.digest).where(AuditEntryRow.chain == chain)
            if kept is not None:
                query = query.where(AuditEntryRow.seq < kept)
            row = session.execute(query.order_by(AuditEntryRow.seq.desc()).limit(1)).first()
            return Head(row[0], row[1]) if row is not None else None

    def delete_through(self, chain: str, through: int) -> int:
        """Delete the oldest rows that may go, a piece at a time from the first; returns how many went in this piece."""
        with self._writing() as session:
            query = select(AuditEntryRow.seq).where(AuditEntryRow.chain == chain).order_by(AuditEntryRow.seq).limit(1)
            first = session.scalars(query).first()
            if first is None or first > through:
                return 0
            last = min(through, first + DELETE_ROWS - 1)
            session.execute(delete(AuditEntryRow).where(AuditEntryRow.chain == chain, AuditEntryRow.seq <= last))
            return last - first + 1
