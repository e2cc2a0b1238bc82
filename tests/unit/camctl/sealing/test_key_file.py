"""The key file: for its owner alone, whole at every moment, and refused in words that show nothing of it."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camctl.sealing import Key, KeyFileError, KeyRing, KeyTextError, append_key, create_key_file, read_key_file
from camctl.sealing.files import replace_file
from camctl.sealing.keys import format_keys, line_of, parse_keys

MADE = datetime(2026, 5, 1, 12, tzinfo=UTC)
FIRST, SECOND = Key(MADE, b"1" * 32), Key(MADE, b"2" * 32)
TEXT = format_keys(KeyRing([FIRST]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "secrets.keys"
    create_key_file(path, FIRST)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(KeyFileError) as caught:
        read_key_file(path)
    said = str(caught.value)
    assert str(path) in said
    assert "MTExMT" not in said
    return said


@given(st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 10**9)), min_size=1, max_size=5,
                unique_by=lambda each: each[0]))  # fmt: skip
def test_keys_come_back_as_they_were(keys: list[tuple[bytes, int]]) -> None:
    ring = KeyRing([Key(MADE + timedelta(seconds=after), secret) for secret, after in keys])
    again = parse_keys(format_keys(ring))
    assert list(again) == list(ring)
    assert again.newest == ring.newest


@given(st.text(max_size=300))
def test_any_text_is_keys_or_a_refusal(text: str) -> None:
    with pytest.raises(KeyTextError):
        parse_keys(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no key"),
        (TEXT + line_of(FIRST), "line 5: the key .* twice"),
        (TEXT.replace(FIRST.id, "00000000"), "line 4: the id 00000000"),
        (TEXT.replace("MTEx", "MTEy"), "altered"),
        (TEXT.replace("2026-05", "2026-13"), "line 4: its time"),
        (TEXT + "password: x\n", "line 5 is not an id"),
    ],
)
def test_what_is_wrong_with_a_text_is_said(text: str, word: str) -> None:
    with pytest.raises(KeyTextError, match=word):
        parse_keys(text)


def test_it_is_made_for_its_owner_and_never_over_another(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeyFileError, match="is there already"):
        create_key_file(path, SECOND)
    assert read_key_file(path).newest == FIRST


def test_it_is_made_so_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_key_file(tmp_path / "k", FIRST)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600


def test_a_newer_key_is_added_and_all_else_stays(path: Path) -> None:
    path.write_text("# ours\n" + path.read_text().rstrip("\n"))
    ring = append_key(path, SECOND)
    assert ring.newest == SECOND
    assert list(read_key_file(path)) == [FIRST, SECOND]
    assert path.read_text().startswith("# ours\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700 | 0o004])
def test_one_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert f"open to others (mode {mode:04o}): chmod 600" in refusal(path)


def test_one_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "`camctl secrets init`" in refusal(tmp_path / "none")
    assert "not a file" in refusal(tmp_path)
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert "not a file" in refusal(tmp_path / "fifo")
    for name, data, word in (("bytes", b"\xff\xfe", "ASCII"), ("big", b"#" * 300_000, "larger"), ("e", b"", "no key")):
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o600)
        assert word in refusal(tmp_path / name)


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"theirs")
    with pytest.raises(OSError, match="changed meanwhile"):
        replace_file(path, b"ours", expected=b"before")
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"theirs", [path])


def test_a_link_stays_a_link_and_a_mode_stays_a_mode(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"before")
    target.chmod(0o640)
    link.symlink_to(target)
    replace_file(link, b"after", expected=b"before")
    assert link.is_symlink()
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"after", 0o640)
