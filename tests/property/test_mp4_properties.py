"""Fragments of any units parse back to what was put in; clocks bear any times; outboxes keep their bounds."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from streams.feed_relay import Outbox
from streams.mp4 import DecodeClock, Muxer, Piece
from streams.rtp.frames import AccessUnit
from streams.rtp.sps import SpsError, read_sps
from tests.system.media_scene import encoded_loop

SETS = tuple(nal for nal in encoded_loop()[0] if nal[0] & 0x1F in (7, 8))
slices = st.lists(st.binary(min_size=1, max_size=60).map(lambda data: b"\x41" + data), min_size=1, max_size=4)
steps = st.integers(-200_000, 500_000)


def boxes(data: bytes, begin: int = 0) -> Iterator[tuple[bytes, bytes]]:
    while begin < len(data):
        size, kind = struct.unpack_from(">I4s", data, begin)
        assert 8 <= size <= len(data) - begin
        yield kind, data[begin + 8 : begin + size]
        begin += size


def parsed(data: bytes) -> tuple[int, int, int, int, bytes]:
    """Decode time, composition offset, duration, flags and sample of a fragment, through its own offsets."""
    (moof, movie), (mdat, sample) = boxes(data)
    assert (moof, mdat) == (b"moof", b"mdat")
    inner = dict(boxes(dict(boxes(movie))[b"traf"]))
    (at,) = struct.unpack_from(">Q", inner[b"tfdt"], 4)
    _, count, start, duration, size, flags, offset = struct.unpack(">IIiIIIi", inner[b"trun"])
    assert (count, size) == (1, len(sample))
    assert data[start : start + size] == sample
    return at, offset, duration, flags, sample


def nals(sample: bytes) -> list[bytes]:
    found = []
    while sample:
        (size,) = struct.unpack_from(">I", sample)
        found.append(sample[4 : 4 + size])
        sample = sample[4 + size :]
    return found


@given(st.lists(st.tuples(slices, steps, st.booleans()), min_size=1, max_size=20), st.integers(-(2**33), 2**33))
def test_any_units_parse_back(shapes: list[tuple[list[bytes], int, bool]], start: int) -> None:
    muxer, time, last = Muxer(), start, -1
    for number, (content, step, is_key) in enumerate(shapes):
        key = is_key or number == 0
        unit = AccessUnit((SETS if key else ()) + tuple(content), time, key)
        made = list(muxer.push("H264", unit))
        assert [piece.is_init for piece in made] == [True] * (number == 0) + [False]
        at, offset, duration, flags, sample = parsed(made[-1].data)
        assert nals(sample) == content
        assert at > last
        assert at + offset >= 0
        assert 0 < duration <= 90_000
        assert (flags & 0x0001_0000 == 0) is key is made[-1].is_key
        last, time = at, time + step


@given(st.lists(steps, min_size=1, max_size=60))
def test_no_gap_is_longer_than_players_bear(walk: list[int]) -> None:
    clock, time = DecodeClock(), 0
    last, _, allowed = clock.at(time)
    for step in walk:
        time += step
        at, _, duration = clock.at(time)
        assert last < at <= last + 2 * allowed
        last, allowed = at, duration


@given(st.binary(max_size=80))
def test_any_bytes_are_an_sps_or_are_refused(data: bytes) -> None:
    try:
        sps = read_sps(b"\x67" + data)
    except SpsError:
        return
    assert 0 < sps.width <= 16_384
    assert 0 < sps.height <= 16_384


actions = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.sampled_from(["init", "key", "delta"]), st.integers(1, 60)),
        st.tuples(st.just("pop"), st.none(), st.integers(1, 5)),
        st.tuples(st.just("wait"), st.none(), st.integers(0, 3)),
        st.tuples(st.just("clear"), st.none(), st.none()),
    ),
    max_size=80,
)


@given(actions)
def test_an_outbox_keeps_its_bounds_and_never_sends_what_cannot_be_decoded(walk: list[tuple[str, str, int]]) -> None:
    outbox, now_s, number = Outbox(max_bytes=150, max_lag_s=2.0), 0.0, 0
    order: dict[bytes, int] = {}
    last = -1
    needs_key = True
    for what, kind, amount in walk:
        if what == "wait":
            now_s += amount
        elif what == "clear":
            outbox.clear()
            needs_key = True
        elif what == "push":
            data = number.to_bytes(4, "big") + bytes(amount)
            order[data] = number
            number += 1
            outbox.push(Piece(data, kind == "key", "avc1" if kind == "init" else None), now_s)
            largest_init = 64
            assert outbox.size <= 150 + largest_init
        else:
            for _ in range(amount):
                piece = outbox.pop()
                if piece is None:
                    break
                assert order[piece.data] > last
                follows = order[piece.data] == last + 1
                if piece.is_init:
                    needs_key = True
                else:
                    assert piece.is_key or (follows and not needs_key)
                    needs_key = False
                last = order[piece.data]
