"""The spool on a real folder: what was acknowledged is in the chain, whatever came after it."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from pathlib import Path

import pytest

from camctl import group_commit
from camctl.audit import spool as spool_module
from camctl.audit import spool_file
from camctl.audit.chain import GENESIS, Head
from camctl.audit.entry import Action
from camctl.audit.segments import parse, segments, spool_head
from camctl.audit.spool import Spool
from camctl.audit.spool_file import SpoolFile
from tests.support.audit import entry


def rows_in(folder: Path, chain: str = "control") -> list[str]:
    found = []
    for segment in segments(folder, chain):
        found += [row.reason_text for row in parse(segment.path.read_bytes(), chain).rows]
    return found


async def started(folder: Path) -> Spool:
    spool = Spool(folder, "control")
    await spool.start()
    return spool


async def test_what_was_acknowledged_is_there_in_the_next_life(tmp_path: Path) -> None:
    first = await started(tmp_path / "audit")
    row = await first.append(entry(1))
    assert (row.seq, row.previous) == (1, GENESIS)
    assert rows_in(tmp_path / "audit") == ["kecelakaan 1"], "on the disk before the future is done"
    first.note(entry(2))
    await first.close()
    second = await started(tmp_path / "audit")
    assert (await second.append(entry(3))).seq == 3
    await second.close()
    assert rows_in(tmp_path / "audit") == ["kecelakaan 1", "kecelakaan 2", "kecelakaan 3"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "audit").iterdir())


async def test_many_rows_share_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = 0

    def fdatasync(file: int) -> None:
        nonlocal syncs
        syncs += 1
        os.fsync(file)

    spool = await started(tmp_path)
    monkeypatch.setattr(spool_file.os, "fdatasync", fdatasync)
    rows = await asyncio.gather(*(spool.append(entry(number)) for number in range(200)))
    assert [row.seq for row in rows] == list(range(1, 201))
    assert 1 <= syncs <= 3
    await spool.close()


def test_a_torn_line_is_cut_off_and_more_than_that_is_kept_aside(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path, "control")
    file.write([entry(1), entry(2)], must_sync=True)
    file.close()
    (path,) = (segment.path for segment in segments(tmp_path, "control"))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"chain": "con')
    assert SpoolFile(tmp_path, "control").write([], must_sync=True) == []
    assert path.read_bytes() == whole
    assert not list(tmp_path.glob("*.damaged"))
    path.write_bytes(whole + b"\x00\x00\n{}\n")
    again = SpoolFile(tmp_path, "other")
    again.close()
    second = SpoolFile(tmp_path, "control")
    with pytest.raises(BlockingIOError, match="another process"):
        second.open()


def test_damage_is_kept_aside_and_the_chain_goes_on_before_it(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path, "control")
    file.write([entry(1), entry(2)], must_sync=True)
    file.close()
    (path,) = (segment.path for segment in segments(tmp_path, "control"))
    whole = path.read_bytes()
    path.write_bytes(whole + b"\x00\x00\n{}\n")
    assert file.write([entry(3)], must_sync=True)[0].seq == 3
    file.close()
    assert [kept.read_bytes() for kept in tmp_path.glob("*.damaged")] == [b"\x00\x00\n{}\n"]
    assert rows_in(tmp_path)[-1] == "kecelakaan 3"


def test_segments_are_closed_when_they_are_long_and_hang_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_file, "SEGMENT_BYTES", 3_000)
    file = SpoolFile(tmp_path, "control")
    for number in range(40):
        file.write([entry(number)], must_sync=False)
    assert len(segments(tmp_path, "control")) > 4
    assert len(rows_in(tmp_path)) == 40
    assert spool_head(tmp_path, "control") == file.head
    file.close()


def test_a_spool_that_was_lost_goes_on_after_the_database(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path, "control")
    assert file.advance(Head(70, "a" * 64)) is True
    assert file.advance(Head(69, "b" * 64)) is False
    (row,) = file.write([entry(1)], must_sync=True)
    assert (row.seq, row.previous) == (71, "a" * 64)
    file.close()


def fill(file: SpoolFile) -> None:
    for number in range(100):
        file.write([entry(number)], must_sync=False)


def test_a_full_spool_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_file, "SEGMENT_BYTES", 3_000)
    monkeypatch.setattr(spool_file, "MAX_BYTES", 10_000)
    file = SpoolFile(tmp_path, "control")
    with pytest.raises(OSError, match="spool is full"):
        fill(file)
    file.close()


class BadDisk:
    """`left`: bytes that the disk still takes; `syncs`: whether it can sync."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: float = float("inf")
        self.syncs = True
        self._write, self._sync = os.write, os.fdatasync
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(os, "fdatasync", self.fdatasync)

    def write(self, file: int, text: bytes) -> int:
        if self.left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = self._write(file, text[: int(min(self.left, len(text)))])
        self.left -= done
        return done

    def fdatasync(self, file: int) -> None:
        if not self.syncs:
            raise OSError(errno.EIO, "Input/output error")
        self._sync(file)


async def test_while_the_disk_refuses_rows_fail_notes_wait_and_nothing_is_there_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "RETRY_S", 0.01)
    spool = await started(tmp_path)
    said: list[str] = []
    spool.on_change(lambda: said.append(spool.problem))
    await spool.append(entry(1))
    disk = BadDisk(monkeypatch)
    disk.left = 150
    with pytest.raises(OSError, match="No space left"):
        await spool.append(entry(2))
    spool.note(entry(3))
    await asyncio.sleep(0.05)
    assert "the audit log of control cannot be written: No space left" in spool.problem
    disk.left, disk.syncs = float("inf"), False
    await asyncio.sleep(0.05)  # written each time, and never surely
    disk.syncs = True
    await spool.append(entry(4))
    await asyncio.sleep(0.05)
    assert spool.problem == ""
    assert sorted(row for row in rows_in(tmp_path) if "cannot be written" not in row) == [
        "kecelakaan 1", "kecelakaan 3", "kecelakaan 4",
    ]  # fmt: skip
    assert [bool(problem) for problem in said][0 :: len(said) - 1] == [True, False]
    await spool.close()


async def test_a_spool_that_nobody_writes_to_finds_by_itself_that_it_can_be_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "RETRY_S", 0.01)
    disk = BadDisk(monkeypatch)
    disk.left = 0
    spool = await started(tmp_path)
    await asyncio.sleep(0.05)
    assert spool.problem
    disk.left = float("inf")
    await asyncio.sleep(0.05)
    assert spool.problem == ""
    disk.left = 0
    with pytest.raises(OSError, match="No space left"):
        await spool.append(entry(1))
    await asyncio.sleep(0.05)
    assert spool.problem, "an attempt that nobody waits for is as real as any"
    disk.left = float("inf")
    await asyncio.sleep(0.05)
    assert spool.problem == ""
    await spool.close()
    (segment,) = segments(tmp_path, "control")
    rows = parse(segment.path.read_bytes(), "control").rows
    assert [row.action for row in rows] == [Action.SPOOL_FAILED] * 2, "when it began, once for each time"


async def test_a_disk_that_does_not_answer_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "SLOW_S", 0.02)
    spool = await started(tmp_path)
    answers = threading.Event()
    sync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (answers.wait(5), sync(file)))
    written = spool.append(entry(1))
    await asyncio.sleep(0.1)
    assert "the disk does not answer" in spool.problem
    assert not written.done()
    answers.set()
    await written
    assert spool.problem == ""
    await spool.close()


async def test_more_than_can_wait_is_counted_and_the_count_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "RETRY_S", 60.0)
    monkeypatch.setattr(spool_module, "MAX_KEPT", 3)
    disk = BadDisk(monkeypatch)
    disk.left = 0
    spool = await started(tmp_path)
    for number in range(5):
        spool.note(entry(number))
        await spool._commit.finish()
    disk.left = float("inf")
    await spool.close()
    (segment,) = segments(tmp_path, "control")
    rows = parse(segment.path.read_bytes(), "control").rows
    assert rows[-1].action == Action.ROWS_LOST
    assert rows[-1].details == '{"rows":3}'
    assert rows[0].action == Action.SPOOL_FAILED
    assert [row.reason_text for row in rows[1:-1]] == ["kecelakaan 0", "kecelakaan 1"]


async def test_attempts_in_between_lose_neither_rows_nor_the_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "RETRY_S", 0.01)
    monkeypatch.setattr(spool_module, "MAX_KEPT", 3)
    disk = BadDisk(monkeypatch)
    disk.left = 0
    spool = await started(tmp_path)
    for number in range(5):
        spool.note(entry(number))
        await spool._commit.finish()
    await asyncio.sleep(0.2)  # a second each, on a disk that stays full
    spool.note(entry(5))
    await asyncio.sleep(0.05)
    disk.left = float("inf")
    await asyncio.sleep(0.2)
    await spool.close()
    (segment,) = segments(tmp_path, "control")
    rows = parse(segment.path.read_bytes(), "control").rows
    assert rows[0].action == Action.SPOOL_FAILED
    assert [row.reason_text for row in rows[1:3]] == ["kecelakaan 0", "kecelakaan 1"]
    assert [(row.action, row.details) for row in rows[3:]] == [(Action.ROWS_LOST, '{"rows":4}')]
    assert "cannot be written" in rows[3].reason_text
