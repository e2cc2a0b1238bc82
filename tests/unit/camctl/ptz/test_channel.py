"""Stale and too frequent messages on a control socket."""

from __future__ import annotations

import pytest

from camctl.ptz.channel import LinkLife, StaleFilter, TokenBucket


def test_moves_that_come_on_time_pass_whatever_the_clocks_difference() -> None:
    stale = StaleFilter()
    assert not any(stale.is_stale(t, t + 1_000_000.15 + (0.1 if round(t * 10) % 3 else 0.0)) for t in range(100))


def test_the_backlog_of_an_outage_is_stale() -> None:
    stale = StaleFilter(limit_s=0.3)
    assert not stale.is_stale(0.0, 10.0)
    outcomes = [stale.is_stale(sent / 10, 11.6) for sent in range(1, 17)]
    assert outcomes == [True] * 12 + [False] * 4


def test_a_path_that_became_slower_for_good_is_heard_again() -> None:
    stale = StaleFilter(limit_s=0.3, forget_s_per_s=0.01)
    stale.is_stale(0.0, 0.0)
    assert stale.is_stale(1.0, 1.5)
    assert not stale.is_stale(60.0, 60.5)


def test_the_bucket_allows_its_rate_and_its_burst() -> None:
    bucket = TokenBucket(rate_per_s=20, burst=20)
    assert sum(bucket.allows(0.0) for _ in range(100)) == 20
    assert sum(bucket.allows(1 + i / 100) for i in range(100)) in range(38, 42)


def test_a_steady_link_has_the_shortest_life() -> None:
    life = LinkLife(0.5, 0.9)
    for i in range(100):
        life.heard(i / 10, 7.0 + i / 10)
    assert life.life_s == pytest.approx(0.5)


def test_an_uneven_link_gets_what_it_holds_back_on_top_up_to_the_longest_life() -> None:
    life = LinkLife(0.5, 0.9)
    life.heard(0.0, 0.0)
    life.heard(0.1, 0.25)  # 150 ms late
    assert life.life_s == pytest.approx(0.65, abs=0.01)
    life.heard(0.2, 1.8)
    assert life.life_s == 0.9


def test_a_late_message_is_forgotten_after_a_while() -> None:
    life = LinkLife(0.5, 0.9)
    life.heard(0.0, 0.0)
    life.heard(0.1, 0.3)
    before = life.life_s
    for i in range(3, 1500):
        life.heard(i / 10, i / 10)
    assert 0.5 <= life.life_s < 0.51 < before


def test_without_the_client_clock_the_pauses_between_moves_tell_but_not_those_between_presses() -> None:
    life = LinkLife(0.5, 0.9)
    life.heard(None, 0.0)
    life.heard(None, 0.1)
    assert life.life_s == pytest.approx(0.5)
    life.heard(None, 0.4)
    assert life.life_s == pytest.approx(0.7, abs=0.01)
    steady = LinkLife(0.5, 0.9)
    steady.heard(None, 0.0)
    steady.heard(None, 30.0)
    assert steady.life_s == pytest.approx(0.5)
