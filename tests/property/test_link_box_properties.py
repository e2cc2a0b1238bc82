"""What holds for every link of the link box, whatever its numbers and whatever comes."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.support.link_box_model import Lane, Outage, Path, Transit

PATHS = st.builds(
    lambda delay, jitter, **rest: Path(delay_ms=delay, jitter_ms=min(delay, jitter), **rest),
    delay=st.floats(0, 500),
    jitter=st.floats(0, 200),
    loss=st.floats(0, 1),
    burst=st.floats(1, 20),
    rate_bps=st.none() | st.floats(10_000, 1e9),
    queue_ms=st.floats(0, 500),
    keeps_order=st.booleans(),
)
OUTAGES = st.lists(st.builds(Outage, st.floats(0, 5), st.floats(0, 2), st.booleans()), max_size=3).map(tuple)
PACKETS = st.lists(st.tuples(st.floats(0, 0.5), st.integers(20, 1500)), max_size=80)  # pause before it, bytes


def arrivals(packets: list[tuple[float, int]]) -> list[tuple[float, int]]:
    now, comes = 0.0, []
    for pause_s, size_bytes in packets:
        now += pause_s
        comes.append((now, size_bytes))
    return comes


@given(PATHS, OUTAGES, PACKETS, st.integers(0, 1000))
def test_no_packet_leaves_early_late_in_an_outage_or_uncounted(
    path: Path, outages: tuple[Outage, ...], packets: list[tuple[float, int]], seed: int
) -> None:
    lane = Lane(path, outages, seed)
    leaving = []
    for now, size_bytes in arrivals(packets):
        left_at = lane.leaves_at(size_bytes, now)
        within = [outage for outage in outages if outage.at_s <= now < outage.ends_s]
        if left_at is None:
            continue
        assert all(outage.holds for outage in within)
        begins_at = max([now, *(outage.ends_s for outage in within)])
        assert left_at >= begins_at + (path.delay_ms - path.jitter_ms) / 1000 - 1e-9
        if path.rate_bps is None and not outages:
            assert left_at <= now + (path.delay_ms + path.jitter_ms) / 1000 + 1e-9 or path.keeps_order
        leaving.append(left_at)
    assert lane.passed == len(leaving)
    assert lane.passed + sum(lane.lost.values()) == len(packets)
    if path.keeps_order:
        assert leaving == sorted(leaving)


@given(st.floats(10_000, 1e7), st.floats(0, 500), PACKETS)
def test_a_rate_is_never_exceeded_and_none_waits_longer_than_the_queue(
    rate_bps: float, queue_ms: float, packets: list[tuple[float, int]]
) -> None:
    lane = Lane(Path(rate_bps=rate_bps, queue_ms=queue_ms))
    last_left_at = 0.0
    for now, size_bytes in arrivals(packets):
        left_at = lane.leaves_at(size_bytes, now)
        if left_at is None:
            continue
        takes_s = size_bytes * 8 / rate_bps
        assert left_at - takes_s >= last_left_at - 1e-9  # one packet after the other
        assert left_at - takes_s - now <= queue_ms / 1000 + 1e-9
        last_left_at = left_at


@given(PATHS, OUTAGES, PACKETS, st.integers(0, 1000))
def test_the_same_link_does_the_same_again_and_every_packet_leaves_once(
    path: Path, outages: tuple[Outage, ...], packets: list[tuple[float, int]], seed: int
) -> None:
    runs = []
    for _ in range(2):
        transit = Transit(Lane(path, outages, seed))
        for index, (now, size_bytes) in enumerate(arrivals(packets)):
            transit.put(index.to_bytes(2, "big") + bytes(size_bytes - 2), now)
        taken = []
        while (each := transit.take(1e9)) is not None:
            taken.append(each)
        assert [at for at, _ in taken] == sorted(at for at, _ in taken)
        assert all(count == 1 for count in Counter(packet for _, packet in taken).values())
        assert len(taken) == transit.lane.passed
        runs.append(taken)
    assert runs[0] == runs[1]
