"""Checkpoints and retention: what is signed, when nothing is, and that a shortened chain still verifies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from camctl.audit.checkpoint import read_checkpoint
from camctl.audit.export import csv_lines, json_lines
from camctl.audit.keys import PRIVATE, PUBLIC, public_keys, signing_key
from camctl.audit.sealer import CHECKPOINTS, BrokenChainError
from camctl.audit.verify import verify_lines
from camctl.errors import CamctlError
from tests.support.audit import BEGIN, KEYS, Record, chain_of, record


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Record]:
    with record(tmp_path) as found:
        found.log.add(chain_of(60))
        found.log.add(chain_of(20, "service"))
        yield found


def test_nothing_new_is_nothing_to_sign(made: Record) -> None:
    first = made.sealer.checkpoint()
    assert first is not None
    assert {chain: head.seq for chain, head in first.checkpoint.heads.items()} == {"control": 60, "service": 20}
    assert made.sealer.checkpoint() is None
    assert (made.folder / CHECKPOINTS).read_text() == first.line() + "\n", "a copy to be kept elsewhere"


def test_a_bent_row_is_not_signed(made: Record) -> None:
    made.sealer.checkpoint()
    made.log.add(chain_of(90)[60:])
    database = sqlite3.connect(made.folder / "audit.db")
    database.execute("DROP TRIGGER audit_entry_no_update")
    database.execute("UPDATE audit_entry SET camera = 'x' WHERE chain = 'control' AND seq = 70")
    database.commit()
    database.close()
    with pytest.raises(BrokenChainError, match="control/70: the row was altered"):
        made.sealer.checkpoint()


def test_old_rows_go_behind_a_checkpoint_and_the_rest_verifies(made: Record) -> None:
    made.now = BEGIN + timedelta(days=30, minutes=41)  # rows are a minute apart from minute 1 on
    assert made.sealer.purge(30) == 40 + 20
    assert [row.seq for row in made.log.rows("control")] == list(range(41, 61))
    report = made.verify()
    assert report.faults == []
    dropped = read_checkpoint(made.log.checkpoint_lines()[-1][1]).checkpoint.dropped
    assert {chain: one.through for chain, one in dropped.items()} == {"control": 40, "service": 20}
    made.log.add(chain_of(80)[60:])
    made.now += timedelta(minutes=10)
    assert made.sealer.purge(30) == 10
    assert made.verify().faults == []
    rows = [*made.log.rows("control"), *made.log.rows("service")]
    checkpoints = [read_checkpoint(line) for _number, line in made.log.checkpoint_lines()]
    assert verify_lines(json_lines(rows, checkpoints, is_all=True), KEYS).faults == []


def test_a_purge_that_was_cut_short_goes_on(made: Record) -> None:
    made.now = BEGIN + timedelta(days=30, minutes=41)
    sealer = made.sealer
    deleting = made.log.delete_through
    made.log.delete_through = lambda chain, through: 0  # type: ignore[method-assign]
    assert sealer.purge(30) == 0
    made.log.delete_through = deleting  # type: ignore[method-assign]
    assert made.verify().faults == [], "rows that may go and are there are no fault"
    assert sealer.purge(30) == 60
    assert made.verify().faults == []


def test_what_is_not_signed_yet_is_never_dropped(made: Record) -> None:
    assert made.sealer.purge(30) == 0
    database = sqlite3.connect(made.folder / "audit.db")
    with pytest.raises(sqlite3.IntegrityError, match="never changed or deleted"):
        database.execute("DELETE FROM audit_entry WHERE seq = 1")
    database.close()


def test_the_key_is_made_once_for_us_alone_and_its_public_half_is_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    first = signing_key(folder)
    assert signing_key(folder).private_bytes_raw() == first.private_bytes_raw()
    assert (folder / PRIVATE).stat().st_mode & 0o077 == 0
    (key,) = public_keys([folder / PUBLIC]).values()
    assert key.public_bytes_raw() == first.public_key().public_bytes_raw()
    (folder / PRIVATE).write_text("rubbish")
    with pytest.raises(CamctlError, match=r"audit\.folder: the key"):
        signing_key(folder)
    with pytest.raises(CamctlError, match="cannot be read"):
        public_keys([tmp_path / "nothing.pem"])


def test_cells_that_a_spreadsheet_would_run_are_harmless() -> None:
    row = chain_of(1)[0]._replace(reason_text="=HYPERLINK(1)", target="-1+1", actor_name='a "b", c')
    head, line = (text.decode() for text in csv_lines([row]))
    assert head.startswith("chain,seq,at,actor_id")
    assert "'=HYPERLINK(1)" in line
    assert "'-1+1" in line
    assert '"a ""b"", c"' in line
