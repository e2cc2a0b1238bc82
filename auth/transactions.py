"""Short, synchronous transactions on the people's tables; callers use a thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from auth.errors import AuthUnavailableError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker


class Transactions:
    """What classes around a table stand on: AuthUnavailableError when the database does not answer."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        try:
            with self._sessions() as session:
                yield session
        except SQLAlchemyError as error:
            raise AuthUnavailableError from error

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._reading() as session, session.begin():
            # The store's SQLite engine then takes the write lock at once instead of failing half-way; others ignore it.
            session.connection(execution_options={"write": True})
            yield session
