"""Reading and writing areas' boundaries: one import at a time, whole or not at all; for threads and commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from camctl.store.engine import StoreError
from camctl.store.tables import AreaBoundaryRow, BoundaryImportRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

_DOWN = "The database of areas' boundaries does not answer; try again shortly."


@dataclass(frozen=True, slots=True)
class StoredBoundaries:
    """One import: its version, which grows, and the outlines as well-known binary by area code."""

    version: int
    outlines: dict[str, bytes]


class BoundaryStore:
    """The tables of boundaries. Every call raises StoreError when the database does not answer."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def version(self) -> int:
        """That of the newest import, 0 before the first."""
        try:
            with self._sessions() as session:
                return session.scalar(select(func.max(BoundaryImportRow.id))) or 0
        except SQLAlchemyError as error:
            raise StoreError(_DOWN) from error

    def load(self) -> StoredBoundaries:
        """The newest import; version 0 without any before the first."""
        newest = select(func.max(BoundaryImportRow.id)).scalar_subquery()
        # One statement, so that version and outlines belong together whatever another process does meanwhile.
        query = select(AreaBoundaryRow).where(AreaBoundaryRow.import_id == newest).order_by(AreaBoundaryRow.code)
        try:
            with self._sessions() as session:
                rows = session.scalars(query).all()
        except SQLAlchemyError as error:
            raise StoreError(_DOWN) from error
        return StoredBoundaries(rows[0].import_id if rows else 0, {row.code: row.wkb for row in rows})

    def replace(self, outlines: Mapping[str, bytes], *, source: str, sha256: str, at: datetime) -> int:
        """Put these in the place of all there were, in one transaction; returns their version.

        `source` and `sha256` (hexadecimal) say which file they came from; of former imports only that is kept.
        """
        if not outlines:
            raise ValueError("an import has at least one boundary")
        try:
            with self._sessions() as session, session.begin():
                session.connection(execution_options={"write": True})
                session.execute(delete(AreaBoundaryRow))
                record = BoundaryImportRow(source=source[:255], sha256=sha256, boundaries=len(outlines), imported_at=at)
                session.add(record)
                session.flush()
                session.add_all(
                    AreaBoundaryRow(import_id=record.id, code=code, wkb=wkb) for code, wkb in outlines.items()
                )
                return record.id
        except SQLAlchemyError as error:
            raise StoreError(_DOWN) from error
