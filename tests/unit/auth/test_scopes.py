"""What a token may do of what its person may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.errors import PersonRuleError
from auth.grant_service import Grants
from auth.grants import Grant, GrantKind
from auth.model import CameraRef, Person, SignInKind
from auth.policy import Standing
from auth.roles import Capability, Role
from auth.scopes import parse_scopes, stored_scopes, token_holder
from tests.support.people import grant, regrant
from tests.unit.auth.conftest import HOME, PASSWORD, sari

if TYPE_CHECKING:
    from auth.service import AuthService
    from tests.unit.auth.conftest import Clocks

CAPABILITIES = st.frozensets(st.sampled_from(Capability))
AREAS = st.lists(st.sampled_from(["31", "31.71", "31.74"]), min_size=1, max_size=2)
GRANTS = st.builds(
    grant, st.sampled_from(["admin", "official", "operator", "partner"]), AREAS, deny=st.booleans(),
    waits=st.booleans(), kind=st.sampled_from(GrantKind), cameras=st.sampled_from([(), ("cam-1",)]),
)  # fmt: skip
CAMERAS = [
    CameraRef(f"cam-{number}", area, "PT Contoh", emergency_only=closed)
    for number, area in enumerate(("31.71.01", "31.74.02"))
    for closed in (False, True)
]
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@given(st.lists(GRANTS, max_size=4).map(tuple), CAPABILITIES)
def test_a_token_never_adds_and_never_goes_beyond_its_scopes(
    grants: tuple[Grant, ...], scopes: frozenset[Capability]
) -> None:
    person = Person("1", "sari", "Ibu Sari", grants, organisation="PT Contoh")
    whole, narrow = Standing(person, NOW), Standing(token_holder(person, scopes), NOW)
    for camera in CAMERAS:
        assert narrow.capabilities_on(camera) <= whole.capabilities_on(camera) & scopes
        assert narrow.priority_on(camera) <= whole.priority_on(camera)
    for capability in Capability:
        assert not narrow.holds(capability) or (whole.holds(capability) and capability in scopes)
        for area in ("31", "31.71", "31.74"):
            assert not narrow.holds_in(capability, area) or whole.holds_in(capability, area)


@given(st.lists(GRANTS, max_size=4).map(tuple))
def test_with_sight_of_all_it_loses_nothing_but_what_it_lacks(grants: tuple[Grant, ...]) -> None:
    """Denials stay whole: what is taken from a person is taken from their token, and nothing more is."""
    person = Person("1", "sari", "Ibu Sari", grants, organisation="PT Contoh")
    everything = token_holder(person, frozenset(Capability))
    assert everything == person == token_holder(person, None)
    for scopes in (frozenset({Capability.SEE, Capability.LIVE}), frozenset({Capability.MANAGE_PEOPLE})):
        holder = token_holder(person, scopes)
        assert [one for one in holder.grants if one.deny] == [one for one in grants if one.deny]
        for area in ("31", "31.71", "31.74"):
            for capability in scopes:
                assert Standing(holder, NOW).holds_in(capability, area) == Standing(person, NOW).holds_in(
                    capability, area
                )


def test_scopes_come_with_the_sight_of_the_camera() -> None:
    assert parse_scopes(["live", "live"]) == {Capability.LIVE, Capability.SEE}
    assert parse_scopes(["metrics"]) == {Capability.METRICS}


@pytest.mark.parametrize("words", [[], ["everything"], ["see", "LIVE"], [""], ["see", "x" * 1000]])
def test_words_that_are_no_scopes(words: list[str]) -> None:
    with pytest.raises(PersonRuleError) as refused:
        parse_scopes(words)
    assert refused.value.field == "scopes"
    assert len(str(refused.value)) < 400


@given(st.lists(st.text(max_size=20) | st.sampled_from([str(one) for one in Capability])))
def test_a_stored_word_that_is_not_known_allows_nothing(words: list[str]) -> None:
    scopes = stored_scopes(words)
    assert scopes is not None
    assert {str(one) for one in scopes} == set(words) & {str(one) for one in Capability}


async def test_a_token_signs_in_with_its_scopes_and_a_password_without(auth: AuthService, clocks: Clocks) -> None:
    await sari(auth)
    scopes = frozenset({Capability.SEE, Capability.LIVE})
    token = await auth.issue_token("sari", clocks.now() + timedelta(days=1), "wall", scopes)
    sign_in = await auth.authenticate(token)
    assert sign_in is not None
    assert sign_in.kind is SignInKind.API
    assert sign_in.person == token_holder(await auth.person("sari"), scopes)
    assert Standing(sign_in.person, clocks.now()).capabilities() == scopes
    again = await auth.recheck(sign_in.session_id)
    assert again is not None
    assert again.person == sign_in.person
    _, browser = await auth.sign_in("sari", PASSWORD, HOME, SignInKind.BROWSER)
    assert browser.kind is SignInKind.BROWSER
    assert browser.person == await auth.person("sari")


async def test_what_is_granted_taken_or_edited_meanwhile_stays_within_the_scopes(
    auth: AuthService, clocks: Clocks
) -> None:
    await sari(auth)
    token = await auth.issue_token("sari", clocks.now() + timedelta(days=1), "wall", parse_scopes(["live"]))
    held = frozenset({Capability.SEE, Capability.LIVE})

    async def brings() -> frozenset[Capability]:
        sign_in = await auth.authenticate(token)
        assert sign_in is not None
        return Standing(sign_in.person, clocks.now()).capabilities()

    assert await brings() == held
    await regrant(auth, "sari", "admin", "31")
    assert await brings() == held
    await Grants(auth).set_role("admin", Role(frozenset({Capability.SEE, Capability.CONTROL}), None), None)
    assert await brings() == {Capability.SEE}
    await regrant(auth, "sari", "admin")
    assert await brings() == frozenset()


async def test_a_token_ends_at_its_time_also_when_it_was_just_used(auth: AuthService, clocks: Clocks) -> None:
    """From memory too: it is asked whether it holds at every use."""
    await sari(auth)
    token = await auth.issue_token("sari", clocks.now() + timedelta(seconds=60), "short")
    clocks.advance(59.9)
    assert await auth.authenticate(token) is not None
    clocks.advance(0.1)
    assert await auth.authenticate(token) is None


async def test_nobody_closed_is_given_a_token(auth: AuthService, clocks: Clocks) -> None:
    await sari(auth)
    await auth.disable_person("sari")
    with pytest.raises(PersonRuleError, match="disabled"):
        await auth.issue_token("sari", clocks.now() + timedelta(days=1), "wall")
    await auth.enable_person("sari")
    assert await auth.sessions_of("sari") == []
