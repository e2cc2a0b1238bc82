from __future__ import annotations

import pytest

from streams.rtp.frames import AccessUnit
from streams.rtp.h264 import Depacketiser, packetise
from streams.rtp.nal import ParameterSets, split_annex_b
from streams.rtp.packet import RtpPacket

SPS = bytes.fromhex("6742c00bda02806f")
PPS = bytes.fromhex("68ce3c80")
SEI = b"\x06\x05\x01\x00\x80"
AUD = b"\x09\xf0"
IDR = b"\x65\x88" + b"i" * 30
P = b"\x41\x9a" + b"p" * 10


class Sender:
    """Numbers payloads as a camera does."""

    def __init__(self) -> None:
        self.sequence = 65530

    def packets(self, payloads: list[bytes], timestamp: int, *, marker: bool = True) -> list[RtpPacket]:
        packets = []
        for index, payload in enumerate(payloads):
            is_last = marker and index == len(payloads) - 1
            packets.append(RtpPacket(96, is_last, self.sequence & 0xFFFF, timestamp, 1, payload))
            self.sequence += 1
        return packets


def feed(depacketiser: Depacketiser, packets: list[RtpPacket]) -> list[AccessUnit]:
    return [unit for packet in packets for unit in depacketiser.push(packet)]


def test_a_stream_of_key_and_other_units_comes_out_whole() -> None:
    sender, depacketiser = Sender(), Depacketiser()
    packets = []
    for index, nals in enumerate([[SPS, PPS, IDR], [P], [P], [SPS, PPS, SEI, IDR]]):
        packets += sender.packets(packetise(nals, 16), index * 3600)
    units = feed(depacketiser, packets)
    assert [unit.nals for unit in units] == [(SPS, PPS, IDR), (P,), (P,), (SPS, PPS, SEI, IDR)]
    assert [unit.is_key for unit in units] == [True, False, False, True]
    assert [unit.timestamp for unit in units] == [0, 3600, 7200, 10800]
    assert depacketiser.losses == 0


def test_nothing_comes_before_the_first_key_unit() -> None:
    sender, depacketiser = Sender(), Depacketiser([SPS, PPS])
    packets = sender.packets([P], 0) + sender.packets([IDR], 3600) + sender.packets([P], 7200)
    assert [unit.timestamp for unit in feed(depacketiser, packets)] == [3600, 7200]
    assert depacketiser.dropped == 1


def test_joining_amid_a_fragmented_key_unit_waits_for_the_next_one() -> None:
    sender, depacketiser = Sender(), Depacketiser([SPS, PPS])
    packets = sender.packets(packetise([IDR], 16), 0)[1:] + sender.packets([P], 1) + sender.packets([IDR], 2)
    assert [unit.timestamp for unit in feed(depacketiser, packets)] == [2]


def test_a_key_unit_without_parameter_sets_gets_the_known_ones_behind_its_delimiter() -> None:
    sender, depacketiser = Sender(), Depacketiser([PPS, SPS])
    units = feed(depacketiser, sender.packets([AUD, SEI, IDR], 0))
    assert units[0].nals == (AUD, SPS, PPS, SEI, IDR)


def test_parameter_sets_with_a_timestamp_of_their_own_are_remembered() -> None:
    sender, depacketiser = Sender(), Depacketiser()
    packets = sender.packets([SPS], 0) + sender.packets([PPS], 0) + sender.packets([IDR], 3600)
    assert [unit.nals for unit in feed(depacketiser, packets)] == [(SPS, PPS, IDR)]


def test_a_new_sps_of_the_same_id_replaces_the_old_one() -> None:
    other = bytes.fromhex("67640028ac2b4028")
    sets = ParameterSets([SPS, PPS, other])
    assert sets.ordered() == (other, PPS)
    assert ParameterSets([SPS]).ordered() == ()


def test_a_key_unit_without_any_known_parameter_sets_cannot_be_decoded_and_is_dropped() -> None:
    sender, depacketiser = Sender(), Depacketiser()
    assert feed(depacketiser, sender.packets([IDR], 0) + sender.packets([P], 1)) == []


def test_a_changed_timestamp_ends_a_unit_whose_marker_is_missing() -> None:
    sender, depacketiser = Sender(), Depacketiser([SPS, PPS])
    packets = sender.packets([IDR], 0, marker=False) + sender.packets([P], 3600)
    units = feed(depacketiser, packets)
    assert [(unit.timestamp, unit.is_key) for unit in units] == [(0, True), (3600, False)]


def test_marks_on_parameter_sets_do_not_tear_a_unit_apart() -> None:
    sender, depacketiser = Sender(), Depacketiser()
    packets = sender.packets([SPS], 0) + sender.packets([PPS], 0) + sender.packets([IDR], 0)
    assert [unit.nals for unit in feed(depacketiser, packets)] == [(SPS, PPS, IDR)]


def test_only_the_first_part_of_a_picture_whose_every_slice_is_marked_is_key() -> None:
    sender, depacketiser = Sender(), Depacketiser([SPS, PPS])
    second_slice = b"\x65\x40" + b"s" * 10
    units = feed(depacketiser, sender.packets([IDR], 0) + sender.packets([second_slice], 0))
    assert [unit.is_key for unit in units] == [True, False]


@pytest.mark.parametrize("lost", range(1, 6))
def test_after_a_loss_everything_up_to_the_next_key_unit_is_dropped(lost: int) -> None:
    sender, depacketiser = Sender(), Depacketiser()
    packets = sender.packets(packetise([SPS, PPS, IDR], 16), 0)
    first = len(packets)
    for timestamp in (1, 2, 3):
        packets += sender.packets(packetise([P], 8), timestamp)
    packets += sender.packets(packetise([SPS, PPS, IDR], 16), 4) + sender.packets([P], 5)
    del packets[first + lost]
    assert [unit.timestamp for unit in feed(depacketiser, packets)] in ([0, 4, 5], [0, 1, 4, 5], [0, 1, 2, 4, 5])
    assert depacketiser.losses == 1


def test_a_key_unit_right_after_a_loss_is_taken() -> None:
    sender, depacketiser = Sender(), Depacketiser([SPS, PPS])
    packets = sender.packets([IDR], 0) + sender.packets([P], 1) + sender.packets([IDR], 2)
    del packets[1]
    assert [unit.timestamp for unit in feed(depacketiser, packets)] == [0, 2]


def test_a_key_unit_whose_first_slice_was_lost_is_not_taken() -> None:
    sender, depacketiser = Sender(), Depacketiser([SPS, PPS])
    packets = sender.packets([IDR], 0) + sender.packets([IDR, b"\x65\x40rest"], 1) + sender.packets([IDR], 2)
    del packets[1]
    assert [unit.timestamp for unit in feed(depacketiser, packets)] == [0, 2]


def test_a_unit_whose_first_slice_was_lost_is_not_key_because_an_idr_slice_follows() -> None:
    depacketiser = Depacketiser([SPS, PPS])
    packets = [RtpPacket(96, False, 0, 0, 1, b""), RtpPacket(96, False, 34, 1, 1, b"\x01")]
    packets += [RtpPacket(96, True, 35, 1, 1, IDR), RtpPacket(96, True, 36, 2, 1, IDR)]
    assert [unit.timestamp for unit in feed(depacketiser, packets)] == [2]
    assert depacketiser.dropped == 1


def test_late_and_doubled_packets_are_ignored() -> None:
    sender, depacketiser = Sender(), Depacketiser([SPS, PPS])
    packets = sender.packets([IDR], 0) + sender.packets([P], 1) + sender.packets([P], 2)
    units = feed(depacketiser, [*packets[:2], packets[1], packets[0], packets[2]])
    assert [unit.timestamp for unit in units] == [0, 1, 2]
    assert depacketiser.losses == 0


def test_a_unit_above_the_limit_is_dropped_and_its_memory_given_back() -> None:
    sender, depacketiser = Sender(), Depacketiser([SPS, PPS], max_unit_bytes=1000)
    for payload in packetise([b"\x65\x88" + b"x" * 5000], 100):
        depacketiser.push(sender.packets([payload], 0, marker=False)[0])
        assert depacketiser._size <= 1000
    assert feed(depacketiser, sender.packets([IDR], 1))[0].timestamp == 1
    assert (depacketiser.losses, depacketiser.dropped) == (1, 1)


def test_a_byte_stream_with_start_codes_in_one_payload_is_taken_apart() -> None:
    sender, depacketiser = Sender(), Depacketiser()
    payload = SPS + b"\0\0\0\1" + PPS + b"\0\0\1" + IDR
    assert feed(depacketiser, sender.packets([payload], 0))[0].nals == (SPS, PPS, IDR)


def test_a_fragment_without_an_end_bit_ends_with_the_marker() -> None:
    sender, depacketiser = Sender(), Depacketiser([SPS, PPS])
    payloads = packetise([IDR], 20)
    payloads[-1] = bytes([payloads[-1][0], payloads[-1][1] & ~0x40]) + payloads[-1][2:]
    assert feed(depacketiser, sender.packets(payloads, 0))[0].nals[-1] == IDR


@pytest.mark.parametrize("payload", [b"\x19\0\0\0", b"\x1a\0\0", b"\x1d\x85\0\0x", b"\x18\xff\xff\x41"])
def test_payloads_that_nobody_negotiates_or_that_are_cut_break_the_unit(payload: bytes) -> None:
    sender, depacketiser = Sender(), Depacketiser([SPS, PPS])
    packets = sender.packets([IDR], 0) + sender.packets([payload, P], 1) + sender.packets([P], 2)
    assert [unit.timestamp for unit in feed(depacketiser, packets)] == [0]
    assert depacketiser.losses == 1


def test_a_restart_waits_for_a_key_unit_and_time_goes_on() -> None:
    depacketiser = Depacketiser([SPS, PPS])
    depacketiser.push(RtpPacket(96, True, 1, 1000, 1, IDR), 5.0)
    depacketiser.restart()
    assert depacketiser.push(RtpPacket(96, True, 9, 77, 2, P), 5.5) == ()
    (unit,) = depacketiser.push(RtpPacket(96, True, 10, 78, 2, IDR), 6.0)
    assert unit.timestamp == 1000 + 90_000


def test_fragments_have_equal_size_but_for_the_tail_and_small_units_share_a_payload() -> None:
    payloads = packetise([AUD, SPS, PPS, SEI, b"\x65\x88" + b"x" * 5000])
    assert payloads[0][0] & 0x1F == 24
    assert [len(payload) for payload in payloads[1:]] == [1188, 1188, 1188, 1188, 5001 - 4 * 1186 + 2]
    assert packetise([P]) == [P]
    assert packetise([SPS]) == [SPS]
    assert packetise([]) == []


def test_a_byte_stream_is_split_at_both_kinds_of_start_code() -> None:
    assert split_annex_b(b"\0\0\0\1" + SPS + b"\0\0\1" + PPS + b"\0\0\0\1" + IDR + b"\0\0") == [SPS, PPS, IDR]
    assert split_annex_b(b"no start code") == []
