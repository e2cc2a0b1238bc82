from __future__ import annotations

from streams.rtp.packet import pack_header
from streams.rtp.reorder import ReorderBuffer


def packet(sequence: int, ssrc: int = 7) -> bytes:
    return pack_header(96, False, sequence, 0, ssrc) + b"x"


def sequences(packets: list[bytes]) -> list[int]:
    return [int.from_bytes(each[2:4], "big") for each in packets]


def run(buffer: ReorderBuffer, *numbers: int, now_s: float = 0.0) -> list[int]:
    return [found for number in numbers for found in sequences(buffer.push(packet(number), now_s))]


def test_packets_in_order_pass_at_once_over_the_wrap() -> None:
    buffer = ReorderBuffer()
    assert [run(buffer, number & 0xFFFF) for number in range(65534, 65539)] == [[65534], [65535], [0], [1], [2]]
    assert (len(buffer), buffer.late, buffer.given_up, buffer.due_s) == (0, 0, 0, None)


def test_what_comes_out_of_order_is_put_back() -> None:
    assert run(ReorderBuffer(), 65534, 1, 0, 65535, 3, 2) == [65534, 65535, 0, 1, 2, 3]


def test_a_missing_packet_is_waited_for_and_then_given_up() -> None:
    buffer = ReorderBuffer(max_s=0.1)
    assert run(buffer, 1, 3, 4, now_s=5.0) == [1]
    assert buffer.due_s == 5.1
    assert buffer.expire(5.05) == []
    assert sequences(buffer.expire(5.1)) == [3, 4]
    assert (buffer.given_up, len(buffer)) == (1, 0)
    assert run(buffer, 2, now_s=5.2) == []
    assert buffer.late == 1


def test_another_packet_ends_the_wait_too() -> None:
    buffer = ReorderBuffer(max_s=0.1)
    run(buffer, 1, 3, now_s=5.0)
    assert run(buffer, 5, now_s=5.2) == [3]  # 5 waits for 4 now
    assert run(buffer, 4, now_s=5.21) == [4, 5]


def test_no_more_than_so_many_packets_wait() -> None:
    buffer = ReorderBuffer(max_packets=4)
    assert run(buffer, 1, 3, 4, 5, 6) == [1]
    assert run(buffer, 7) == [3, 4, 5, 6, 7]


def test_a_packet_that_comes_twice_is_given_out_once() -> None:
    buffer = ReorderBuffer()
    assert run(buffer, 1, 1, 3, 3, 2, 3) == [1, 2, 3]
    assert buffer.late == 3


def test_a_sender_that_begins_anew_is_followed_from_its_second_packet_on() -> None:
    buffer = ReorderBuffer()
    assert run(buffer, 1, 3) == [1]
    assert sequences(buffer.push(packet(40000, 8), 0.0)) == []
    assert sequences(buffer.push(packet(40001, 8), 0.0)) == [3, 40000, 40001]
    assert sequences(buffer.push(packet(40002, 8), 0.0)) == [40002]


def test_numbers_far_away_are_a_new_beginning_with_the_same_ssrc_too() -> None:
    assert run(ReorderBuffer(), 1, 30000, 30001, 30002) == [1, 30000, 30001, 30002]


def test_a_stray_packet_disturbs_nothing() -> None:
    buffer = ReorderBuffer()
    assert run(buffer, 1, 30000, 2, 30001, 3) == [1, 2, 3]
    assert sequences(buffer.push(packet(4, 99), 0.0)) == []
    assert run(buffer, 4) == [4]


def test_what_is_no_rtp_goes_to_the_receiver() -> None:
    buffer = ReorderBuffer()
    run(buffer, 1, 3)
    assert buffer.push(b"", 0.0) == [b""]
    assert buffer.push(b"\0" * 20, 0.0) == [b"\0" * 20]
    assert len(buffer) == 1
