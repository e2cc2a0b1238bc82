"""One-time links under attack: what happens between two steps, what a link tells, and what outlives its reason."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from auth.errors import AuthError, PersonRuleError, ThrottledError, WrongSignInError
from auth.invitations import UnknownInvitationError, Wish
from auth.joining import Joining
from tests.unit.auth.conftest import HOME, PASSWORD, sari

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from auth.model import Person
    from auth.service import AuthService
    from camctl.store import Store
    from tests.unit.auth.conftest import Clocks

HOUR_S = 3600.0
NEW_PASSWORD = "wayang kulit 9"
BUDI = Wish("operator", ("31.71.01",), display_name="Pak Budi")


@pytest.fixture
def joining(auth: AuthService, store: Store, clocks: Clocks) -> Joining:
    return Joining(auth, store.sessions, clock=clocks.now, steady=clocks.steady)


async def boss(auth: AuthService) -> Person:
    return await auth.create_person("boss", PASSWORD, role="admin", areas=["31.71"], display_name="Ibu Admin")


def while_hashing(auth: AuthService, monkeypatch: pytest.MonkeyPatch, act: Callable[[], Awaitable[object]]) -> None:
    """Do something else in the tenth of a second in which a new password is hashed."""
    hashed = auth._passwords.hash

    async def slowly(password: str) -> str:
        monkeypatch.setattr(auth._passwords, "hash", hashed)
        stored = await hashed(password)
        await act()
        return stored

    monkeypatch.setattr(auth._passwords, "hash", slowly)


# What a link tells ---------------------------------------------------------------------------------------------------


async def test_a_link_does_not_tell_name_after_name_who_is_here(
    auth: AuthService, joining: Joining, clocks: Clocks
) -> None:
    """Whoever was invited may try names; not all names, however many addresses they come from."""
    await sari(auth)
    secret, _ = await joining.invite(BUDI, await boss(auth), HOUR_S)
    taken = throttled = 0
    for i in range(60):
        try:
            await joining.accept(secret, NEW_PASSWORD, username="sari", address=f"198.51.100.{i}")
        except PersonRuleError:
            taken += 1
        except ThrottledError:
            throttled += 1
    assert taken <= 10
    assert throttled >= 50
    clocks.advance(310)
    assert await joining.accept(secret, NEW_PASSWORD, username="budi", address=HOME)


# Between two steps ---------------------------------------------------------------------------------------------------


async def test_who_is_closed_while_the_new_password_is_hashed_keeps_the_old_one(
    auth: AuthService, joining: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sari(auth)
    secret, _ = await joining.recover("sari", None, HOUR_S)
    while_hashing(auth, monkeypatch, lambda: auth.disable_person("sari"))
    with pytest.raises((UnknownInvitationError, WrongSignInError)):
        await joining.accept(secret, NEW_PASSWORD, address=HOME)
    await auth.enable_person("sari")
    with pytest.raises(WrongSignInError):
        await auth.sign_in("sari", NEW_PASSWORD, HOME)
    assert await auth.sign_in("sari", PASSWORD, HOME)


@pytest.mark.parametrize("kind", ["invitation", "recovery"])
async def test_a_maker_who_is_closed_while_a_password_is_hashed_lets_nobody_in(
    auth: AuthService, joining: Joining, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    maker = await boss(auth)
    await sari(auth)
    made = joining.invite(BUDI, maker, HOUR_S) if kind == "invitation" else joining.recover("sari", maker, HOUR_S)
    secret, _ = await made
    while_hashing(auth, monkeypatch, lambda: auth.disable_person("boss"))
    with pytest.raises(AuthError):
        await joining.accept(secret, NEW_PASSWORD, username="budi", address=HOME)
    assert {person.username for person in await auth.list_people()} == {"boss", "sari"}
    assert await auth.sign_in("sari", PASSWORD, HOME)


@pytest.mark.parametrize("fault", [ThrottledError(5.0), asyncio.CancelledError(), MemoryError()])
async def test_a_link_is_not_used_up_when_nothing_came_of_it(
    auth: AuthService, joining: Joining, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    secret, _ = await joining.invite(BUDI, await boss(auth), HOUR_S)

    async def fails(_password: str) -> str:
        raise fault

    with monkeypatch.context() as patched:
        patched.setattr(auth._passwords, "hash", fails)
        with pytest.raises(type(fault)):
            await joining.accept(secret, NEW_PASSWORD, username="budi", address=HOME)
    assert await joining.accept(secret, NEW_PASSWORD, username="budi", address=HOME)


async def test_a_link_whose_maker_lost_the_right_is_not_used_up_by_trying(auth: AuthService, joining: Joining) -> None:
    secret, _ = await joining.invite(BUDI, await boss(auth), HOUR_S)
    await auth.disable_person("boss")
    with pytest.raises(AuthError):
        await joining.accept(secret, NEW_PASSWORD, username="budi", address=HOME)
    await auth.enable_person("boss")
    assert await joining.accept(secret, NEW_PASSWORD, username="budi", address=HOME)


async def test_two_recoveries_at_once_set_one_password(auth: AuthService, joining: Joining) -> None:
    await sari(auth)
    secret, _ = await joining.recover("sari", None, HOUR_S)
    tries = [joining.accept(secret, f"gamelan 42 {i}", address=HOME) for i in range(4)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, UnknownInvitationError) for one in ended) == 3
    [won] = [i for i, one in enumerate(ended) if not isinstance(one, BaseException)]
    assert await auth.sign_in("sari", f"gamelan 42 {won}", HOME)


# What outlives its reason --------------------------------------------------------------------------------------------


async def test_a_recovery_ends_when_the_password_is_changed_in_another_way(auth: AuthService, joining: Joining) -> None:
    await sari(auth)
    secret, _ = await joining.recover("sari", None, HOUR_S)
    await auth.set_password("sari", NEW_PASSWORD)
    with pytest.raises(UnknownInvitationError):
        await joining.accept(secret, "gamelan 42 x", address=HOME)
    assert await auth.sign_in("sari", NEW_PASSWORD, HOME)


async def test_a_recovery_does_not_come_back_with_an_account_that_was_closed(
    auth: AuthService, joining: Joining
) -> None:
    await sari(auth)
    secret, _ = await joining.recover("sari", None, HOUR_S)
    await auth.disable_person("sari")
    await auth.enable_person("sari")
    with pytest.raises(UnknownInvitationError):
        await joining.accept(secret, NEW_PASSWORD, address=HOME)
    assert await auth.sign_in("sari", PASSWORD, HOME)
