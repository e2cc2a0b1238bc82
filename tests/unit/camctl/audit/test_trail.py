"""The way to the database, as a part of the service: outages, conflicts, and searching what has arrived."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from auth.policy import Reach
from camctl.audit import sink as sink_module
from camctl.audit.chain import COLUMNS, Head, seal
from camctl.audit.entry import Action, Actor, AuditEntry, Reason, plain, stamp, time_of
from camctl.audit.repeats import REST, Repeats
from camctl.audit.search import Filter, cursor_of, in_order, page
from camctl.audit.sink import Sink
from camctl.audit.spool import Spool
from camctl.audit.trail import Trail
from camctl.supervisor import Supervisor
from tests.support.audit import BEGIN, Record, chain_of, entry, record


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    made = Supervisor()
    yield made
    await made.close()


async def until(condition: Any, within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(0.01)


def sql(made: Record, statement: str) -> None:
    database = sqlite3.connect(made.folder / "audit.db")
    database.execute(statement)
    database.commit()
    database.close()


async def test_the_databases_outage_refuses_nothing_and_loses_nothing(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_module, "RETRY_S", 0.02)
    with record(tmp_path) as made:
        spool, sink = Spool(tmp_path, "control"), Sink(tmp_path, made.log, supervisor)
        await spool.start()
        spool.on_written = sink.hurry
        sql(made, "ALTER TABLE audit_entry RENAME TO away")
        await sink.start()
        for number in range(50):
            await spool.append(entry(number))
        await until(lambda: "does not answer" in sink.problem)
        assert spool.problem == ""
        sql(made, "ALTER TABLE away RENAME TO audit_entry")
        await until(lambda: made.log.heads().get("control", Head()).seq == 50)
        await until(lambda: sink.problem == "")
        await spool.close()
        await sink.close()
        assert made.verify().faults == []


async def test_a_row_that_somebody_put_in_the_way_is_no_reason_to_forget_ours(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    with record(tmp_path) as made:
        made.log.add([seal(entry(99, camera="forged"), "control", Head())])
        spool, sink = Spool(tmp_path, "control"), Sink(tmp_path, made.log, supervisor)
        await spool.start()
        await spool.append(entry(1))
        assert await sink.ship() == 0
        assert "already has another row control/1" in sink.problem
        await spool.close()
        other = Spool(tmp_path, "service")
        await other.start()
        await other.append(entry(2))
        await sink.ship()
        assert made.log.heads()["service"].seq == 1, "the other chain goes on"
        await other.close()
        assert any(fault.chain == "control" and fault.seq == 1 for fault in made.verify().faults)


async def test_the_trail_signs_and_ends_with_everything_in_the_database(tmp_path: Path, supervisor: Supervisor) -> None:
    with record(tmp_path) as made:
        trail = Trail(tmp_path, made.store.sessions, supervisor, checkpoint_every_s=3600, retention_days=None)
        await trail.start()
        await trail.append(entry(1))
        trail.note(entry(2))
        await trail.close()
        assert trail.problems == []
        assert made.log.heads()["service"].seq == 2
        newest = made.log.newest_checkpoint()
        assert newest is not None
        assert newest.checkpoint.heads["service"].seq == 2


async def test_a_spool_that_was_lost_never_takes_a_number_twice(tmp_path: Path, supervisor: Supervisor) -> None:
    with record(tmp_path) as made:
        made.log.add(chain_of(5, "service"))
        made.log.add(chain_of(3, "control"))
        trail = Trail(tmp_path, made.store.sessions, supervisor, checkpoint_every_s=3600, retention_days=None)
        await trail.start()
        assert (await trail.append(entry(1))).seq == 6
        control = Spool(tmp_path, "control")
        await control.start()
        assert (await control.append(entry(1))).seq == 4
        await control.close()
        await trail.close()
        assert {chain: head.seq for chain, head in made.log.heads().items()} == {"service": 6, "control": 4}


async def test_a_chain_whose_rows_were_all_dropped_goes_on_behind_them(tmp_path: Path, supervisor: Supervisor) -> None:
    with record(tmp_path) as made:
        rows = chain_of(5, "service")
        made.log.add(rows)
        made.now = BEGIN + timedelta(days=40)
        assert made.sealer.purge(30) == 5
        assert made.log.heads() == {}
        trail = Trail(tmp_path, made.store.sessions, supervisor, checkpoint_every_s=3600, retention_days=None)
        await trail.start()
        row = await trail.append(entry(1))
        assert (row.seq, row.previous) == (6, rows[-1].digest)
        await trail.close()


# Searching ------------------------------------------------------------------------------------------------------------


def found(made: Record, **wanted: Any) -> list[int]:
    return [row.seq for row in made.log.read(in_order(Filter(**wanted), 100))]


def test_what_can_be_searched_for(tmp_path: Path) -> None:
    with record(tmp_path) as made:
        budi = Actor("p-budi", "Pak Budi 100%", "admin")
        rows = chain_of(9)
        head = Head(rows[-1].seq, rows[-1].digest)
        rows.append(
            seal(AuditEntry(BEGIN + timedelta(minutes=10), budi, Action.NOTE, "", "", "control/3"), "control", head)
        )
        made.log.add(rows)
        assert found(made) == list(range(1, 11))
        assert found(made, since=BEGIN + timedelta(minutes=3), until=BEGIN + timedelta(minutes=5)) == [3, 4]
        assert found(made, person="p-sari") == list(range(1, 10))
        assert found(made, person="budi") == [10]
        assert found(made, person="%") == [10], "a percent sign is one, not anything"
        assert found(made, camera="cam-1") == [1, 4, 7]
        assert found(made, area="31.71.02") == [2, 5, 8]
        assert found(made, area="31.7") == [], "areas are codes, not the beginnings of texts"
        assert found(made, area="31.71") == list(range(1, 10))
        assert found(made, action=Action.NOTE) == [10]
        assert found(made, about="control/3") == [10]
        assert found(made, text="KECELAKAAN 4") == [4]
        assert found(made, within=Reach(areas=("31.71.00", "31.71.01"))) == [1, 3, 4, 6, 7, 9]
        assert found(made, within=Reach()) == []


def test_pages_hang_together_newest_first(tmp_path: Path) -> None:
    with record(tmp_path) as made:
        made.log.add(chain_of(7))
        made.log.add(chain_of(7, "service"))
        seen: list[tuple[str, int]] = []
        after = None
        while rows := made.log.read(page(Filter(), 4, after)):
            seen += [(row.chain, row.seq) for row in rows]
            after = cursor_of(rows[-1])
        assert seen == [(chain, seq) for seq in range(7, 0, -1) for chain in ("service", "control")]


# Words ----------------------------------------------------------------------------------------------------------------


def test_whatever_is_typed_can_be_recorded() -> None:
    typed = "a\x00b\ud800c\n" + "x" * 1000
    row = seal(
        AuditEntry(BEGIN, Actor(typed, typed), Action.GRANT, target=typed, reason=Reason(text=typed),
                   details={typed: typed, **{str(number): number for number in range(40)}}),
        "control", Head(),
    )  # fmt: skip
    assert all("\x00" not in str(value) and "\ud800" not in str(value) for value in row)
    assert len(row.reason_text) == 500
    assert len(row.actor_name) == 120
    assert set(row._fields) == set(COLUMNS)
    assert plain("  e\u0301  ") == "\u00e9"


def test_times_are_texts_in_their_order_and_a_naive_one_is_a_mistake() -> None:
    assert stamp(BEGIN) == "2026-01-31T08:00:00.000000Z"
    assert time_of(stamp(BEGIN)) == BEGIN
    with pytest.raises(ValueError, match="without zone"):
        stamp(BEGIN.replace(tzinfo=None))


def test_the_same_again_and_again_is_counted() -> None:
    repeats = Repeats(60.0, most=2)
    assert [repeats.is_news("a", now) for now in (0.0, 1.0, 59.0)] == [True, False, False]
    assert repeats.over("a") == 2
    assert repeats.over("a") == 0
    assert repeats.is_news("a", 61.0)
    assert repeats.is_news("b", 61.0)
    assert [repeats.is_news(name, 62.0) for name in "cdef"] == [True, False, False, False], "beyond that all are one"
    assert repeats.kind("g") == REST
    assert repeats.over(REST) == 3
