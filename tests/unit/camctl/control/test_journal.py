"""The journal on a real folder: what was promised is there, whatever came after it."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from camctl.cameras.records import LeaseRecord
from camctl.control import journal as module
from camctl.control.journal import Journal, lines, parse
from camctl.ptz.events import Source

LURAH = Source("s1", "p1", "Ibu Lurah", "official", 50, "s1:ws-1")


def record(fence: int, camera: str = "cam", holder: Source | None = LURAH) -> LeaseRecord:
    return LeaseRecord(camera, fence, holder, 1000.0, 1010.5, 1060.0, "kecelakaan")


async def reopened(path: Path) -> Journal:
    journal = Journal(path)
    await journal.open()
    return journal


async def test_what_was_durable_is_there_in_the_next_life(tmp_path: Path) -> None:
    path = tmp_path / "var" / "control.journal"
    first = await reopened(path)
    await first.note(record(1), durable=True)
    assert parse(path.read_bytes()) == {"cam": record(1)}, "on the disk before the future is done"
    first.note(record(2, holder=None), durable=False)
    await first.note(record(5, "other"), durable=True)
    await first.close()
    second = await reopened(path)
    assert second.newest == {"cam": record(2, holder=None), "other": record(5, "other")}
    assert path.stat().st_mode & 0o077 == 0
    await second.close()


async def test_durable_records_are_synced_and_many_share_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = 0

    def fdatasync(file: int) -> None:
        nonlocal syncs
        syncs += 1
        os.fsync(file)

    monkeypatch.setattr(module.os, "fdatasync", fdatasync)
    journal = await reopened(tmp_path / "journal")
    await journal.note(record(1), durable=False)
    assert syncs == 0
    await asyncio.gather(*(journal.note(record(1, f"cam-{number}"), durable=True) for number in range(200)))
    assert 1 <= syncs <= 3
    await journal.close()


async def test_a_torn_last_line_and_rubbish_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    whole = lines([record(3), record(1, "other")])
    path.write_bytes(b"\x00\x00\xffrubbish\n" + whole + lines([record(4)])[:-9])
    journal = await reopened(path)
    assert journal.newest == {"cam": record(3), "other": record(1, "other")}
    await journal.note(record(4), durable=True)
    await journal.close()
    assert parse(path.read_bytes())["cam"] == record(4)


def test_an_older_fence_never_hides_a_newer_one() -> None:
    assert parse(lines([record(9), record(8)]))["cam"].fence == 9


async def test_the_file_is_made_small_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMPACT_BYTES", 4000)
    path = tmp_path / "journal"
    journal = await reopened(path)
    for fence in range(1, 200):
        await journal.note(record(fence), durable=False)
    assert path.stat().st_size < 5000
    await journal.close()
    assert (await reopened(path)).newest == {"cam": record(199)}
    assert not (tmp_path / "journal.new").exists()


async def test_a_journal_that_cannot_be_written_says_so_and_works_again_later(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.write_text("a file where the folder should be")
    journal = Journal(folder / "journal")
    said: list[str] = []
    journal.on_change(lambda: said.append(journal.problem))
    await journal.open()
    assert "cannot be written" in journal.problem
    with pytest.raises(OSError, match=r"exists|directory"):
        await journal.note(record(1), durable=True)
    folder.unlink()
    await journal.note(record(2), durable=True)
    assert journal.problem == ""
    assert [bool(problem) for problem in said] == [True, False]
    await journal.close()
    assert parse((folder / "journal").read_bytes()) == {"cam": record(2)}


async def test_a_full_disk_fails_that_record_and_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal"
    journal = await reopened(path)
    await journal.note(record(1), durable=True)
    write, is_full = os.write, True

    def full(file: int, text: bytes) -> int:
        if is_full and len(text) > 20:
            return write(file, text[:20])
        if is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, text)

    monkeypatch.setattr(module.os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        await journal.note(LeaseRecord("cam", 2), durable=True)
    is_full = False
    await journal.note(record(3), durable=True)
    await journal.close()
    assert b"\n".join(path.read_bytes().splitlines()) + b"\n" == path.read_bytes()
    assert parse(path.read_bytes())["cam"] == record(3)


async def test_a_journal_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.mkdir()
    journal = await reopened(path)
    assert journal.problem
    with pytest.raises(OSError, match=r"exists|directory"):
        await journal.note(record(1), durable=True)
    assert path.is_dir()
