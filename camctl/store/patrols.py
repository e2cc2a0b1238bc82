"""Reading and writing patrols: short, synchronous transactions; camctl.cameras.patrols calls them on threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from camctl.store.engine import StoreError
from camctl.store.tables import PatrolRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker


@dataclass(frozen=True, slots=True)
class StoredPatrol:
    """A patrol as stored; `stops` and `windows` are plain JSON. `place` None, when it is added: after all others."""

    id: str
    camera_id: str
    name: str
    priority: int
    stops: Sequence[Mapping[str, Any]]
    windows: Sequence[Mapping[str, Any]]
    enabled: bool
    place: int | None
    updated_by: str
    updated_at: datetime


class PatrolStore:
    """The table of patrols. Every call raises StoreError when the database does not answer."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        try:
            with self._sessions() as session:
                yield session
        except SQLAlchemyError as error:
            raise StoreError("The database of patrols does not answer; try again shortly.") from error

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._reading() as session, session.begin():
            # SQLite then takes the write lock at once instead of failing half-way; others ignore it.
            session.connection(execution_options={"write": True})
            yield session

    def all(self) -> list[StoredPatrol]:
        """Every camera's patrols, in running order."""
        with self._reading() as session:
            query = select(PatrolRow).order_by(PatrolRow.camera_id, PatrolRow.place, PatrolRow.id)
            return [_stored(row) for row in session.scalars(query)]

    def of_camera(self, camera_id: str) -> list[StoredPatrol]:
        """One camera's patrols, in running order."""
        with self._reading() as session:
            query = select(PatrolRow).where(PatrolRow.camera_id == camera_id)
            return [_stored(row) for row in session.scalars(query.order_by(PatrolRow.place, PatrolRow.id))]

    def get(self, camera_id: str, patrol_id: str) -> StoredPatrol | None:
        """One patrol of this camera; None when it has none of that id."""
        with self._reading() as session:
            row = session.get(PatrolRow, patrol_id)
            return _stored(row) if row is not None and row.camera_id == camera_id else None

    def add(self, patrol: StoredPatrol, most: int) -> StoredPatrol | None:
        """Store a new patrol; None when its camera has `most` of them already."""
        with self._writing() as session:
            after_all = func.coalesce(func.max(PatrolRow.place) + 1, 0)
            query = select(func.count(), after_all).where(PatrolRow.camera_id == patrol.camera_id)
            count, last_place = session.execute(query).one()
            if count >= most:
                return None
            place = last_place if patrol.place is None else patrol.place
            stored = replace(patrol, place=place)
            row = PatrolRow(id=stored.id, camera_id=stored.camera_id)
            _fill(row, stored, place)
            session.add(row)
            return stored

    def change(
        self, camera_id: str, patrol_id: str, edit: Callable[[StoredPatrol], StoredPatrol]
    ) -> StoredPatrol | None:
        """Rewrite a patrol of this camera by `edit` (its ids stay; place None: stays too); None when there is none."""
        with self._writing() as session:
            row = session.get(PatrolRow, patrol_id, with_for_update=True)
            if row is None or row.camera_id != camera_id:
                return None
            wanted = edit(_stored(row))
            _fill(row, wanted, row.place if wanted.place is None else wanted.place)
            return _stored(row)

    def remove(self, camera_id: str, patrol_id: str) -> bool:
        """Forget a patrol; False when the camera has none of that id."""
        with self._writing() as session:
            row = session.get(PatrolRow, patrol_id, with_for_update=True)
            if row is None or row.camera_id != camera_id:
                return False
            session.delete(row)
            return True


def _fill(row: PatrolRow, patrol: StoredPatrol, place: int) -> None:
    row.name = patrol.name
    row.priority = patrol.priority
    row.stops = [dict(stop) for stop in patrol.stops]
    row.windows = [dict(window) for window in patrol.windows]
    row.enabled = patrol.enabled
    row.place = place
    row.updated_by = patrol.updated_by
    row.updated_at = patrol.updated_at


def _stored(row: PatrolRow) -> StoredPatrol:
    return StoredPatrol(
        id=row.id,
        camera_id=row.camera_id,
        name=row.name,
        priority=row.priority,
        stops=row.stops,
        windows=row.windows,
        enabled=row.enabled,
        place=row.place,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
    )
