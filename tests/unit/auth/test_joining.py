"""One-time links: who may make them, that they work once and only while their maker may, and what they leave behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from auth.errors import PersonRuleError, ThrottledError, UnknownPersonError
from auth.granting import Granter, MayNotGrantError, answers_for_the_city
from auth.invitations import (
    MOST_PENDING,
    REASON,
    Invitation,
    InvitationKind,
    MakerMayNotError,
    TooManyInvitationsError,
    UnknownInvitationError,
    Wish,
    check_inviting,
    check_recovering,
    checked_invitation,
    wish_of,
)
from auth.joining import Joining
from auth.model import Person
from auth.policy import Standing
from auth.roles import Capability
from auth.whole_city import Grantee, second_look
from tests.support.people import JAKARTA, grant, regrant
from tests.unit.auth.conftest import HOME, PASSWORD, sari

if TYPE_CHECKING:
    from auth.grants import Grant
    from auth.service import AuthService
    from camctl.store import Store
    from tests.unit.auth.conftest import Clocks

HOUR_S = 3600.0
BUDI = Wish("operator", ("31.71.01",), display_name="Pak Budi")


@pytest.fixture
def joining(auth: AuthService, store: Store, clocks: Clocks) -> Joining:
    return Joining(auth, store.sessions, JAKARTA, clock=clocks.now, steady=clocks.steady)


async def boss(auth: AuthService, area: str = "31.71", name: str = "boss") -> Person:
    return await auth.create_person(name, PASSWORD, role="admin", areas=[area], display_name="Ibu Admin")


async def test_an_invited_person_chooses_name_and_password_and_is_in(auth: AuthService, joining: Joining) -> None:
    maker = await boss(auth)
    secret, made = await joining.invite(BUDI, maker, HOUR_S)
    assert await joining.look(secret, HOME) == made
    person, used = await joining.accept(secret, "gamelan 42 x", username="Budi", address=HOME)
    assert (person.role, person.areas, person.display_name) == ("operator", ("31.71.01",), "Pak Budi")
    [grant] = person.grants
    assert (grant.granter, grant.waits, grant.reason) == ("boss", False, REASON)
    assert (person, used) == (await auth.person("budi"), made)
    assert await auth.sign_in("budi", "gamelan 42 x", HOME)
    assert await joining.pending(maker) == []


async def test_a_link_works_once(auth: AuthService, joining: Joining) -> None:
    secret, _ = await joining.invite(BUDI, await boss(auth), HOUR_S)
    tries = [joining.accept(secret, "gamelan 42 x", username=f"budi{i}", address=HOME) for i in range(5)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, UnknownInvitationError) for one in ended) == 4
    assert len(await auth.list_people()) == 2
    with pytest.raises(UnknownInvitationError):
        await joining.look(secret, HOME)


async def test_a_mistake_of_the_invited_does_not_use_it_up(auth: AuthService, joining: Joining) -> None:
    secret, _ = await joining.invite(BUDI, await boss(auth), HOUR_S)
    good = "gamelan 42 x"
    mistakes = [("boss", good, "username"), ("budi", "short", "password"), (None, good, "username")]
    for username, password, field in [*mistakes, ("ü ü", good, "username")]:
        with pytest.raises(PersonRuleError) as refused:
            await joining.accept(secret, password, username=username, address=HOME)
        assert refused.value.field == field
    assert await joining.accept(secret, "gamelan 42 x", username="budi", address=HOME)


async def test_a_given_name_is_not_the_inviteds_to_change(auth: AuthService, joining: Joining) -> None:
    secret, _ = await joining.invite(replace(BUDI, username="BUDI"), await boss(auth), HOUR_S)
    person, _ = await joining.accept(secret, "gamelan 42 x", username="other", address=HOME)
    assert person.username == "budi"
    with pytest.raises(PersonRuleError, match="already somebody"):
        await joining.invite(replace(BUDI, username="budi"), None, HOUR_S)


async def test_it_ends_with_its_time_and_when_withdrawn(auth: AuthService, joining: Joining, clocks: Clocks) -> None:
    maker = await boss(auth)
    secret, made = await joining.invite(BUDI, maker, HOUR_S)
    clocks.advance(HOUR_S - 1)
    assert await joining.look(secret, HOME) == made
    clocks.advance(1)
    with pytest.raises(UnknownInvitationError):
        await joining.accept(secret, "gamelan 42 x", username="budi", address=HOME)
    secret, made = await joining.invite(BUDI, maker, HOUR_S)
    await joining.withdraw(made.id, maker)
    with pytest.raises(UnknownInvitationError):
        await joining.look(secret, HOME)
    with pytest.raises(UnknownInvitationError):
        await joining.withdraw(made.id, maker)


@pytest.mark.parametrize("loses", ["areas", "role", "account"])
async def test_it_ends_when_its_maker_could_not_make_it_any_more(
    auth: AuthService, joining: Joining, loses: str
) -> None:
    maker = await boss(auth)
    secret, _ = await joining.invite(BUDI, maker, HOUR_S)
    await sari(auth)
    recovery, _ = await joining.recover("sari", maker, HOUR_S)
    match loses:
        case "areas":
            await regrant(auth, "boss", "admin", "31.74")
        case "role":
            await regrant(auth, "boss", "official", "31.71")
        case _:
            await auth.disable_person("boss")
    for link in (secret, recovery):
        with pytest.raises(MakerMayNotError, match="may not give this any more"):
            await joining.look(link, HOME)
        with pytest.raises(MakerMayNotError):
            await joining.accept(link, "gamelan 42 x", username="budi", address=HOME)
    assert await auth.sign_in("sari", PASSWORD, HOME)
    assert len(await auth.list_people()) == 2


async def test_nobody_invites_beyond_their_own_areas_or_without_the_right(auth: AuthService, joining: Joining) -> None:
    maker = await boss(auth)
    await sari(auth)
    for wish in (replace(BUDI, areas=("31.74",)), replace(BUDI, areas=("31.71.01", "31"))):
        with pytest.raises(MayNotGrantError):
            await joining.invite(wish, maker, HOUR_S)
    with pytest.raises(MayNotGrantError):
        await joining.invite(BUDI, await auth.person("sari"), HOUR_S)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (replace(BUDI, role="king"), "role"), (replace(BUDI, areas=("x y",)), "areas"),
        (replace(BUDI, display_name=" "), "display_name"), (replace(BUDI, username="a b"), "username"),
        (replace(BUDI, role="partner"), "organisation"),
    ],
)  # fmt: skip
async def test_a_wish_that_could_be_nobody(auth: AuthService, joining: Joining, wish: Wish, field: str) -> None:
    with pytest.raises(PersonRuleError) as refused:
        await joining.invite(wish, await boss(auth), HOUR_S)
    assert refused.value.field == field


@pytest.mark.parametrize("life_s", [0.0, -5.0, 299.0, 31 * 86_400.0, float("nan"), float("inf")])
async def test_a_life_that_is_none(auth: AuthService, joining: Joining, life_s: float) -> None:
    with pytest.raises(PersonRuleError):
        await joining.invite(BUDI, await boss(auth), life_s)


async def test_a_maker_has_so_many_links_and_no_more(auth: AuthService, joining: Joining) -> None:
    maker = await boss(auth)
    for _ in range(MOST_PENDING):
        await joining.invite(BUDI, maker, HOUR_S)
    with pytest.raises(TooManyInvitationsError):
        await joining.invite(BUDI, maker, HOUR_S)
    assert await joining.invite(BUDI, None, HOUR_S)


async def test_links_are_listed_to_who_looks_after_their_people(auth: AuthService, joining: Joining) -> None:
    here, there = await boss(auth), await boss(auth, "31.74", "there")
    await sari(auth)
    _, first = await joining.invite(BUDI, here, HOUR_S)
    _, second = await joining.recover("sari", None, HOUR_S)
    assert {one.id for one in await joining.pending(here)} == {first.id, second.id}
    assert await joining.pending(there) == []
    with pytest.raises(UnknownInvitationError):
        await joining.withdraw(first.id, there)
    assert len(await joining.pending(None)) == 2


async def test_only_a_digest_is_stored(auth: AuthService, joining: Joining, store: Store) -> None:
    secret, made = await joining.invite(BUDI, await boss(auth), HOUR_S)
    with store.engine.connect() as connection:
        rows = str(connection.execute(text("SELECT * FROM invitation")).all())
    assert secret not in rows
    assert secret not in repr(made)


async def test_guessing_is_slowed_for_the_guesser_only(auth: AuthService, joining: Joining, clocks: Clocks) -> None:
    secret, made = await joining.invite(BUDI, await boss(auth), HOUR_S)
    for guess in ("x", "ü" * 43, "a" * 43, "b" * 43, *("c" * 43 for _ in range(6))):
        with pytest.raises(UnknownInvitationError):
            await joining.look(guess, "198.51.100.7")
    with pytest.raises(ThrottledError):
        await joining.look("d" * 43, "198.51.100.7")
    with pytest.raises(ThrottledError):
        await joining.accept(secret, "gamelan 42 x", username="budi", address="198.51.100.7")
    assert await joining.look(secret, HOME) == made
    clocks.advance(5)
    assert await joining.look(secret, "198.51.100.7") == made


# Recovery ------------------------------------------------------------------------------------------------------------


async def test_a_recovery_sets_a_password_ends_every_sign_in_and_is_told(
    auth: AuthService, joining: Joining, clocks: Clocks
) -> None:
    maker = await boss(auth)
    await sari(auth)
    old, _ = await auth.sign_in("sari", PASSWORD, HOME)
    secret, made = await joining.recover("sari", maker, HOUR_S)
    assert (made.kind, made.concerns.username) == (InvitationKind.RECOVERY, "sari")
    person, _ = await joining.accept(secret, "wayang kulit 9", username="other", address=HOME)
    assert person.username == "sari"
    assert await auth.authenticate(old) is None
    assert await auth.sign_in("sari", "wayang kulit 9", HOME)
    [notice] = await joining.notices(person)
    assert (notice.kind, notice.by, notice.at) == ("recovered", "Ibu Admin", clocks.now())
    await joining.read(maker, notice.id)
    assert len(await joining.notices(person)) == 1, "somebody else's notice is not theirs to read away"
    await joining.read(person, notice.id)
    assert await joining.notices(person) == []


async def test_a_new_recovery_ends_the_one_before(auth: AuthService, joining: Joining) -> None:
    await sari(auth)
    first, _ = await joining.recover("sari", None, HOUR_S)
    second, _ = await joining.recover("sari", None, HOUR_S)
    with pytest.raises(UnknownInvitationError):
        await joining.look(first, HOME)
    assert await joining.look(second, HOME)


async def test_a_refused_password_tells_nobody_anything(auth: AuthService, joining: Joining) -> None:
    await sari(auth)
    secret, made = await joining.recover("sari", None, HOUR_S)
    with pytest.raises(PersonRuleError):
        await joining.accept(secret, "short", address=HOME)
    assert made.person is not None
    assert await joining.notices(made.person) == []
    assert await auth.sign_in("sari", PASSWORD, HOME)


async def test_who_may_be_recovered_by_whom(auth: AuthService, joining: Joining) -> None:
    maker = await boss(auth)
    await boss(auth, "31", "higher")
    await sari(auth)
    for name in ("boss", "higher"):
        with pytest.raises(MayNotGrantError):
            await joining.recover(name, maker, HOUR_S)
    with pytest.raises(UnknownPersonError):
        await joining.recover("nobody", maker, HOUR_S)
    await auth.disable_person("sari")
    for who in (maker, None):
        with pytest.raises(PersonRuleError, match="closed"):
            await joining.recover("sari", who, HOUR_S)


async def test_a_closed_account_is_not_opened_by_an_older_link(auth: AuthService, joining: Joining) -> None:
    await sari(auth)
    secret, _ = await joining.recover("sari", None, HOUR_S)
    await auth.disable_person("sari")
    with pytest.raises(UnknownInvitationError):
        await joining.accept(secret, "wayang kulit 9", address=HOME)
    await auth.enable_person("sari")
    assert await auth.sign_in("sari", PASSWORD, HOME)


# The rules alone -----------------------------------------------------------------------------------------------------

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
AREAS = st.sampled_from(["31", "31.71", "31.71.01", "31.74"])
GRANTS = st.builds(
    grant,
    st.sampled_from(["admin", "official", "operator", "partner", "auditor"]),
    st.lists(AREAS, min_size=1, max_size=2),
    deny=st.booleans(), waits=st.booleans(), priority=st.none() | st.integers(0, 100),
    ends_at=st.none() | st.sampled_from([NOW - timedelta(1), NOW + timedelta(1)]),
    starts_at=st.none() | st.sampled_from([NOW - timedelta(1), NOW + timedelta(hours=1)]),
)  # fmt: skip
PEOPLE = st.builds(
    Person, st.sampled_from(["a", "b"]), st.just("x"), st.just("X"),
    st.lists(GRANTS, max_size=3).map(tuple), disabled=st.booleans(),
)  # fmt: skip


def granter(person: Person) -> Granter:
    return Granter(person, NOW, JAKARTA)


@settings(max_examples=400)
@given(PEOPLE, PEOPLE)
def test_nobody_recovers_a_person_who_holds_or_will_hold_more_than_they_do(maker: Person, other: Person) -> None:
    try:
        check_recovering(granter(maker), other)
    except MayNotGrantError:
        return
    assert maker.id != other.id
    mine = Standing(maker, NOW)
    assert mine.manages(other, JAKARTA)
    assert not answers_for_the_city(other, NOW, JAKARTA)
    for moment in (NOW, NOW + timedelta(hours=2)):  # with what begins soon, and what waits approved
        theirs = Standing(replace(other, grants=tuple(replace(one, waits=False) for one in other.grants)), moment)
        for area in ("31", "31.71", "31.71.01", "31.74"):
            for capability in Capability:
                assert not theirs.holds_in(capability, area) or mine.holds_in(capability, area), (capability, area)


@given(PEOPLE, GRANTS)
def test_nobody_invites_with_what_they_could_not_grant(maker: Person, wished: Grant) -> None:
    try:
        waits = check_inviting(granter(maker), wished, "PT Contoh")
    except MayNotGrantError:
        return
    granter(maker).check(wished)
    assert waits == (second_look(wished, Grantee(organisation="PT Contoh"), NOW, JAKARTA) is not None)


@given(
    st.builds(
        Wish,
        st.sampled_from(["admin", "official", "partner"]),
        st.lists(AREAS, min_size=1, max_size=4).map(tuple),
        st.just("PT Contoh"),
        st.text("abc ", min_size=1, max_size=20).filter(str.strip),
        st.none() | st.sampled_from(["sari", "Budi"]),
    )
)
def test_a_wish_comes_back_from_the_database_as_it_was_checked(wish: Wish) -> None:
    checked = checked_invitation(wish, NOW)
    assert wish_of(checked.stored()) == checked
    assert checked_invitation(checked, NOW) == checked


def test_a_stored_invitation_without_a_wish_is_a_fault_and_nobodys_right(clocks: Clocks) -> None:
    now = clocks.now()
    broken = Invitation("1", InvitationKind.INVITATION, None, None, None, now, now)
    with pytest.raises(RuntimeError):
        _ = broken.concerns
