"""Bringing the database up to date; part of the program, so an installed wheel can do it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

import camctl.store.audit_tables  # noqa: F401  its tables belong to the metadata of store.tables
from auth.tables import Base as AuthBase
from camctl.store.engine import COMMAND_PATIENCE_S, StoreError, open_store
from camctl.store.tables import Base as ServiceBase

if TYPE_CHECKING:
    from sqlalchemy import Connection

METADATA = (AuthBase.metadata, ServiceBase.metadata)
"""All tables that the migrations build; a package with tables adds its metadata here."""

_LOCK_ID = 0x63616D63  # any constant; PostgreSQL's advisory locks are numbers


def migrate(url: str) -> None:
    """Upgrade the schema to this program's version in one transaction; StoreError when that fails.

    Several processes may call it at once: one works, the others wait and find nothing left to do.
    """
    store = open_store(url, COMMAND_PATIENCE_S)
    try:
        with store.engine.connect().execution_options(write=True) as connection, connection.begin():
            _lock(connection)
            command.upgrade(_config(connection), "head")
    except (SQLAlchemyError, CommandError) as error:
        raise StoreError(
            f"The database cannot be brought up to date: {getattr(error, 'orig', None) or error}"
        ) from error
    finally:
        store.close()


def _lock(connection: Connection) -> None:
    # SQLite holds its write lock since BEGIN IMMEDIATE.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK_ID})


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "camctl.store:migrations")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = METADATA
    return config
