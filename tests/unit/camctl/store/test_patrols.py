"""Patrols in a real database."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from camctl.cameras.patrols import load_patrols
from camctl.store import Store, StoreError, migrate, open_store
from camctl.store.migrate import _config
from camctl.store.patrols import PatrolStore, StoredPatrol

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
PATROL = StoredPatrol(
    id="one",
    camera_id="cam-1",
    name="Keliling",
    priority=10,
    stops=[{"preset": "1", "dwell_s": 15.0, "speed": None}, {"preset": "Jl. Sabang ✓", "dwell_s": 1.5, "speed": 0.5}],
    windows=[{"days": [0, 6], "from_min": 1320, "to_min": 300}],
    enabled=True,
    place=None,
    updated_by="Budi",
    updated_at=AT,
)
MOST = 8


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/p.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    migrate(url)
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def patrols(store: Store) -> PatrolStore:
    return PatrolStore(store.sessions)


def test_what_is_stored_is_read_again(patrols: PatrolStore) -> None:
    stored = patrols.add(PATROL, MOST)
    assert stored == replace(PATROL, place=0)
    assert patrols.get("cam-1", "one") == stored
    assert patrols.of_camera("cam-1") == patrols.all() == [stored]
    assert patrols.of_camera("cam-2") == []
    assert patrols.get("cam-2", "one") is None


def test_a_new_one_comes_after_all_others_of_its_camera(patrols: PatrolStore) -> None:
    patrols.add(replace(PATROL, id="ninth", place=9), MOST)
    assert patrols.add(replace(PATROL, id="last"), MOST) == replace(PATROL, id="last", place=10)
    assert patrols.add(replace(PATROL, id="other", camera_id="cam-2"), MOST) is not None
    patrols.add(replace(PATROL, id="first", place=0), MOST)
    assert [one.id for one in patrols.of_camera("cam-1")] == ["first", "ninth", "last"]
    assert [one.id for one in patrols.all()] == ["first", "ninth", "last", "other"]


def test_there_is_a_most_for_each_camera(patrols: PatrolStore) -> None:
    for number in range(2):
        assert patrols.add(replace(PATROL, id=f"p{number}"), 2) is not None
    assert patrols.add(replace(PATROL, id="p3"), 2) is None
    assert patrols.add(replace(PATROL, id="p4", camera_id="cam-2"), 2) is not None


def test_a_change_keeps_the_ids_and_the_place_unless_it_names_one(patrols: PatrolStore) -> None:
    patrols.add(replace(PATROL, place=3), MOST)
    changed = patrols.change("cam-1", "one", lambda old: replace(old, id="x", camera_id="y", name="Pagi", place=None))
    assert changed == replace(PATROL, name="Pagi", place=3)
    moved = patrols.change("cam-1", "one", lambda old: replace(old, place=0))
    assert moved is not None
    assert patrols.get("cam-1", "one") == moved == replace(PATROL, name="Pagi", place=0)
    assert patrols.change("cam-2", "one", lambda old: replace(old, name="stolen")) is None
    assert patrols.get("cam-1", "one") == moved


def test_only_the_cameras_own_is_removed(patrols: PatrolStore) -> None:
    patrols.add(PATROL, MOST)
    assert not patrols.remove("cam-2", "one")
    assert patrols.remove("cam-1", "one")
    assert not patrols.remove("cam-1", "one")
    assert patrols.all() == []


def test_changes_at_the_same_time_are_all_kept(patrols: PatrolStore) -> None:
    patrols.add(replace(PATROL, name="0"), MOST)

    def count(_: int) -> None:
        assert patrols.change("cam-1", "one", lambda old: replace(old, name=str(int(old.name) + 1))) is not None

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(20)))
    changed = patrols.get("cam-1", "one")
    assert changed is not None
    assert changed.name == "20"


def test_a_database_that_is_gone_is_a_store_error(patrols: PatrolStore, store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("DROP TABLE patrol"))
    for call in (patrols.all, lambda: patrols.add(PATROL, MOST), lambda: patrols.remove("cam-1", "one")):
        with pytest.raises(StoreError, match="patrols does not answer"):
            call()


def test_people_stay_when_the_table_comes_and_goes(url: str, store: Store) -> None:
    with store.engine.connect().execution_options(write=True) as connection, connection.begin():
        command.downgrade(_config(connection), "0001")
        connection.execute(text("INSERT INTO auth_change (person_id, at) VALUES ('p', '2026-01-01')"))
    migrate(url)
    PatrolStore(store.sessions).add(PATROL, MOST)
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM auth_change")).scalar_one() == 1


@pytest.mark.parametrize("stops", ['"none"', '[{"preset": "1"}]', "[5]", '[{"preset": "1", "dwell_s": "long"}]'])
def test_a_row_that_is_no_patrol_is_left_out_and_said(
    patrols: PatrolStore, store: Store, caplog: pytest.LogCaptureFixture, stops: str
) -> None:
    patrols.add(replace(PATROL, id="bad"), MOST)
    patrols.add(replace(PATROL, id="good"), MOST)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE patrol SET stops = :stops WHERE id = 'bad'"), {"stops": stops})
    with caplog.at_level(logging.ERROR):
        found = load_patrols(patrols)
    assert [one.id for one in found["cam-1"]] == ["good"]
    assert "the stored patrol bad cannot be read" in caplog.text
