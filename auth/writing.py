"""What every transaction on people shares: the write lock, finding the person, and the note that they changed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from auth.errors import UnknownPersonError
from auth.tables import AuthChangeRow, PersonRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session, sessionmaker


@dataclass(frozen=True, slots=True)
class Change:
    """A stored note that a person changed."""

    id: int
    person_id: str


@contextmanager
def writing(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """A transaction that will write."""
    with sessions() as session, session.begin():
        # The store's SQLite engine then takes the write lock at once instead of failing half-way; others ignore it.
        session.connection(execution_options={"write": True})
        yield session


def person_row(session: Session, username: str, *, lock: bool = False) -> PersonRow:
    """The person's row; UnknownPersonError when nobody. `lock`: until the transaction ends (SQLite locks anyway)."""
    query = select(PersonRow).where(PersonRow.username == username)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise UnknownPersonError(username)
    return row


def note(session: Session, person_id: str, now: datetime) -> Change:
    """Write down that somebody's rights changed."""
    row = AuthChangeRow(person_id=person_id, at=now)
    session.add(row)
    session.flush()
    return Change(row.id, person_id)
