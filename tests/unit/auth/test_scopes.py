"""What a token may do of what its person may."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.errors import PersonRuleError
from auth.model import Person, SignInKind
from auth.roles import Capability
from auth.scopes import acts_by_token, narrowed, parse_scopes, stored_scopes, token_holder, within_scopes
from tests.unit.auth.conftest import HOME, PASSWORD, sari

if TYPE_CHECKING:
    from auth.service import AuthService
    from tests.unit.auth.conftest import Clocks

SARI = Person("1", "sari", "Ibu Sari", "official", ("31.71",), "Kelurahan", disabled=False)
CAPABILITIES = st.frozensets(st.sampled_from(Capability))


@given(CAPABILITIES, CAPABILITIES)
def test_a_token_never_adds_and_never_goes_beyond_its_scopes(
    scopes: frozenset[Capability], held: frozenset[Capability]
) -> None:
    person = token_holder(SARI, scopes)
    assert narrowed(person, held) == scopes & held
    assert all(within_scopes(person, one) == (one in scopes) for one in Capability)


def test_who_is_signed_in_themselves_and_a_token_without_scopes_are_not_narrowed() -> None:
    everything = frozenset(Capability)
    assert narrowed(SARI, everything) == narrowed(token_holder(SARI, None), everything) == everything
    assert not acts_by_token(SARI)
    assert acts_by_token(token_holder(SARI, None))


def test_a_token_holder_is_the_person_and_stays_one_when_something_about_them_changes() -> None:
    holder = token_holder(SARI, frozenset({Capability.SEE}))
    assert (holder.id, holder.username, holder.areas, holder.organisation) == ("1", "sari", ("31.71",), "Kelurahan")
    assert replace(holder, areas=()).scopes == {Capability.SEE}


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
    assert sign_in.person == token_holder(await auth.person("sari"), scopes)
    again = await auth.recheck(sign_in.session_id)
    assert again is not None
    assert again.person == sign_in.person
    _, browser = await auth.sign_in("sari", PASSWORD, HOME, SignInKind.BROWSER)
    assert not acts_by_token(browser.person)
