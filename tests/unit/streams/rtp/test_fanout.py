from __future__ import annotations

from itertools import pairwise

from streams.rtp.fanout import Fanout, Retransmission
from tests.unit.streams.rtp.fanout_kit import Bench, Packet


def sequences(packets: list[Packet]) -> list[int]:
    return [packet.sequence for packet in packets]


def grows_by_one(packets: list[Packet]) -> bool:
    return all((after - before) & 0xFFFF == 1 for before, after in pairwise(sequences(packets)))


def test_headers_are_the_receivers_own() -> None:
    bench = Bench()
    first, second = bench.receiver(16, timestamp_offset=1000), bench.receiver(10, timestamp_offset=0xFFFF_FFFF)
    second.payload_type = 102
    bench.fanout.join(first)
    bench.fanout.join(second)
    bench.timer.run_out()
    bench.push(50)
    bench.push(1188, 1188, 30)
    for receiver in (first, second):
        packets = bench.sender.to(receiver)
        assert [packet.payload for packet in packets] == [payload for _, payload in bench.pushed]
        assert [packet.marker for packet in packets] == [True, False, False, True]
        assert {packet.ssrc for packet in packets} == {receiver.ssrc}
        assert {packet.payload_type for packet in packets} == {receiver.payload_type}
        assert {packet.tag for packet in packets} == {receiver.key}
        assert packets[0].sequence == receiver.next_sequence
        assert grows_by_one(packets)
        assert (receiver.packets, receiver.octets) == (4, 50 + 1188 * 2 + 30)
    assert [packet.timestamp for packet in bench.sender.to(first)] == [1000, 4600, 4600, 4600]
    assert [packet.timestamp for packet in bench.sender.to(second)] == [0xFFFF_FFFF, 3599, 3599, 3599]


def test_receivers_who_come_one_after_the_other_are_numbered_alike() -> None:
    bench = Bench()
    first, second = bench.receiver(), bench.receiver()
    bench.fanout.join(first)
    bench.push(50)
    bench.push(60)
    bench.fanout.join(second)
    bench.timer.run_out()
    bench.push(1188, 30)
    early, late = (
        [(packet.sequence, packet.timestamp) for packet in bench.sender.to(each)] for each in (first, second)
    )
    assert early[-2:] == late[-2:]
    assert late[0][0] == 0


def test_the_first_number_is_in_the_lower_half_wherever_the_stream_is() -> None:
    bench = Bench()
    for _ in range(0x8000 // 512 + 1):
        bench.push(*[20] * 512, key=True)
    receiver = bench.receiver()
    bench.fanout.join(receiver)
    bench.timer.run_out()
    assert bench.sender.to(receiver)[0].sequence == 0x8000 & 0x7FFF
    assert grows_by_one(bench.sender.to(receiver))


def test_everybody_gets_their_own_header_however_many_kinds_there_are() -> None:
    bench = Bench()
    receivers = [bench.receiver(next_sequence=100 * number, timestamp_offset=number) for number in range(9)]
    for receiver in receivers:
        bench.fanout.join(receiver)
    bench.push(1188, 30)
    bench.timer.run_out()
    for number, receiver in enumerate(receivers):
        packets = bench.sender.to(receiver)
        assert sequences(packets) == [100 * number, 100 * number + 1]
        assert {(packet.timestamp, packet.ssrc) for packet in packets} == {(number, receiver.ssrc)}


def test_equal_sizes_share_a_send_and_others_do_not() -> None:
    bench = Bench()
    receiver = bench.receiver()
    bench.fanout.join(receiver)
    bench.timer.run_out()
    bench.push(20, 1188, 1188, 1188, 700, 30)
    assert [[len(part) - 28 for part in parts] for parts, _ in bench.sender.runs] == [
        [20],
        [1188, 1188, 1188, 700],
        [30],
    ]


def test_a_large_frame_goes_out_in_passes_with_receivers_interleaved() -> None:
    bench = Bench()
    receivers = [bench.receiver(), bench.receiver()]
    for receiver in receivers:
        bench.fanout.join(receiver)
    bench.timer.run_out()
    bench.push(*[1188] * 40, key=True)
    assert [len(parts) for parts, _ in bench.sender.runs] == [16, 16]
    assert bench.timer.run_out() == 2
    assert [len(parts) for parts, _ in bench.sender.runs] == [16, 16, 16, 16, 8, 8]
    assert [address for _, address in bench.sender.runs[:2]] == [receiver.address for receiver in receivers]
    assert all(grows_by_one(bench.sender.to(receiver)) for receiver in receivers)


def test_frames_stay_in_order_when_the_next_comes_before_the_last_is_out() -> None:
    bench = Bench()
    receiver = bench.receiver()
    bench.fanout.join(receiver)
    bench.timer.run_out()
    bench.push(*[1188] * 40, key=True)
    bench.push(100)
    bench.timer.run_out()
    assert [packet.payload for packet in bench.sender.to(receiver)] == [payload for _, payload in bench.pushed]


def test_a_new_receiver_gets_the_cached_gop_squeezed_and_then_what_comes() -> None:
    bench = Bench()
    bench.push(500, key=True)
    for _ in range(4):
        bench.push(1188, 100)
    receiver = bench.receiver(timestamp_offset=0)
    bench.fanout.join(receiver)
    bench.timer.run_out()
    bench.push(60)
    packets = bench.sender.to(receiver)
    assert [packet.payload for packet in packets] == [payload for _, payload in bench.pushed]
    assert grows_by_one(packets)
    edge = 4 * 3600
    assert [packet.timestamp & 0xFFFF_FFFF for packet in packets if packet.marker] == [
        (edge - 360) & 0xFFFF_FFFF,
        edge - 270,
        edge - 180,
        edge - 90,
        edge,
        edge + 3600,
    ]


def test_catching_up_is_paced_and_loses_nothing_that_comes_meanwhile() -> None:
    bench = Bench()
    old = bench.receiver()
    bench.fanout.join(old)
    bench.timer.run_out()
    bench.push(*[1188] * 50, key=True)
    bench.timer.run_out()
    new = bench.receiver()
    bench.fanout.join(new)
    assert len(bench.sender.to(new)) == 16
    bench.push(*[1188] * 20)  # a large live frame amid the catching up
    bench.timer.turn()
    bench.push(70)
    bench.timer.run_out()
    bench.push(80)
    bench.timer.run_out()
    for receiver in (old, new):
        packets = bench.sender.to(receiver)
        assert [packet.payload for packet in packets] == [payload for _, payload in bench.pushed]
        assert grows_by_one(packets)


def test_a_receiver_without_a_cached_gop_begins_with_the_next_key_frame() -> None:
    bench = Bench()
    bench.push(100, key=False)
    receiver = bench.receiver()
    bench.fanout.join(receiver)
    bench.push(200)
    bench.push(300, key=True)
    bench.push(400)
    bench.timer.run_out()
    assert [len(packet.payload) for packet in bench.sender.to(receiver)] == [300, 400]
    assert bench.sender.to(receiver)[0].sequence == receiver.next_sequence


def test_who_left_gets_nothing_more() -> None:
    bench = Bench()
    stays, leaves, hurries = bench.receiver(), bench.receiver(), bench.receiver()
    bench.push(*[1188] * 40, key=True)
    for receiver in (stays, leaves, hurries):
        bench.fanout.join(receiver)
    bench.fanout.leave(hurries)
    bench.timer.run_out()
    bench.fanout.leave(leaves)
    bench.fanout.leave(leaves)
    bench.push(100)
    bench.timer.run_out()
    assert [len(bench.sender.to(receiver)) for receiver in (stays, leaves, hurries)] == [41, 40, 0]


def test_what_is_sent_again_is_the_same_to_the_bit() -> None:
    bench = Bench()
    bench.push(1188, 300, key=True)
    bench.push(400)
    receiver = bench.receiver()
    bench.fanout.join(receiver)
    bench.timer.run_out()
    bench.push(1188, 500)
    first = bench.sender.to(receiver)
    bench.sender.runs.clear()
    assert bench.fanout.resend(receiver, sequences(first)) == len(first)
    assert bench.sender.to(receiver) == first
    assert receiver.resent == 5


def test_what_was_never_sent_is_not_sent_again() -> None:
    bench = Bench()
    bench.push(100)
    for _ in range(4):
        bench.push(100)
    receiver = bench.receiver()
    bench.fanout.join(receiver, cached=False)
    bench.push(100, key=True)
    bench.timer.run_out()
    sequence = bench.sender.to(receiver)[0].sequence
    wanted = [sequence - 1, sequence + 1, sequence + 30_000]
    assert bench.fanout.resend(receiver, [number & 0xFFFF for number in wanted]) == 0
    assert bench.fanout.resend(receiver, [sequence]) == 1
    for _ in range(55):  # 2.2 s
        bench.push(100)
    assert bench.fanout.resend(receiver, [sequence]) == 0, "too old"
    assert bench.fanout.resend(receiver, [(sequence + 30) & 0xFFFF]) == 1, "1 s old"


def test_what_is_sent_again_may_have_a_stream_of_its_own() -> None:
    bench = Bench()
    receiver = bench.receiver(rtx=Retransmission(ssrc=7, payload_type=97, sequence=0xFFFF))
    bench.fanout.join(receiver)
    bench.push(1188, 300)
    bench.timer.run_out()
    first = bench.sender.to(receiver)
    counted = (receiver.packets, receiver.octets)
    bench.sender.runs.clear()
    assert bench.fanout.resend(receiver, [first[1].sequence, first[0].sequence]) == 2
    again = bench.sender.to(receiver)
    assert [(packet.ssrc, packet.payload_type, packet.sequence) for packet in again] == [(7, 97, 0), (7, 97, 1)]
    originals = [int.from_bytes(packet.payload[:2]) for packet in again]
    assert originals == [first[1].sequence, first[0].sequence]
    assert [packet.payload[2:] for packet in again] == [first[1].payload, first[0].payload]
    assert [(packet.timestamp, packet.marker) for packet in again] == [
        (packet.timestamp, packet.marker) for packet in (first[1], first[0])
    ]
    assert (receiver.packets, receiver.octets, receiver.resent) == (*counted, 2), (
        "sender reports are of the first stream"
    )


def test_drops_and_refusals_are_counted() -> None:
    bench = Bench()
    receiver, broken = bench.receiver(), bench.receiver(key=None)
    bench.fanout.join(receiver)
    bench.fanout.join(broken)
    bench.timer.run_out()
    bench.sender.full = True
    bench.push(1188, 1188, 10)
    assert (receiver.packets, receiver.octets, receiver.dropped) == (0, 0, 3)
    assert bench.fanout.seal_errors == 1


def test_media_time_follows_the_clock_from_the_newest_frame() -> None:
    bench = Bench()
    receiver = bench.receiver(timestamp_offset=100)
    assert bench.fanout.media_time(receiver, 0.0) is None
    bench.push(100)
    bench.push(100)
    assert bench.fanout.media_time(receiver, 1 / 25 + 0.5) == 3600 + 45_000 + 100


def test_a_stream_faster_than_the_pace_is_not_hoarded() -> None:
    bench = Bench()
    receiver = bench.receiver()
    bench.fanout.join(receiver)
    bench.push(10)
    bench.timer.run_out()
    for _ in range(300):
        bench.push(*[1188] * 64)
    waiting = 300 * 64 - len(bench.sender.to(receiver))
    assert waiting <= 512 * 16
    bench.timer.run_out()
    assert [packet.payload for packet in bench.sender.to(receiver)] == [payload for _, payload in bench.pushed]


def test_a_receiver_on_a_slow_link_catches_up_slowly_but_does() -> None:
    bench = Bench()
    bench.push(*[1188] * 90)
    slow = bench.receiver(burst=1)
    bench.fanout.join(slow)
    assert len(bench.sender.to(slow)) == 1
    bench.timer.turn()
    assert len(bench.sender.to(slow)) == 2, "4.8 Mb/s"
    for _ in range(30):
        bench.push(*[1188] * 60)  # far more than that pace
        bench.timer.turn()
    assert bench.timer.run_out() < 600
    assert [packet.payload for packet in bench.sender.to(slow)] == [payload for _, payload in bench.pushed]


def test_a_receiver_on_a_full_link_gets_a_packet_now_and_then() -> None:
    bench = Bench()
    bench.push(*[1188] * 20)
    slow = bench.receiver(burst=1, every=8)
    bench.fanout.join(slow)
    sent = []
    for _ in range(33):
        sent.append(len(bench.sender.to(slow)))
        bench.timer.turn()
    assert sent[::8] == [1, 2, 3, 4, 5]
    assert sent[:8] == [1] * 8, "600 kb/s"
    bench.timer.run_out()
    assert len(bench.sender.to(slow)) == 20


def test_a_receiver_goes_on_in_another_stream_at_a_key_frame_without_a_gap_in_numbers_or_time() -> None:
    main, sub = Bench(), Bench()
    sub.fanout = Fanout(main.sealer, main.sender, main.timer)
    viewer = main.receiver(timestamp_offset=500)
    main.fanout.join(viewer)
    main.push(*[1188] * 40)
    main.timer.run_out()
    sub.fanout.push([b"old"], 7_000_000, is_key=True, arrived_s=0.02)
    sub.fanout.join(viewer, cached=False, on_begin=lambda: main.fanout.part(viewer))
    main.push(*[1188] * 40)  # 16 of it go out at once
    sub.fanout.push([b"no key"], 7_003_600, is_key=False, arrived_s=0.06)
    sub.fanout.push([b"key", b"more"], 7_007_200, is_key=True, arrived_s=0.1)
    main.push(100)
    sub.fanout.push([b"next"], 7_010_800, is_key=False, arrived_s=0.14)
    main.timer.run_out()
    packets = main.sender.to(viewer)
    assert [packet.payload for packet in packets] == [p for _, p in main.pushed[:80]] + [b"key", b"more", b"next"]
    assert grows_by_one(packets)
    times = [packet.timestamp for packet in packets if packet.marker]
    assert times == [500, 500 + 3600, 500 + 9000, 500 + 12_600], "0, 40, 100 and 140 ms"
    assert sub.fanout.media_time(viewer, 0.14) == 500 + 12_600
    assert sub.fanout.resend(viewer, sequences(packets)[-40:]) == 3, "what came from the other stream is history"


def test_a_receiver_that_changes_amid_catching_up_gets_the_frame_it_is_in() -> None:
    main, sub = Bench(), Bench()
    sub.fanout = Fanout(main.sealer, main.sender, main.timer)
    main.push(*[1188] * 40)
    main.push(*[1188] * 40)
    for number in range(30):
        sub.fanout.push([b"s"], number * 3600, is_key=number == 0, arrived_s=0.04)
    viewer = main.receiver(timestamp_offset=500)
    main.fanout.join(viewer)
    sub.fanout.join(viewer, on_begin=lambda: main.fanout.part(viewer))
    main.timer.run_out()
    packets = main.sender.to(viewer)
    assert [packet.payload for packet in packets] == [p for _, p in main.pushed[:40]] + [b"s"] * 30
    assert grows_by_one(packets)
    times = [packet.timestamp for packet in packets if packet.marker]
    assert all(later > sooner for sooner, later in pairwise(times)), "squeezed, but never back"


def test_what_is_discarded_is_never_sent_and_leaves_no_gap() -> None:
    bench = Bench()
    bench.push(*[1188] * 40, key=True)
    bench.timer.run_out()
    old, new = bench.receiver(), bench.receiver()
    bench.fanout.join(old)
    bench.timer.run_out()
    bench.push(*[1188] * 50)  # 16 of it go out at once
    bench.fanout.join(new)
    bench.timer.turn()  # 16 more, and 16 of the 90 that are cached to the new one
    before = {receiver: bench.sender.to(receiver) for receiver in (old, new)}
    assert [len(packets) for packets in before.values()] == [72, 16]
    bench.fanout.discard()
    bench.timer.run_out()
    for receiver, packets in before.items():
        assert bench.sender.to(receiver) == packets
        assert bench.fanout.resend(receiver, sequences(packets)) == 0
        assert bench.fanout.resend(receiver, [(packets[-1].sequence + more) & 0xFFFF for more in range(1, 99)]) == 0
    bench.push(700, 50, key=True)
    late = bench.receiver()
    bench.fanout.join(late)
    bench.timer.run_out()
    for receiver, packets in before.items():
        everything = bench.sender.to(receiver)
        assert [packet.payload for packet in everything[len(packets) :]] == [p for _, p in bench.pushed[-2:]]
        assert grows_by_one(everything)
        assert bench.fanout.resend(receiver, sequences(everything)[-60:]) == 2, "only what was sent since"
        assert bench.sender.to(receiver)[-2:] == everything[-2:]
    assert [packet.payload for packet in bench.sender.to(late)] == [payload for _, payload in bench.pushed[-2:]]


def test_discarding_nothing_changes_nothing() -> None:
    bench = Bench()
    receiver = bench.receiver()
    bench.fanout.discard()
    bench.fanout.join(receiver)
    bench.fanout.discard()
    bench.timer.run_out()
    bench.push(100, key=True)
    bench.fanout.discard()
    bench.push(200, key=True)
    packets = bench.sender.to(receiver)
    assert [len(packet.payload) for packet in packets] == [100, 200]
    assert packets[0].sequence == receiver.next_sequence
    assert grows_by_one(packets)
