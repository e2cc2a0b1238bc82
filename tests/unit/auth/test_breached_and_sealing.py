"""Stolen passwords are refused; secrets at rest open only with their key and in their place."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.breached import is_breached
from auth.errors import PersonRuleError
from auth.sealing import KeySealer, SealError, key_of_file
from tests.unit.auth.conftest import PASSWORD, sari

if TYPE_CHECKING:
    from pathlib import Path

    from auth.service import AuthService


@pytest.mark.parametrize(
    "password", ["password", "PASSWORD", "Password2024!", "  qwertyuiop", "12345678", "p@ssw0rd", "\uff50\uff41ssword"]
)
async def test_a_stolen_password_is_refused_in_a_clear_sentence(auth: AuthService, password: str) -> None:
    with pytest.raises(PersonRuleError, match="lists of stolen passwords"):
        await auth.create_person("budi", password.ljust(8, "!"), role="operator")
    await sari(auth)
    with pytest.raises(PersonRuleError, match="choose another"):
        await auth.set_password("sari", password.ljust(8, "!"))


@pytest.mark.parametrize("password", [PASSWORD, "another password", "correct horse battery", "gedung-biru-Monas-11"])
def test_others_are_not(password: str) -> None:
    assert not is_breached(password)


@given(st.text(max_size=300))
def test_any_text_is_judged(password: str) -> None:
    assert is_breached(password) in {True, False}


async def test_one_who_signs_in_with_a_stolen_password_of_old_is_let_in(auth: AuthService, monkeypatch: Any) -> None:
    with monkeypatch.context() as before:
        before.setattr("auth.passwords.is_breached", lambda _: False)
        await auth.create_person("budi", "password1", role="operator")
    assert await auth.sign_in("budi", "password1", "203.0.113.9")


# Sealing -------------------------------------------------------------------------------------------------------------


@given(st.binary(), st.binary(), st.integers(min_value=0), st.integers(1, 255))
def test_what_is_sealed_opens_in_its_place_and_unaltered_only(plain: bytes, place: bytes, at: int, flip: int) -> None:
    sealer = KeySealer(bytes(32), b"test")
    sealed = sealer.seal(plain, place)
    assert sealer.unseal(sealed, place) == plain
    assert sealer.seal(plain, place) != sealed
    altered = bytearray(sealed)
    altered[at % len(sealed)] ^= flip
    stranger = KeySealer(bytes(32), b"other")
    for other, sealed_, where in (
        (sealer, bytes(altered), place),
        (sealer, sealed, place + b"x"),
        (stranger, sealed, place),
        (sealer, sealed[:-1], place),
    ):
        with pytest.raises(SealError):
            other.unseal(sealed_, where)


def test_the_key_is_made_once_for_us_only_also_by_several_at_once(tmp_path: Path) -> None:
    path = tmp_path / "var" / "sign-in.key"
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: key_of_file(path), range(32)))
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["sign-in.key"]


def test_a_key_that_others_may_read_or_that_is_cut_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "sign-in.key"
    key_of_file(path)
    path.chmod(0o644)
    with pytest.raises(SealError, match=r"chmod 600"):
        key_of_file(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(SealError, match="too short"):
        key_of_file(path)
    with pytest.raises(SealError, match="cannot be used"):
        key_of_file(path / "below a file")
