"""What the audit folder knows beside the database: checkpoints, what has arrived, and which chains there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from camctl.audit import spool_file
from camctl.audit.chain import FaultKind, Head, line_of
from camctl.audit.export import json_lines
from camctl.audit.keys import signing_key
from camctl.audit.sealer import CHECKPOINTS, BrokenChainError
from camctl.audit.segments import header_line, segment_path, segments
from camctl.audit.shipping import Shipping, SpoolDamageError
from camctl.audit.spool_file import SpoolFile
from camctl.audit.verify import verify_lines
from tests.support.audit import BEGIN, Record, chain_of, entry, record


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Record]:
    """Thirty rows that came through the spool, signed twice; nothing is wrong."""
    with record(tmp_path) as found:
        spool, shipping = SpoolFile(tmp_path, "control"), Shipping(tmp_path, found.log)
        for _ in range(2):
            spool.write([entry(number) for number in range(15)], must_sync=True)
            shipping.ship()
            found.sealer.checkpoint()
        spool.close()
        assert found.verify().faults == []
        yield found


def sql(made: Record, *statements: str) -> None:
    """What somebody does who has the database: the triggers go first."""
    database = sqlite3.connect(made.folder / "audit.db")
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


def kinds(made: Record) -> set[tuple[FaultKind, str, int]]:
    return {(fault.kind, fault.chain, fault.seq) for fault in made.verify().faults}


def lose_the_spool(made: Record) -> None:
    for path in (*made.folder.glob("control-*"), *made.folder.glob("*.shipped")):
        path.unlink()


# Checkpoints beside the database --------------------------------------------------------------------------------------


def test_checkpoints_that_were_taken_with_their_rows_are_missed(made: Record) -> None:
    lose_the_spool(made)
    sql(made, "DELETE FROM audit_checkpoint WHERE number = 2", "DELETE FROM audit_entry WHERE seq > 15")
    assert {(FaultKind.CHECKPOINT, "checkpoint", 2), (FaultKind.MISSING, "control", 16)} <= kinds(made)
    assert any(CHECKPOINTS in fault.what for fault in made.verify().faults)


def test_an_empty_database_beside_a_folder_that_was_signed_in_is_a_fault(tmp_path: Path) -> None:
    with record(tmp_path) as made:
        assert made.verify().faults == [], "nothing was ever recorded"
        signing_key(tmp_path)
        (fault,) = made.verify().faults
        assert (fault.kind, fault.chain) == (FaultKind.MISSING, "checkpoint")


def test_a_database_without_checkpoints_beside_signed_ones_is_a_fault(made: Record) -> None:
    sql(made, "DELETE FROM audit_checkpoint")
    (made.folder / CHECKPOINTS).write_bytes(b"")
    assert (FaultKind.MISSING, "checkpoint", 1) in kinds(made)


def test_a_checkpoint_line_that_was_cut_short_is_no_fault_and_no_others_ruin(made: Record) -> None:
    path = made.folder / CHECKPOINTS
    path.write_bytes(path.read_bytes()[:-40])  # the power failed; the database has it whole
    assert made.verify().faults == []
    made.log.add(chain_of(3, "service"))
    made.sealer.checkpoint()
    assert made.verify().faults == []
    assert path.read_text().splitlines()[-1] == made.log.checkpoint_lines()[-1][1]


def test_a_checkpoint_line_that_cannot_be_read_is_named(made: Record) -> None:
    path = made.folder / CHECKPOINTS
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"x" + second)
    assert (FaultKind.UNREADABLE, CHECKPOINTS, 2) in kinds(made)


# What has arrived -----------------------------------------------------------------------------------------------------


def test_an_end_that_had_arrived_and_was_cut_off_is_not_waiting(made: Record) -> None:
    spool, shipping = SpoolFile(made.folder, "control"), Shipping(made.folder, made.log)
    spool.write([entry(31), entry(32)], must_sync=True)
    assert made.verify().faults == [], "they wait"
    while shipping.ship():
        pass
    spool.write([entry(33)], must_sync=True)
    spool.close()
    assert made.verify().faults == []
    sql(made, "DELETE FROM audit_entry WHERE seq > 30")
    assert kinds(made) == {(FaultKind.MISSING, "control", 31)}
    Shipping(made.folder, made.log).ship()  # the next life of the service reads the spool from its beginning
    assert made.verify().faults == []


def test_an_end_that_was_written_anew_is_not_what_arrived(made: Record) -> None:
    row = next(made.log.rows("control", after=29))
    sql(made, f"UPDATE audit_entry SET digest = '{'0' * 64}' WHERE seq = 30", "DELETE FROM audit_checkpoint")
    assert row.digest != "0" * 64
    assert (FaultKind.SPOOL, "control", 30) in kinds(made)


def test_where_the_sink_is_may_be_lost(made: Record) -> None:
    (place,) = made.folder.glob("*.shipped")
    assert place.stat().st_mode & 0o077 == 0
    for text in (b"", b"\xff", b'{"seq": "x"}'):
        place.write_bytes(text)
        assert (FaultKind.SPOOL, "control", 0) in kinds(made)
    place.unlink()
    assert made.verify().faults == []


def test_a_segment_that_is_shipped_while_somebody_looks_is_no_alarm(
    made: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_file, "SEGMENT_BYTES", 100)
    spool, shipping = SpoolFile(made.folder, "control"), Shipping(made.folder, made.log)
    spool.write([entry(31)], must_sync=True)
    heads = made.log.heads

    def meanwhile() -> dict[str, Head]:
        found = heads()
        spool.write([entry(32)], must_sync=True)
        for _ in range(8):
            shipping.ship()
        return found

    monkeypatch.setattr(made.log, "heads", meanwhile)
    assert made.verify().faults == []
    assert segments(made.folder, "control")[0].first > 31
    spool.close()


def test_rows_that_are_dropped_while_somebody_looks_are_no_alarm(made: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = made.log.heads
    gone: list[int] = []

    def meanwhile() -> dict[str, Head]:
        found = heads()
        if not gone:
            gone.append(0)  # the sealer asks for the heads too
            made.now = BEGIN + timedelta(days=60)
            gone.append(made.sealer.purge(30))
        return found

    monkeypatch.setattr(made.log, "heads", meanwhile)
    assert made.verify().faults == []
    assert gone == [0, 30]


# Which chains there are -----------------------------------------------------------------------------------------------


def test_a_chain_that_nobody_of_this_house_writes_is_a_fault_and_not_signed(made: Record) -> None:
    made.log.add(chain_of(3, "kontrol"))
    assert (FaultKind.UNKNOWN, "kontrol", 1) in kinds(made)
    with pytest.raises(BrokenChainError, match="kontrol/1"):
        made.sealer.checkpoint()
    lines = list(json_lines(made.log.rows("kontrol"), [], is_all=True))
    assert [(fault.kind, fault.seq) for fault in verify_lines(lines, {}).faults] == [(FaultKind.UNKNOWN, 1)]


def test_a_file_of_such_a_chain_is_not_carried_and_named(made: Record) -> None:
    spool = SpoolFile(made.folder, "kontrol")
    spool.write([entry(1)], must_sync=True)
    spool.close()
    with pytest.raises(SpoolDamageError, match="kontrol"):
        Shipping(made.folder, made.log).ship()
    assert "kontrol" not in made.log.heads()
    assert (FaultKind.UNKNOWN, "kontrol", 1) in kinds(made)


# What the sink takes --------------------------------------------------------------------------------------------------


def lines_of(made: Record) -> tuple[Path, list[bytes]]:
    (segment,) = segments(made.folder, "control")
    return segment.path, segment.path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("how", ["altered", "other chain", "does not hang", "skipped", "nested"])
def test_a_bent_line_is_refused_and_what_is_before_it_arrives(tmp_path: Path, how: str) -> None:
    rows = chain_of(5)
    bent = {
        "altered": line_of(rows[3]._replace(actor_name="nobody")),
        "other chain": line_of(chain_of(4, "service")[3]),
        "does not hang": line_of(chain_of(1, "control", Head(3, "ab" * 32))[0]),
        "skipped": b"",
        "nested": b"[" * 200_000 + b"\n",
    }[how]
    path = segment_path(tmp_path, "control", 1)
    path.write_bytes(header_line("control", Head()) + b"".join(map(line_of, rows[:3])) + bent + line_of(rows[4]))
    with record(tmp_path) as made:
        shipping = Shipping(tmp_path, made.log)
        assert shipping.ship() == 3
        for _ in range(2):
            with pytest.raises(SpoolDamageError, match=r"at byte \d+ .*control"):
                shipping.ship()
        assert made.log.heads()["control"] == Head(3, rows[2].digest)


@pytest.mark.parametrize("header", [header_line("service", Head()), header_line("control", Head(4, "ab" * 32))])
def test_a_segment_of_another_name_is_refused(tmp_path: Path, header: bytes) -> None:
    segment_path(tmp_path, "control", 1).write_bytes(header + line_of(chain_of(1)[0]))
    with record(tmp_path) as made, pytest.raises(SpoolDamageError, match="control"):
        Shipping(tmp_path, made.log).ship()


def test_a_line_that_is_nested_without_end_is_named() -> None:
    report = verify_lines([b'{"export": "all"}\n', b"[" * 200_000 + b"\n", b'{"checkpoint":' * 100_000 + b"\n"], {})
    assert [(fault.kind, fault.seq) for fault in report.faults] == [
        (FaultKind.UNREADABLE, 2),
        (FaultKind.UNREADABLE, 3),
    ]
