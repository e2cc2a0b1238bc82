"""The reorder buffer: whatever comes, packets go out in order, once, and not many wait."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.rtp.packet import pack_header
from streams.rtp.reorder import ReorderBuffer


def packet(sequence: int, ssrc: int = 7) -> bytes:
    return pack_header(96, False, sequence, 0, ssrc)


def number_of(data: bytes) -> int:
    return int.from_bytes(data[2:4], "big")


@settings(deadline=None)
@given(
    st.integers(0, 65535),
    st.integers(1, 300),
    st.integers(0, 20),
    st.sets(st.integers(1, 299), max_size=30),
    st.randoms(use_true_random=False),
)
def test_all_that_comes_within_the_window_goes_out_once_and_in_order(
    start: int, count: int, reach: int, lost: set[int], chance: random.Random
) -> None:
    sent = [index for index in range(count) if index not in lost]
    # The first stays the first: with it the numbering begins. The others are late by up to `reach` places.
    shuffled = [0, *sorted(sent[1:], key=lambda index: index + chance.uniform(0, reach))]
    buffer, received = ReorderBuffer(max_packets=64, max_s=1.0), []
    for place, index in enumerate(shuffled):
        received += buffer.push(packet((start + index) & 0xFFFF), place / 10_000)
        if chance.random() < 0.05:
            received += buffer.push(packet((start + index) & 0xFFFF), place / 10_000)
    received += buffer.expire(10.0)
    assert [number_of(data) for data in received] == [(start + index) & 0xFFFF for index in sent]
    assert len(buffer) == 0


step = st.tuples(
    st.one_of(st.integers(0, 65535), st.integers(0, 300)),
    st.sampled_from([1, 1, 1, 2]),
    st.floats(0, 0.2),
    st.booleans(),
)


@settings(deadline=None)
@given(st.lists(step, max_size=200), st.integers(1, 16))
def test_any_packets_at_any_time_never_pile_up_and_never_go_out_twice_in_a_row(
    steps: list[tuple[int, int, float, bool]], max_packets: int
) -> None:
    buffer, now_s = ReorderBuffer(max_packets=max_packets, max_s=0.1), 0.0
    given_in = given_out = 0
    for sequence, ssrc, passed_s, is_timer in steps:
        now_s += passed_s
        out = buffer.expire(now_s) if is_timer else buffer.push(packet(sequence, ssrc), now_s)
        given_in += not is_timer
        given_out += len(out)
        assert len(buffer) <= max_packets
        assert buffer.due_s is None or now_s < buffer.due_s <= now_s + 0.1
    assert given_out + len(buffer) + buffer.late <= given_in


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=50))
def test_any_bytes_are_taken(datagrams: list[bytes]) -> None:
    buffer = ReorderBuffer(max_packets=4)
    for data in datagrams:
        buffer.push(data, 0.0)
        buffer.push(b"\x80" + data, 0.0)
        assert len(buffer) <= 4
