"""One-time links under attack: what happens between two steps, what a link tells, and what outlives its reason."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from auth.errors import AuthError, PersonRuleError, ThrottledError, WrongSignInError
from auth.grant_service import Grants
from auth.granting import Granter, MayNotGrantError
from auth.grants import GrantWish
from auth.invitations import MakerMayNotError, UnknownInvitationError, Wish
from auth.joining import Joining
from auth.policy import Standing
from auth.roles import Capability, Role
from auth.windows import parse_window
from tests.support.people import JAKARTA
from tests.unit.auth.conftest import HOME, PASSWORD, Clocks, sari

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from auth.model import Person
    from auth.service import AuthService
    from camctl.store import Store

SOON = Clocks().start + timedelta(hours=1)
HOUR_S = 3600.0
NEW_PASSWORD = "wayang kulit 9"
BUDI = Wish("operator", ("31.71.01",), display_name="Pak Budi")


@pytest.fixture
def joining(auth: AuthService, store: Store, clocks: Clocks) -> Joining:
    return Joining(auth, store.sessions, JAKARTA, clock=clocks.now, steady=clocks.steady)


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


# A way up ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "held",
    [
        GrantWish(role="admin", areas=("31",), reason="of the whole city"),
        GrantWish(role="admin", areas=("31.71.01",), reason="here, but steering too"),
        GrantWish(
            role="official", areas=("31.71.01",), reason="steers", window=parse_window("mon-fri 01:00-02:00 UTC")
        ),
        GrantWish(role="official", areas=("31.71.01",), reason="steers soon", starts_at=SOON),
        GrantWish(role="clerk", areas=("31.71.01",), reason="outranks", priority=99),
        GrantWish(role="clerk", areas=("31.74",), reason="also elsewhere"),
        GrantWish(role="clerk", cameras=("cam-1",), reason="a camera that is nobody's to know of"),
    ],
    ids=lambda wish: wish.reason,
)
async def test_nobody_recovers_a_person_who_holds_what_they_do_not(
    auth: AuthService, joining: Joining, held: GrantWish
) -> None:
    """An administrator of one office, who looks after people and may not steer, is no way to who does."""
    await Grants(auth).set_role("clerk", Role(frozenset({Capability.SEE, Capability.MANAGE_PEOPLE}), 0), None)
    clerk = await auth.create_person("clerk", PASSWORD, role="clerk", areas=["31.71"])
    await auth.create_person("other", PASSWORD, role="clerk", areas=["31.71.01"])
    assert await joining.recover("other", clerk, HOUR_S)
    await Grants(auth).give("other", held, None)
    with pytest.raises(MayNotGrantError):
        await joining.recover("other", clerk, HOUR_S)
    assert await joining.recover("other", None, HOUR_S), "on the machine itself it can be done"


async def test_who_comes_to_hold_more_is_not_recovered_by_an_older_link(auth: AuthService, joining: Joining) -> None:
    maker = await boss(auth)
    await sari(auth)
    secret, _ = await joining.recover("sari", maker, HOUR_S)
    await Grants(auth).give("sari", GrantWish(role="admin", areas=("31",), reason="promoted"), None)
    with pytest.raises(MakerMayNotError):
        await joining.look(secret, HOME)
    with pytest.raises(MakerMayNotError):
        await joining.accept(secret, NEW_PASSWORD, address=HOME)
    assert await auth.sign_in("sari", PASSWORD, HOME)


async def test_who_is_promoted_while_the_new_password_is_hashed_keeps_the_old_one(
    auth: AuthService, joining: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = await boss(auth)
    await sari(auth)
    secret, _ = await joining.recover("sari", maker, HOUR_S)
    more = GrantWish(role="admin", areas=("31",), reason="promoted")
    while_hashing(auth, monkeypatch, lambda: Grants(auth).give("sari", more, None))
    with pytest.raises(MakerMayNotError):
        await joining.accept(secret, NEW_PASSWORD, address=HOME)
    assert await auth.sign_in("sari", PASSWORD, HOME)
    assert await joining.notices(await auth.person("sari")) == []


async def test_a_role_that_grew_gives_the_invited_no_more_than_the_maker_holds(
    auth: AuthService, joining: Joining
) -> None:
    await Grants(auth).set_role("guard", Role(frozenset({Capability.SEE}), 0), None)
    await Grants(auth).set_role("clerk", Role(frozenset({Capability.SEE, Capability.MANAGE_PEOPLE}), 0), None)
    clerk = await auth.create_person("clerk", PASSWORD, role="clerk", areas=["31.71"])
    secret, _ = await joining.invite(replace(BUDI, role="guard"), clerk, HOUR_S)
    await Grants(auth).set_role("guard", Role(frozenset({Capability.SEE, Capability.CONTROL}), 0), None)
    with pytest.raises(MakerMayNotError):
        await joining.accept(secret, NEW_PASSWORD, username="budi", address=HOME)
    assert len(await auth.list_people()) == 1


async def test_lasting_power_over_a_whole_city_waits_for_a_second_person_by_a_link_too(
    auth: AuthService, joining: Joining, clocks: Clocks
) -> None:
    maker = await auth.create_person("boss", PASSWORD, role="admin", areas=["31"])
    wish = Wish("admin", ("31",), display_name="Pak Budi")
    mine, _ = await joining.invite(wish, maker, HOUR_S)
    budi, _ = await joining.accept(mine, NEW_PASSWORD, username="budi", address=HOME)
    assert [grant.waits for grant in budi.grants] == [True]
    assert Standing(budi, clocks.now()).capabilities() == frozenset()
    theirs, _ = await joining.invite(wish, None, HOUR_S)
    tuti, _ = await joining.accept(theirs, NEW_PASSWORD, username="tuti", address=HOME)
    assert [grant.waits for grant in tuti.grants] == [False], "the command line needs no second person"
    second = Granter(tuti, clocks.now(), JAKARTA)
    assert not (await Grants(auth).approve("budi", budi.grants[0].id, second)).waits


async def test_the_machine_itself_is_a_second_person(auth: AuthService, joining: Joining) -> None:
    maker = await auth.create_person("boss", PASSWORD, role="admin", areas=["31"])
    secret, _ = await joining.invite(Wish("official", ("31",), display_name="Budi"), maker, HOUR_S)
    budi, _ = await joining.accept(secret, "gamelan 42 x", username="budi", address=HOME)
    approved = await Grants(auth).approve("budi", budi.grants[0].id, None)
    assert (approved.waits, approved.approver) == (False, "command line")


async def test_somebody_may_be_invited_with_nothing_but_a_name(auth: AuthService, joining: Joining) -> None:
    secret, made = await joining.invite(Wish(None, (), display_name="Pak Budi"), await boss(auth), HOUR_S)
    person, _ = await joining.accept(secret, NEW_PASSWORD, username="budi", address=HOME)
    assert person.grants == ()
    assert [one.id for one in await joining.pending(await auth.person("boss"))] == []
    for wish in (Wish(None, ("31.71",), display_name="X"), Wish("official", (), display_name="X")):
        with pytest.raises(PersonRuleError):
            await joining.invite(wish, None, HOUR_S)
    with pytest.raises(MayNotGrantError):
        await joining.invite(Wish(None, (), display_name="X"), person, HOUR_S)
    assert made.wish is not None
