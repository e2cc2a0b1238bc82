"""The first administrator's code: when there is one, that it is used once, and that guessing does not find it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.errors import AuthUnavailableError, PersonRuleError, ThrottledError
from auth.grant_service import Grants
from auth.grants import GrantWish
from auth.roles import Capability, Role
from auth.setup_code import (
    LIFE_S,
    SET_UP,
    SetupClosedError,
    SetupCode,
    WrongSetupCodeError,
    code_digest,
    new_code,
)
from auth.windows import parse_window
from tests.unit.auth.conftest import HOME, PASSWORD, Clocks, sari

if TYPE_CHECKING:
    from auth.service import AuthService

TOMORROW = Clocks().start + timedelta(days=1)


@pytest.fixture
def setup(auth: AuthService, clocks: Clocks) -> SetupCode:
    return SetupCode(auth, ["31", "32"], clock=clocks.now, steady=clocks.steady)


async def made(setup: SetupCode) -> str:
    code = await setup.make()
    assert code is not None
    return code


async def test_the_first_administrator_gets_every_area_and_is_in(auth: AuthService, setup: SetupCode) -> None:
    await sari(auth)
    code = await made(setup)
    assert setup.is_open
    person = await setup.use(code, "Boss", "Ibu Admin", PASSWORD, address=HOME)
    assert (person.role, person.areas) == ("admin", ("31", "32"))
    assert [(grant.granter, grant.waits) for grant in person.grants] == [(SET_UP, False)]
    assert await auth.sign_in("boss", PASSWORD, HOME)
    assert not setup.is_open
    with pytest.raises(SetupClosedError):
        await setup.use(code, "second", "Second", PASSWORD, address=HOME)
    assert await setup.make() is None


@pytest.mark.parametrize("is_closed", [False, True])
async def test_there_is_no_code_where_there_is_an_administrator(
    auth: AuthService, setup: SetupCode, is_closed: bool
) -> None:
    await auth.create_person("boss", PASSWORD, role="admin", areas=["31", "32"])
    if is_closed:
        await auth.disable_person("boss")
    assert await setup.make() is None
    assert not setup.is_open


@pytest.mark.parametrize(
    ("lacks", "wish"),
    [
        ("one of the tops", GrantWish(role="admin", areas=("31",), reason="a test")),
        ("the office", GrantWish(role="official", areas=("31", "32"), reason="a test")),
        ("an endless time", GrantWish(role="admin", areas=("31", "32"), reason="a test", ends_at=TOMORROW)),
        ("a begun time", GrantWish(role="admin", areas=("31", "32"), reason="a test", starts_at=TOMORROW)),
        ("every hour", GrantWish(role="admin", areas=("31", "32"), reason="a test",
                                 window=parse_window("mon-sun 00:00-23:00 Asia/Jakarta"))),
    ],
)  # fmt: skip
async def test_who_is_no_administrator_of_everything_for_good_is_none(
    auth: AuthService, setup: SetupCode, lacks: str, wish: GrantWish
) -> None:
    await auth.create_person("boss", PASSWORD, role=None)
    await Grants(auth).give("boss", wish, None)
    assert await setup.make() is not None, lacks


async def test_an_administrator_by_a_role_that_the_city_made_or_by_two_grants_is_one(
    auth: AuthService, setup: SetupCode
) -> None:
    await Grants(auth).set_role("head", Role(frozenset({Capability.MANAGE_PEOPLE}), None), None)
    await auth.create_person("boss", PASSWORD, role="head", areas=["31"])
    assert await setup.make() is not None
    await Grants(auth).give("boss", GrantWish(role="admin", areas=("32",), reason="a test"), None)
    assert await setup.make() is None
    await Grants(auth).set_role("head", Role(frozenset({Capability.SEE}), None), None)
    assert await setup.make() is not None, "the role was edited, so there is no administrator"


async def test_of_two_at_once_one_gets_it(auth: AuthService, setup: SetupCode) -> None:
    code = await made(setup)
    both = [setup.use(code, f"boss{i}", "Boss", PASSWORD, address=HOME) for i in range(2)]
    ended = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(one, SetupClosedError) for one in ended) == 1
    assert len(await auth.list_people()) == 1


async def test_a_mistake_does_not_use_it_up(auth: AuthService, setup: SetupCode) -> None:
    await sari(auth)
    code = await made(setup)
    for username, name, password in (
        ("sari", "S", PASSWORD),
        ("a b", "S", PASSWORD),
        ("a", " ", PASSWORD),
        ("a", "S", "x"),
    ):
        with pytest.raises(PersonRuleError):
            await setup.use(code, username, name, password, address=HOME)
    assert await setup.use(code.lower().replace("-", " "), "boss", "Boss", PASSWORD, address=HOME)


async def test_it_ends_after_its_day_and_with_the_next_start(
    auth: AuthService, setup: SetupCode, clocks: Clocks
) -> None:
    old = await made(setup)
    new = await made(setup)
    with pytest.raises(WrongSetupCodeError):
        await setup.use(old, "boss", "Boss", PASSWORD, address=HOME)
    clocks.advance(LIFE_S)
    assert not setup.is_open
    with pytest.raises(SetupClosedError):
        await setup.use(new, "boss", "Boss", PASSWORD, address=HOME)


async def test_an_administrator_from_the_command_line_closes_it(auth: AuthService, setup: SetupCode) -> None:
    code = await made(setup)
    await auth.create_person("cli", PASSWORD, role="admin", areas=["31", "32"])
    with pytest.raises(SetupClosedError):
        await setup.use(code, "boss", "Boss", PASSWORD, address=HOME)
    assert not setup.is_open


async def test_guessing_is_slowed_for_the_guesser_only(setup: SetupCode) -> None:
    code = await made(setup)
    for _ in range(10):
        with pytest.raises(WrongSetupCodeError):
            await setup.use(new_code(), "boss", "Boss", PASSWORD, address="198.51.100.7")
    with pytest.raises(ThrottledError):
        await setup.use(code, "boss", "Boss", PASSWORD, address="198.51.100.7")
    assert await setup.use(code, "boss", "Boss", PASSWORD, address=HOME)


async def test_without_the_database_nothing_is_used_up(
    auth: AuthService, setup: SetupCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await made(setup)

    async def gone() -> None:
        raise AuthUnavailableError

    with monkeypatch.context() as patched:
        patched.setattr(auth, "list_people", gone)
        with pytest.raises(AuthUnavailableError):
            await setup.use(code, "boss", "Boss", PASSWORD, address=HOME)
    assert await setup.use(code, "boss", "Boss", PASSWORD, address=HOME)


@pytest.mark.parametrize("fault", [ThrottledError(5.0), asyncio.CancelledError(), MemoryError()])
async def test_whatever_else_fails_before_there_is_somebody_uses_nothing_up(
    auth: AuthService, setup: SetupCode, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    """Who hangs up, or comes while hashing is full, would otherwise have locked the house until the next start."""
    code = await made(setup)

    async def fails(*_arguments: object, **_more: object) -> None:
        raise fault

    with monkeypatch.context() as patched:
        patched.setattr(auth, "create_person", fails)
        with pytest.raises(type(fault)):
            await setup.use(code, "boss", "Boss", PASSWORD, address=HOME)
    assert await setup.use(code, "boss", "Boss", PASSWORD, address=HOME)


def test_codes_differ_and_are_read_however_they_are_typed() -> None:
    codes = {new_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert len({code_digest(code) for code in codes}) == 1000
    code = codes.pop()
    assert code_digest(f" {code.lower().replace('-', '')}\n") == code_digest(code)
    assert code not in repr(code_digest(code))


@given(st.text(max_size=200))
def test_whatever_is_typed_has_a_digest(typed: str) -> None:
    assert len(code_digest(typed)) == 32
