from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, cast

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from auth.grant_records import GrantRecords
from auth.model import CameraRef
from auth.policy import Standing
from auth.records import Records
from auth.roles import ROLES, Capability
from camctl.store import METADATA, StoreError, migrate, open_store
from camctl.store.migrate import _config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import MetaData

    from camctl.store import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/a%20b/p.db"  # a percent sign, which configuration files would interpolate


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    migrate(url)
    opened = open_store(url)
    yield opened
    opened.close()


def test_the_migrated_schema_is_the_models(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        # Alembic takes several as well (as in its env.py), though its annotation says one.
        assert compare_metadata(context, cast("MetaData", list(METADATA))) == []


def test_names_and_checks_are_the_models_too(store: Store) -> None:
    """What Alembic's comparison does not look at: check constraints, names, cascades, ids never used twice."""
    with store.engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        built = {row.name: row.sql for row in rows}
    for metadata in METADATA:
        for table in metadata.sorted_tables:
            said = str(CreateTable(table).compile(store.engine))
            for part in ("CHECK", "ON DELETE", "AUTOINCREMENT", "CONSTRAINT pk", "CONSTRAINT uq", "CONSTRAINT fk"):
                assert built[table.name].count(part) == said.count(part), (table.name, part)


def test_the_models_are_sql_for_postgresql_as_well() -> None:
    said: list[str] = []
    dialect = PGDialect()  # type: ignore[no-untyped-call]
    for metadata in METADATA:
        for table in metadata.sorted_tables:
            said.append(str(CreateTable(table).compile(dialect=dialect)))
            said += [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
    everything = "\n".join(said)
    assert "TIMESTAMP WITH TIME ZONE" in everything
    assert "SERIAL" in everything
    assert "BOOLEAN" in everything


def test_migrating_again_changes_nothing(url: str, store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("INSERT INTO auth_change (person_id, at) VALUES ('p', '2026-01-01')"))
    migrate(url)
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM auth_change")).scalar_one() == 1


def test_down_to_nothing_and_up_again(url: str, store: Store) -> None:
    with store.engine.connect().execution_options(write=True) as connection, connection.begin():
        command.downgrade(_config(connection), "base")
    assert inspect(store.engine).get_table_names() == ["alembic_version"]
    migrate(url)
    assert "person" in inspect(store.engine).get_table_names()


def test_everybody_keeps_what_they_had_when_grants_come_and_stays_signed_in(url: str, store: Store) -> None:
    with store.engine.connect().execution_options(write=True) as connection, connection.begin():
        command.downgrade(_config(connection), "0003")
        for person, role, priority in (("a", "official", None), ("b", "operator", 45), ("c", "operator", None)):
            connection.execute(
                text("INSERT INTO person VALUES (:p, :p, :p, 'h', 'Dishub', 0, '2026-01-01', :role, :priority)"),
                {"p": person, "role": role, "priority": priority},
            )
        connection.execute(text("INSERT INTO person_area VALUES ('a', '31.71'), ('a', '31.72.01'), ('b', '31')"))
        connection.execute(
            text(
                "INSERT INTO session VALUES ('s', 't', 'a', 'api', '', '2026-01-01', '2026-01-01', '2027-01-01', NULL)"
            )
        )
    migrate(url)
    records = Records(store.sessions)
    sari, budi, nobody = records.people()
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert [(grant.role, grant.areas, grant.priority) for grant in sari.grants] == [
        ("official", ("31.71", "31.72.01"), None)
    ]
    assert [(grant.role, grant.areas, grant.priority) for grant in budi.grants] == [("operator", ("31",), 45)]
    assert nobody.grants == ()
    camera = CameraRef("cam", "31.71.07.1002")
    assert Standing(sari, now).priority_on(camera) == 70
    assert Standing(budi, now).priority_on(camera) == 45
    session = records.by_session_id("s")
    assert session is not None
    assert session.person == sari


def test_the_roles_of_a_new_installation_are_the_shipped_ones(store: Store) -> None:
    assert GrantRecords(store.sessions).roles() == dict(ROLES)


def test_an_edited_role_is_left_as_it_was_edited(url: str, store: Store) -> None:
    with store.engine.connect().execution_options(write=True) as connection, connection.begin():
        command.downgrade(_config(connection), "0009")
    assert Capability.AUDIT not in GrantRecords(store.sessions).roles()["partner"].capabilities
    with store.engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(text("UPDATE role SET capabilities = '[\"see\"]' WHERE name = 'partner'"))
    migrate(url)
    assert GrantRecords(store.sessions).roles()["partner"].capabilities == {Capability.SEE}


def test_a_migration_that_fails_leaves_the_database_as_it_was(url: str) -> None:
    store = open_store(url)
    with store.engine.begin() as connection:
        connection.execute(text("CREATE TABLE session (in_the_way INTEGER)"))  # the third table of the first migration
    with pytest.raises(StoreError, match="cannot be brought up to date: table session already exists"):
        migrate(url)
    assert inspect(store.engine).get_table_names() == ["session"]
    store.close()


def test_a_database_of_a_newer_program_is_refused(url: str, store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="9999"):
        migrate(url)


def test_history_is_one_line_and_every_file_of_it_is_in_the_package() -> None:
    config = Config()
    config.set_main_option("script_location", "camctl.store:migrations")
    script = ScriptDirectory.from_config(config)
    assert len(script.get_heads()) == 1
    files = [entry.name for entry in resources.files("camctl.store").joinpath("migrations/versions").iterdir()]
    assert len([name for name in files if name.endswith(".py")]) == len(list(script.walk_revisions()))
