"""Short, synchronous transactions on the people's tables; callers use a thread."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from auth.errors import AuthUnavailableError
from auth.writing import writing

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        try:
            with writing(self._sessions) as session:
                yield session
        except SQLAlchemyError as error:
            raise AuthUnavailableError from error
