"""What the link box does to packets, by its numbers."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest

from tests.support.link_box_model import PROFILES, Lane, Outage, Path, Profile, Transit


def sent(lane: Lane, times: list[float], size_bytes: int = 100) -> list[float | None]:
    return [lane.leaves_at(size_bytes, now) for now in times]


def ticks(count: int, every_s: float, first_s: float = 0.0) -> list[float]:
    return [first_s + index * every_s for index in range(count)]


def test_a_clean_link_takes_no_time_and_loses_nothing() -> None:
    times = ticks(50, 0.01)
    assert sent(Lane(Path()), times) == times


def test_the_delay_wanders_within_its_jitter_and_uses_most_of_it() -> None:
    times = ticks(3000, 0.1)
    delays = [left - now for left, now in zip(sent(Lane(PROFILES["mobile"].up), times), times, strict=True) if left]
    assert 0.120 <= min(delays) < 0.130
    assert 0.170 < max(delays) <= 0.180 + 1e-9
    assert 0.145 < sum(delays) / len(delays) < 0.155


def test_a_busy_link_is_not_slower_than_a_quiet_one() -> None:
    path = Path(delay_ms=100, jitter_ms=50)
    times = ticks(20_000, 0.001)  # in order, each packet with a delay of its own, would all take the longest
    delays = [left - now for left, now in zip(sent(Lane(path), times), times, strict=True) if left]
    assert 0.090 < sum(delays) / len(delays) < 0.115


@pytest.mark.parametrize(("loss", "burst"), [(0.02, 1), (0.03, 8), (0.3, 4)])
def test_the_share_of_losses_and_the_length_of_their_bursts_are_those_asked_for(loss: float, burst: float) -> None:
    is_lost = [left is None for left in sent(Lane(Path(loss=loss, burst=burst)), ticks(100_000, 0.001))]
    begun = sum(1 for before, here in zip([False, *is_lost], is_lost, strict=False) if here and not before)
    assert sum(is_lost) / len(is_lost) == pytest.approx(loss, rel=0.15)
    expected = burst if burst > 1 else 1 / (1 - loss)
    assert sum(is_lost) / begun == pytest.approx(expected, rel=0.15)


def test_a_link_that_is_gone_passes_nothing() -> None:
    lane = Lane(PROFILES["gone"].up)
    assert set(sent(lane, ticks(100, 0.1))) == {None}
    assert lane.lost == {"loss": 100}


def test_a_thin_link_takes_its_time_per_byte_and_drops_what_would_wait_too_long() -> None:
    lane = Lane(Path(rate_bps=1_000_000, queue_ms=100))
    leaving = sent(lane, [0.0] * 20, size_bytes=1250)  # 10 ms each
    passed = [left for left in leaving if left is not None]
    assert passed == pytest.approx([0.01 * (index + 1) for index in range(len(passed))])
    assert len(passed) == 11  # the last one waits 100 ms
    assert lane.lost == {"queue": 9}
    assert lane.leaves_at(1250, 5.0) == pytest.approx(5.01)


def test_an_outage_loses_what_comes_in_it_and_spares_what_is_under_way() -> None:
    lane = Lane(Path(delay_ms=40), (Outage(1.0, 1.5),))
    assert sent(lane, [0.99, 1.0, 2.49, 2.5]) == [pytest.approx(1.03), None, None, pytest.approx(2.54)]
    assert lane.lost == {"outage": 2}


def test_an_outage_that_holds_delivers_everything_at_its_end_up_to_what_a_link_can_keep() -> None:
    lane = Lane(Path(delay_ms=40), (Outage(1.0, 1.5, holds=True),))
    assert sent(lane, ticks(14, 0.1, 1.05)) == [pytest.approx(2.54)] * 14
    lane = Lane(Path(), (Outage(1.0, 1.5, holds=True),))
    assert sum(left is not None for left in sent(lane, ticks(1000, 0.001, 1.0), size_bytes=1024)) == 256


def test_a_cut_begins_at_once() -> None:
    lane = Lane(Path())
    lane.cut(Outage(3.0, 1.0))
    assert sent(lane, [2.9, 3.5, 4.0]) == [2.9, None, 4.0]


def test_without_order_later_packets_overtake_and_with_it_none_does() -> None:
    times = ticks(2000, 0.005)
    free = [left for left in sent(Lane(PROFILES["reordering"].up), times) if left]
    assert free != sorted(free)
    kept = [left for left in sent(Lane(Path(delay_ms=60, jitter_ms=50)), times) if left]
    assert kept == sorted(kept)


def test_the_same_seed_gives_the_same_link_and_another_another() -> None:
    times, path = ticks(500, 0.02), PROFILES["mobile"].up
    assert sent(Lane(path, seed=7), times) == sent(Lane(path, seed=7), times)
    assert sent(Lane(path, seed=7), times) != sent(Lane(path, seed=8), times)


def test_packets_under_way_leave_when_due_in_the_order_of_their_times() -> None:
    transit = Transit(Lane(Path(delay_ms=100)))
    assert transit.next_at == math.inf
    transit.put(b"first", 0.0)
    transit.put(b"second", 0.05)
    assert transit.take(0.09) is None
    assert transit.next_at == pytest.approx(0.1)
    assert transit.take(0.2) == (pytest.approx(0.1), b"first")
    assert transit.take(0.2) == (pytest.approx(0.15), b"second")
    assert transit.take(9.0) is None


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_survives_its_way_to_the_relay(name: str) -> None:
    assert Profile.from_json(asdict(PROFILES[name])) == PROFILES[name]


@pytest.mark.parametrize(
    "wrong",
    [
        {"delay_ms": 10, "jitter_ms": 11}, {"jitter_ms": -1}, {"loss": 1.1}, {"loss": -0.1}, {"burst": 0.5},
        {"rate_bps": 0}, {"queue_ms": -1},
    ],
)  # fmt: skip
def test_a_path_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|is a share"):
        Path(**wrong)
