"""The small pure parts: names, tokens, the memory of sign-ins, news of changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.cache import SignInCache
from auth.changes import OVERLAP_IDS, ChangeReader
from auth.checks import check_areas, check_name, normalise_username
from auth.errors import PersonRuleError
from auth.model import Person
from auth.records import Change, SessionRecord
from auth.tokens import digest, new_token

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("sari", "sari"),
        (" Sari ", "sari"),
        ("SARI.W@jakarta.go.id", "sari.w@jakarta.go.id"),
        ("\uff53\uff41\uff52\uff49", "sari"),
        ("7", "7"),
    ],
)
def test_usernames_have_one_spelling(typed: str, stored: str) -> None:
    assert normalise_username(typed) == stored
    assert normalise_username(stored) == stored


@pytest.mark.parametrize(
    "typed", ["", " ", ".sari", "sari.", "sa ri", "sari\x00", "sar\u0131", "\u0441\u0430ri", "x" * 65, "\ud800", "a\nb"]
)
def test_usernames_that_nobody_can_have(typed: str) -> None:
    with pytest.raises(PersonRuleError):
        normalise_username(typed)


@given(st.text(max_size=300))
def test_a_normal_username_stays_as_it_is(typed: str) -> None:
    try:
        stored = normalise_username(typed)
    except PersonRuleError:
        return
    assert normalise_username(stored) == stored
    assert stored.isascii()
    assert 1 <= len(stored) <= 64


@pytest.mark.parametrize(
    "name", ["Ibu Sari", "Đặng Thị Hà", "\u0645\u062d\u0645\u062f\u200c\u0631\u0636\u0627", "👩‍🚒", "x" * 120]
)
def test_names_of_people_are_free(name: str) -> None:
    assert check_name("display_name", f" {name} ", required=True) == name


@pytest.mark.parametrize(
    "name", ["", "   ", "a\x00b", "a\nb", "\u202egro", "\u2067x", "\ud800", "x" * 121, "x" * 10_000]
)
def test_names_that_would_spoil_a_page_or_a_log(name: str) -> None:
    with pytest.raises(PersonRuleError):
        check_name("display_name", name, required=True)


def test_area_codes_are_sorted_once_each() -> None:
    assert check_areas(["31.72", "31.71", "31.72"]) == ("31.71", "31.72")


def test_tokens_differ_and_only_their_form_has_a_digest() -> None:
    made = {new_token() for _ in range(1000)}
    assert len(made) == 1000
    digests = {digest(token) for token in made}
    assert None not in digests
    assert len(digests) == 1000
    assert digest(new_token()[:-1]) is None


def record(person_id: str) -> SessionRecord:
    person = Person(id=person_id, username=person_id, display_name=person_id)
    return SessionRecord(person, f"s-{person_id}", NOON, NOON, None)


def test_the_memory_is_fresh_for_its_time_and_bounded() -> None:
    cache = SignInCache(fresh_s=0.5, max_entries=2)
    for number, person in enumerate(["a", "b", "c"]):
        cache.put(person, record(person), float(number) / 10, cache.generation)
    assert len(cache) == 2
    assert cache.get("a", 0.2) is None
    assert cache.get("c", 0.2) is not None
    assert cache.get("c", 0.69) is not None
    assert cache.get("c", 0.75) is None
    assert cache.get("c", 0.1) is None  # read in the future: the clock is not to be trusted


def test_the_memory_drops_a_person_and_refuses_what_was_read_before() -> None:
    cache = SignInCache(fresh_s=0.5, max_entries=10)
    cache.put("t1", record("a"), 0.0, cache.generation)
    cache.put("t2", record("a"), 0.0, cache.generation)
    cache.put("t3", record("b"), 0.0, cache.generation)
    before = cache.generation
    cache.drop_person("a")
    cache.put("t1", record("a"), 0.0, before)
    assert [cache.get(token, 0.0) is not None for token in ("t1", "t2", "t3")] == [False, False, True]


def test_a_note_that_shows_late_is_news_and_none_is_news_twice() -> None:
    reader = ChangeReader()
    assert reader.news([Change(1, "a"), Change(3, "b"), Change(4, "b")]) == ["a", "b"]
    assert reader.after < 2
    assert reader.news([Change(2, "c"), Change(3, "b")]) == ["c"]
    reader.saw(Change(5, "me"))
    assert reader.news([Change(number, "me" if number == 5 else "d") for number in range(1, 7)]) == ["d"]
    assert reader.news([]) == []


@given(st.lists(st.integers(1, 1000), unique=True, min_size=1, max_size=200))
def test_every_note_is_news_exactly_once_whatever_the_order_inside_the_window(ids: list[int]) -> None:
    ids = sorted(ids)
    reader, heard = ChangeReader(), []
    for start in range(0, len(ids), 7):
        window = [number for number in ids[: start + 7] if number > reader.after]
        heard += reader.news(Change(number, str(number)) for number in window)
    assert heard == [str(number) for number in ids]
    assert len(reader._seen) <= OVERLAP_IDS
