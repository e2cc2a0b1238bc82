"""Stale and too frequent messages on a control socket."""

from __future__ import annotations

from camctl.ptz.channel import StaleFilter, TokenBucket


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
