from __future__ import annotations

import stat
import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from camctl.store import COMMAND_PATIENCE_S, StoreError, migrate, open_store

if TYPE_CHECKING:
    from pathlib import Path


def test_the_file_and_its_directory_are_for_our_eyes_only(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/var/lib/people.db")
    with store.engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
    with store.engine.connect() as connection:
        connection.execute(text("SELECT * FROM t"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "var/lib").iterdir()}
    store.close()
    assert modes == {"people.db": 0o600, "people.db-wal": 0o600, "people.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "var/lib").stat().st_mode) == 0o700


def test_every_connection_is_set_up(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/p.db")
    with store.engine.connect() as first, store.engine.connect() as second:
        for connection in (first, second):
            values = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
            ]
            assert values == ["wal", 1, 2, 5000]
    store.close()


def test_a_writer_waits_as_long_as_it_was_told(tmp_path: Path) -> None:
    """A command outwaits the other writer of a slow disk; who serves a page gives up in time to say so."""
    url = f"sqlite:///{tmp_path}/p.db"
    hasty, patient = open_store(url, 0.05), open_store(url, COMMAND_PATIENCE_S)
    waited = threading.Event()

    def write() -> None:
        with patient.sessions() as session, session.begin():
            session.connection(execution_options={"write": True})
            waited.set()

    with hasty.engine.connect().execution_options(write=True) as holder, holder.begin():
        writer = threading.Thread(target=write)
        writer.start()
        with (
            hasty.engine.connect().execution_options(write=True) as late,
            pytest.raises(OperationalError, match="locked"),
        ):
            late.begin()
        assert not waited.wait(0.1)
    assert waited.wait(10)
    writer.join(10)
    for store in (hasty, patient):
        store.close()


def test_foreign_keys_hold(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/p.db"
    migrate(url)
    store = open_store(url)
    with pytest.raises(IntegrityError), store.engine.begin() as connection:
        connection.execute(text("INSERT INTO restream_account VALUES ('nvr', 'nobody', '{}', '[]', '2026-01-01')"))
    store.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("not a url with s3cret", "not one"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("nosuch://joe:s3cret@db/x", "no driver"),
        ("sqlite:////proc/nothing/here/p.db", "cannot be opened"),
    ],
)
def test_what_cannot_be_opened_is_said_plainly(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as refused:
        open_store(url)
    assert "s3cret" not in str(refused.value)


def test_a_directory_or_a_file_of_something_else_is_not_a_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="directory"):
        open_store(f"sqlite:///{tmp_path}")
    (tmp_path / "p.db").write_text("this is a letter, not a database\n" * 100)
    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{tmp_path}/p.db")
    with pytest.raises(StoreError, match="not a database"):
        migrate(f"sqlite:///{tmp_path}/p.db")


def test_a_failing_statement_does_not_show_its_values(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/p.db")
    with pytest.raises(OperationalError) as failed, store.engine.connect() as connection:
        connection.execute(text("SELECT :x FROM nowhere"), {"x": "s3cret"})
    assert "s3cret" not in str(failed.value)
    store.close()


def test_two_writers_that_read_first_both_get_through(tmp_path: Path) -> None:
    """With a plain BEGIN the later one would fail at once: its snapshot is old when it turns to writing."""
    store = open_store(f"sqlite:///{tmp_path}/p.db")
    with store.engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (n INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))
    failures: list[Exception] = []

    def count() -> None:
        try:
            for _ in range(25):
                with store.sessions() as session, session.begin():
                    session.connection(execution_options={"write": True})
                    value = session.execute(text("SELECT n FROM counter")).scalar_one()
                    session.execute(text("UPDATE counter SET n = :n"), {"n": value + 1})
        except OperationalError as failure:
            failures.append(failure)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT n FROM counter")).scalar_one() == 100
    assert failures == []
    store.close()
