"""When a round is due."""

from __future__ import annotations

import pytest

from camctl.ptz.rounds import Window, is_due, minutes_to_look

MONDAY, TUESDAY, SATURDAY, SUNDAY = 0, 1, 5, 6
OFFICE = (Window(frozenset(range(5)), 8 * 60, 16 * 60),)
NIGHT = (Window(frozenset({SUNDAY}), 22 * 60, 5 * 60),)


def test_without_windows_a_round_is_always_due() -> None:
    assert is_due((), SUNDAY, 3.0)


@pytest.mark.parametrize(
    ("day", "minute", "due"),
    [
        (MONDAY, 479.99, False),
        (MONDAY, 480, True),
        (MONDAY, 959.99, True),
        (MONDAY, 960, False),
        (SATURDAY, 600, False),
    ],
)
def test_a_window_is_open_from_its_first_minute_to_before_its_last(day: int, minute: float, due: bool) -> None:
    assert is_due(OFFICE, day, minute) is due


@pytest.mark.parametrize(
    ("day", "minute", "due"),
    [
        (SUNDAY, 1319, False),
        (SUNDAY, 1320, True),
        (MONDAY, 0, True),
        (MONDAY, 299, True),
        (MONDAY, 300, False),
        (SUNDAY, 100, False),  # that night began on Saturday
        (MONDAY, 1330, False),
    ],
)
def test_a_window_past_midnight_belongs_to_the_day_on_which_it_begins(day: int, minute: float, due: bool) -> None:
    assert is_due(NIGHT, day, minute) is due


def test_a_window_to_24_is_open_to_midnight() -> None:
    whole = (Window(frozenset({MONDAY}), 0, 1440),)
    assert is_due(whole, MONDAY, 0)
    assert is_due(whole, MONDAY, 1439.99)
    assert not is_due(whole, TUESDAY, 0)


def test_the_next_look_is_at_an_edge_or_at_the_full_hour() -> None:
    """At full hours because clocks are put forward and back at them, and the edge is then nearer or farther."""
    assert minutes_to_look(OFFICE, MONDAY, 7 * 60 + 30) == pytest.approx(30)
    assert minutes_to_look(OFFICE, MONDAY, 9 * 60 + 15) == pytest.approx(45)
    quarter = (Window(frozenset({MONDAY}), 8 * 60 + 10, 8 * 60 + 20),)
    assert minutes_to_look(quarter, MONDAY, 8 * 60) == pytest.approx(10)
    assert minutes_to_look(quarter, MONDAY, 8 * 60 + 10) == pytest.approx(10)
    assert minutes_to_look(NIGHT, MONDAY, 4 * 60 + 50) == pytest.approx(10)
