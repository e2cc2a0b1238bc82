"""What the city's directory says of people is granted, marked and followed, and what people granted stays theirs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from auth.checks import normalise_username
from auth.city_sign_in import Arrival, CitySignIn, NobodyHereError
from auth.errors import LastWayInError, PersonRuleError
from auth.grant_service import Grants
from auth.grants import GrantWish
from auth.oidc_client import OidcClient
from auth.oidc_records import DIRECTORY, identities_at
from auth.oidc_settings import ClaimRule
from auth.policy import Standing
from auth.proofs import Method
from auth.roles import Capability
from auth.tables import PersonRow
from auth.ways_in import WaysIn
from tests.support.directory import ISSUER, Directory
from tests.unit.auth.city_kit import Browser, settings
from tests.unit.auth.conftest import HOME

if TYPE_CHECKING:
    from auth.model import Person
    from auth.service import AuthService
    from camctl.store import Store
    from tests.unit.auth.conftest import Clocks


def held(person: Person) -> list[tuple[str, tuple[str, ...], str]]:
    return sorted((grant.role, grant.areas, grant.granter) for grant in person.grants)


async def test_what_the_directory_says_is_granted_marked_and_followed(ruled: Browser, auth: AuthService) -> None:
    first = await ruled.comes()
    assert held(first.person) == [("official", ("31.71.01",), DIRECTORY)]
    assert [grant.reason for grant in first.given] == ["the directory says groups: camat-gambir"]
    again = await ruled.comes()
    assert (again.given, again.taken) == ((), ())
    assert [grant.id for grant in (await auth.person("budi")).grants] == [first.given[0].id]
    promoted = await ruled.comes(groups=["diskominfo"])
    assert [grant.role for grant in promoted.given] == ["admin"]
    assert [grant.id for grant in promoted.taken] == [first.given[0].id]
    assert held(await auth.person("budi")) == [("admin", ("31",), DIRECTORY)]


async def test_what_it_no_longer_says_is_taken_though_nobody_is_let_in(
    ruled: Browser, auth: AuthService, clocks: Clocks
) -> None:
    """What they still hold elsewhere, a running sign-in and its control, ends with it."""
    person = (await ruled.comes()).person
    token, _ = await auth.admit(person.id, Method.DIRECTORY, HOME)
    told: list[str] = []
    auth.on_change.append(told.append)
    with pytest.raises(NobodyHereError):
        await ruled.comes(groups=["other"])
    assert (await auth.person("budi")).grants == ()
    assert told == [person.id]
    sign_in = await auth.authenticate(token)
    assert sign_in is not None
    assert Standing(sign_in.person, clocks.now()).capabilities() == frozenset()


async def test_what_people_granted_is_never_touched(ruled: Browser, auth: AuthService) -> None:
    await ruled.comes()
    same = GrantWish(role="official", areas=("31.71.01",), reason="the directory says groups: camat-gambir")
    denied = GrantWish(areas=("31.71",), deny=True, capabilities=frozenset({Capability.CONTROL}), reason="on leave")
    by_hand = [(await Grants(auth).give("budi", wish, None)).id for wish in (same, denied)]
    arrival = await ruled.comes(groups=["diskominfo"])
    assert set(by_hand) < {grant.id for grant in (await auth.person("budi")).grants}
    assert not set(by_hand) & {grant.id for grant in arrival.taken}
    with pytest.raises(NobodyHereError):
        await ruled.comes(groups=[])
    assert {grant.id for grant in (await auth.person("budi")).grants} == set(by_hand)


async def test_nobody_can_be_called_as_the_directory_marks_its_own() -> None:
    with pytest.raises(PersonRuleError):
        normalise_username(DIRECTORY)


async def test_a_role_that_is_gone_gives_nothing_and_takes_what_was(
    ruled: Browser, directory: Directory, auth: AuthService, store: Store
) -> None:
    await ruled.comes()
    rules = (ClaimRule("camat-gambir", "no-such-role", ("31.71.01",)),)
    client = OidcClient(settings(), directory.guard, transport=directory.transport)
    ruled.city = CitySignIn(settings(invite_only=False, rules=rules), auth, store.sessions, client)
    arrival = await ruled.comes()
    assert (arrival.given, len(arrival.taken)) == ((), 1)
    assert (await auth.person("budi")).grants == ()


async def test_who_comes_twice_at_once_the_first_time_is_one_person(ruled: Browser, auth: AuthService) -> None:
    asked, cookie = await ruled.leaves()
    answer = {"code": "a-code", "state": asked["state"]}
    ended = await asyncio.gather(*(ruled.arrives(answer, cookie) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(one, Arrival) for one in ended) >= 1
    assert len(await auth.list_people()) == 1
    assert len((await auth.person("budi")).grants) == 1


async def test_who_comes_by_the_directory_has_a_way_in_while_it_is_the_one_that_is_asked(
    ruled: Browser, store: Store
) -> None:
    await ruled.comes()
    with store.sessions() as session:
        row = session.scalars(select(PersonRow).where(PersonRow.username == "budi")).one()
        assert row.password_hash is None
        for ways in (WaysIn(), WaysIn(identities_at("https://elsewhere.example")), WaysIn(identities_at(ISSUER))):
            with pytest.raises(LastWayInError):
                ways.check_not_last(session, row)
        WaysIn(identities_at(ISSUER), lambda _session, _row: 1).check_not_last(session, row)
