"""Stolen passwords are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.breached import is_breached
from auth.errors import PersonRuleError
from tests.unit.auth.conftest import PASSWORD, sari

if TYPE_CHECKING:
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
