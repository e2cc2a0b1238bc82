from __future__ import annotations

import pytest

from streams.rtp.frames import AccessUnit
from streams.rtp.h265 import H265, Depacketiser, packetise, profile_tier_level
from streams.rtp.nal import ParameterSets
from streams.rtp.packet import RtpPacket

# Of x265, 160x96.
VPS = bytes.fromhex("40010c01ffff01600000030090000003000003001eba0240")
SPS = bytes.fromhex("42010101600000030090000003000003001ea014206165ba4a4c2e6808000003000800000300c840")
PPS = bytes.fromhex("4401c0718312")
AUD = b"\x46\x01\x50"
SEI = b"\x4e\x01\x05\x01\x00\x80"
IDR = b"\x28\x01\xaf" + b"i" * 30
CRA = b"\x2a\x01\xaf" + b"c" * 30
P = b"\x02\x01\xd0" + b"p" * 10


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
    for index, nals in enumerate([[VPS, SPS, PPS, IDR], [P], [P], [VPS, SPS, PPS, SEI, CRA]]):
        packets += sender.packets(packetise(nals, 16), index * 3600)
    units = feed(depacketiser, packets)
    assert [unit.nals for unit in units] == [(VPS, SPS, PPS, IDR), (P,), (P,), (VPS, SPS, PPS, SEI, CRA)]
    assert [unit.is_key for unit in units] == [True, False, False, True]
    assert [unit.timestamp for unit in units] == [0, 3600, 7200, 10800]
    assert {unit.codec for unit in units} == {"H265"}
    assert depacketiser.losses == 0


def test_small_units_share_an_aggregate_and_large_ones_are_cut_in_equal_parts() -> None:
    payloads = packetise([AUD, VPS, SPS, PPS, SEI, b"\x28\x01\xaf" + b"x" * 5000])
    assert payloads[0][:2] == b"\x60\x01"  # type 48, layer 0, temporal id 1
    assert [payload[:3] for payload in payloads[1:3]] == [b"\x62\x01\x94", b"\x62\x01\x14"]  # type 49; start, IDR_N_LP
    assert payloads[-1][:3] == b"\x62\x01\x54"
    assert [len(payload) for payload in payloads[1:]] == [1188, 1188, 1188, 1188, 5001 - 4 * 1185 + 3]
    assert packetise([P]) == [P]
    assert packetise([b"", b"\x02"]) == []


def test_an_aggregate_carries_the_lowest_layer_and_temporal_id_and_any_f() -> None:
    first, second = bytes((0x4E, 0x0B)) + b"a", bytes((0x4F | 0x80, 0x02)) + b"b"  # layers 1 and 32, ids 3 and 2
    (aggregate,) = packetise([first, second])
    assert aggregate[:2] == bytes((0x80 | 48 << 1, 1 << 3 | 2))


def test_a_picture_of_type_0_is_a_picture() -> None:
    sender, depacketiser = Sender(), Depacketiser([VPS, SPS, PPS])
    trail_n = b"\x00\x01\xd0" + b"n" * 10
    units = feed(depacketiser, sender.packets([IDR], 0) + sender.packets([trail_n], 3600))
    assert [unit.nals[-1] for unit in units] == [IDR, trail_n]


def test_a_key_unit_without_parameter_sets_gets_the_known_ones_behind_its_delimiter() -> None:
    sender, depacketiser = Sender(), Depacketiser([PPS, SPS, VPS])
    units = feed(depacketiser, sender.packets([AUD, SEI, IDR], 0))
    assert units[0].nals == (AUD, VPS, SPS, PPS, SEI, IDR)


def test_a_key_unit_whose_vps_nobody_knows_cannot_be_decoded() -> None:
    sender, depacketiser = Sender(), Depacketiser([SPS, PPS])
    assert feed(depacketiser, sender.packets([IDR], 0)) == []


def test_only_the_first_part_of_a_picture_whose_every_slice_is_marked_is_key() -> None:
    sender, depacketiser = Sender(), Depacketiser([VPS, SPS, PPS])
    second_slice = b"\x28\x01\x60" + b"s" * 10
    units = feed(depacketiser, sender.packets([IDR], 0) + sender.packets([second_slice], 0))
    assert [unit.is_key for unit in units] == [True, False]


def test_after_a_loss_everything_up_to_the_next_key_unit_is_dropped_and_the_place_is_known() -> None:
    sender, depacketiser = Sender(), Depacketiser([VPS, SPS, PPS])
    packets = sender.packets(packetise([IDR], 16), 0) + sender.packets([P], 1) + sender.packets(packetise([P], 8), 2)
    packets += sender.packets([P], 3) + sender.packets([CRA], 4)
    lost = packets.pop(5)
    assert [unit.timestamp for unit in feed(depacketiser, packets)] == [0, 1, 4]
    assert depacketiser.losses == 1
    assert depacketiser.loss == f"sequence {lost.sequence + 1 & 0xFFFF}: 1 packets are missing before it"


def test_joining_amid_a_fragmented_key_unit_waits_for_the_next_one() -> None:
    sender, depacketiser = Sender(), Depacketiser([VPS, SPS, PPS])
    packets = sender.packets(packetise([IDR], 16), 0)[1:] + sender.packets([P], 1) + sender.packets([IDR], 2)
    assert [unit.timestamp for unit in feed(depacketiser, packets)] == [2]


def test_a_byte_stream_with_start_codes_in_one_payload_is_taken_apart() -> None:
    sender, depacketiser = Sender(), Depacketiser()
    payload = VPS + b"\0\0\0\1" + SPS + b"\0\0\1" + PPS + b"\0\0\1" + IDR
    assert feed(depacketiser, sender.packets([payload], 0))[0].nals == (VPS, SPS, PPS, IDR)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"\x64\x01\0\0", "no H265 payload of type 50 can come here"),
        (b"\x02", "no H265 payload of type -1 can come here"),
        (b"\x60\x01\xff\xff\x41", "the aggregate's unit at offset 2 is longer than the packet"),
        (b"\x62\x01\x01\x00", "a fragment without its beginning"),
    ],
)
def test_payloads_that_cannot_be_break_the_unit_and_are_named(payload: bytes, why: str) -> None:
    sender, depacketiser = Sender(), Depacketiser([VPS, SPS, PPS])
    packets = sender.packets([IDR], 0) + sender.packets([payload, P], 1) + sender.packets([P], 2)
    assert [unit.timestamp for unit in feed(depacketiser, packets)] == [0]
    assert depacketiser.loss == f"sequence 65531: {why}"


def test_a_unit_above_the_limit_is_dropped_and_its_memory_given_back() -> None:
    sender, depacketiser = Sender(), Depacketiser([VPS, SPS, PPS], max_unit_bytes=1000)
    for payload in packetise([b"\x28\x01\xaf" + b"x" * 5000], 100):
        depacketiser.push(sender.packets([payload], 0, marker=False)[0])
        assert depacketiser._size <= 1000
    assert feed(depacketiser, sender.packets([IDR], 1))[0].timestamp == 1
    assert (depacketiser.losses, depacketiser.dropped) == (1, 1)


def test_parameter_sets_are_told_apart_by_their_ids_behind_sub_layers_too() -> None:
    one_sub_layer, its_profile_and_level_follow = b"\x03", b"\xc0\x00"
    level = b"\x11" * 12
    sub_layers = SPS[:2] + one_sub_layer + level + its_profile_and_level_follow + level + b"\x40rest"
    assert H265.set_id(SPS) == 0
    assert H265.set_id(sub_layers) == 1
    second_vps = VPS[:2] + bytes([0x1C]) + VPS[3:]
    assert H265.set_id(second_vps) == 1
    sets = ParameterSets([PPS, sub_layers, SPS, second_vps, VPS], H265)
    assert sets.ordered() == (VPS, second_vps, SPS, sub_layers, PPS)


def test_profile_tier_and_level_are_read_from_the_sps() -> None:
    assert profile_tier_level(SPS) == (1, 0, 30)
    assert profile_tier_level(SPS[:8]) is None
