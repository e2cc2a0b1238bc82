from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.rtp.fanout import Receiver
from tests.unit.streams.rtp.fanout_kit import Bench

SIZES = st.lists(st.sampled_from([20, 700, 1188]), min_size=1, max_size=40)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), SIZES),
        st.tuples(st.just("key"), SIZES),
        st.tuples(st.just("join"), st.sampled_from([10, 16])),
        st.tuples(st.just("turn"), st.just(0)),
    ),
    max_size=25,
)


@given(STEPS)
def test_every_receiver_gets_a_gapless_end_of_the_stream_whatever_the_order(steps: list[tuple[str, object]]) -> None:
    bench = Bench()
    joined: list[tuple[Receiver, int]] = []
    keys: list[int] = []
    for kind, value in steps:
        if kind == "join":
            assert isinstance(value, int)
            receiver = bench.receiver(value)
            # It begins with the newest key frame, or with the next one when there is none.
            joined.append((receiver, len(keys) - 1 if keys else 0))
            bench.fanout.join(receiver)
        elif kind == "turn":
            bench.timer.turn()
        else:
            assert isinstance(value, list)
            if kind == "key":
                keys.append(len(bench.pushed))
            bench.push(*value, key=kind == "key")
    bench.timer.run_out()
    for receiver, key in joined:
        start = keys[key] if key < len(keys) else len(bench.pushed)
        packets = bench.sender.to(receiver)
        assert [packet.payload for packet in packets] == [payload for _, payload in bench.pushed[start:]]
        expected = [(receiver.next_sequence + number) & 0xFFFF for number in range(len(packets))]
        assert [packet.sequence for packet in packets] == expected
        times = [(packet.timestamp - receiver.timestamp_offset + 90_000) & 0xFFFF_FFFF for packet in packets]
        assert times == sorted(times)
