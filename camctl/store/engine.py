"""Opening the database.

migrate(url)               # once at start
store = open_store(url)
auth = AuthService(store.sessions)
store.close()
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import sessionmaker

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.orm import Session
    from sqlalchemy.pool import ConnectionPoolEntry

REQUEST_PATIENCE_S = 5.0
"""How long a writer waits for another where somebody waits before a page."""
COMMAND_PATIENCE_S = 60.0
"""And at a start or in a command, where waiting for a slow disk is better than a half-made beginning."""


class StoreError(Exception):
    """The database cannot be opened or brought up to date; the message says which and why, without its password."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open database; give `sessions` to what reads and writes it."""

    engine: Engine
    sessions: sessionmaker[Session]

    def check(self) -> None:
        """Raise StoreError unless the database answers."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            raise StoreError(f"The database {_shown(self.engine.url)} does not answer: {_cause(error)}") from error

    def close(self) -> None:
        """Close the idle connections."""
        self.engine.dispose()


def open_store(url: str, patience_s: float = REQUEST_PATIENCE_S) -> Store:
    """Open `sqlite:///path` (made with its directory, for us only) or `postgresql+driver://...`; else StoreError.

    A transaction that will write should say so first: `session.connection(execution_options={"write": True})`. On
    SQLite it then waits for the write lock at its start, `patience_s` at most, instead of failing when it turns from
    reading to writing.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_file(parsed)
    try:
        engine = create_engine(
            parsed, hide_parameters=True, connect_args=_connect_args(parsed, patience_s), pool_pre_ping=True
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(f"There is no driver for the database {_shown(parsed)}: {error}") from error
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    store = Store(engine, sessionmaker(engine, expire_on_commit=False))
    store.check()
    return store


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # Not shown: what cannot be parsed may hold a password anywhere.
        raise StoreError("The database URL is not one; it looks like sqlite:///var/camctl.db.") from error
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StoreError("A SQLite database must be a file, such as sqlite:///var/camctl.db.")
    return parsed


def _prepare_file(url: URL) -> None:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would make it readable for all; its -wal and -shm files take the mode of this one.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"The database file {path} cannot be opened: {error.strerror}") from error


def _connect_args(url: URL, patience_s: float) -> dict[str, object]:
    return {"timeout": patience_s} if url.get_backend_name() == "sqlite" else {}


def _set_pragmas(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # Transactions begin where SQLAlchemy says (`_begin`), so that DDL is inside them too.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "foreign_keys = ON", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _cause(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error)
