"""`camctl audit` over a real database: who takes or drops the record is on record first."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from camctl.__main__ import main
from camctl.audit.chain import COMMAND_LINE_CHAIN, AuditRow
from camctl.audit.segments import parse, segments
from tests.support.audit import Record, chain_of, record
from tests.support.commands import camctl_here, said


@dataclass
class House:
    """A database with nine rows, and a configuration."""

    made: Record
    config: Path
    folder: Path

    def audit(self, *arguments: str) -> str:
        return said(camctl_here("audit", *arguments, "--config", str(self.config)))

    def commands(self) -> list[AuditRow]:
        found = segments(self.folder, COMMAND_LINE_CHAIN)
        return [row for one in found for row in parse(one.path.read_bytes(), COMMAND_LINE_CHAIN).rows]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with record(tmp_path) as made:
        made.log.add(chain_of(9))
        config, folder = tmp_path / "config.yaml", tmp_path / "audit"
        config.write_text(f"store: {{url: 'sqlite:///{tmp_path}/audit.db'}}\naudit: {{folder: '{folder}'}}\n")
        yield House(made, config, folder)


class FirstWrite(io.StringIO):
    """Standard output that looks what is on record when the first line comes."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house
        self.on_record: list[AuditRow] | None = None

    def write(self, text: str) -> int:
        if self.on_record is None:
            self.on_record = self._house.commands()
        return super().write(text)


def test_an_export_is_on_record_with_its_filter_before_its_first_line(house: House) -> None:
    asked = ("--camera", "cam-1", "--person", "Sari", "--since", "2026-01-31T08:00+00:00", "--action", "gesture")
    with mock.patch.object(sys, "stdout", FirstWrite(house)) as out:
        assert main(["audit", "export", *asked, "--config", str(house.config)]) == 0
    assert len(out.getvalue().splitlines()) == 1 + 3
    assert out.on_record is not None
    (row,) = out.on_record
    assert (row.action, row.target, row.actor_id) == ("export", "audit", "command-line")
    assert json.loads(row.details) == {
        "command": "audit export", "format": "jsonl", "camera": "cam-1", "person": "Sari", "action": "gesture",
        "since": "2026-01-31T08:00:00.000000Z",
    }  # fmt: skip


def test_what_cannot_be_recorded_is_not_exported_or_dropped(house: House) -> None:
    house.folder.mkdir()
    (house.folder / f"{COMMAND_LINE_CHAIN}-{1:012d}.jsonl").write_text("rubbish\n")
    for arguments in (("export",), ("export", "--format", "csv"), ("purge", "--older-than-days", "1")):
        done = camctl_here("audit", *arguments, "--config", str(house.config))
        assert (done.returncode, done.stdout, "cannot be recorded" in done.stderr) == (2, "", True), done
    assert house.made.log.heads()["control"].seq == 9
    assert len(list(house.made.log.rows("control"))) == 9


def test_a_purge_is_on_record_and_reading_is_not(house: House) -> None:
    house.audit("show")
    house.audit("checkpoint")
    assert house.commands() == []
    assert "9 rows are dropped" in house.audit("purge", "--older-than-days", "30")
    (row,) = house.commands()
    assert (row.action, json.loads(row.details)) == ("purge", {"command": "audit purge", "older_than_days": 30})
    assert "nothing is wrong" in house.audit("verify")


def test_verify_reads_the_checkpoints_in_the_folder(house: House) -> None:
    house.audit("checkpoint")
    checkpoints = house.folder / "checkpoints.jsonl"
    first = checkpoints.read_bytes()
    house.made.log.add(chain_of(12)[9:])
    house.audit("checkpoint")
    assert "nothing is wrong" in house.audit("verify")
    checkpoints.write_bytes(first.replace(b'"at":"20', b'"at":"19'))
    done = camctl_here("audit", "verify", "--config", str(house.config))
    assert (done.returncode, "checkpoint/1: the copy that was kept in checkpoints.jsonl" in done.stdout) == (1, True)
