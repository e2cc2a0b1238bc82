"""What viewers' RTCP says, read as aiortc writes it, and whatever else may come."""

from __future__ import annotations

import struct

import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    pack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from streams.webrtc.feedback import Estimate, KeyWanted, Lost, Reported, read_feedback

OURS = 77
words = st.integers(0, 0xFFFF_FFFF)
blocks = st.builds(
    RtcpReceiverInfo,
    ssrc=st.sampled_from([OURS, 78]),
    fraction_lost=st.integers(0, 255),
    packets_lost=st.integers(-(1 << 23), (1 << 23) - 1),
    highest_sequence=words,
    jitter=words,
    lsr=words,
    dlsr=words,
)


@given(st.lists(blocks, max_size=4), st.booleans())
def test_reports_are_those_on_our_stream(reports: list[RtcpReceiverInfo], from_sender: bool) -> None:
    sender = RtcpSenderInfo(ntp_timestamp=1, rtp_timestamp=2, packet_count=3, octet_count=4)
    report = RtcpSrPacket(5, sender, reports) if from_sender else RtcpRrPacket(5, reports)
    name = RtcpSdesPacket([RtcpSourceInfo(5, [(1, b"name")])])
    found = read_feedback(bytes(report) + bytes(name) + bytes(RtcpByePacket([5])), OURS, 0)
    expected = [block for block in reports if block.ssrc == OURS]
    assert [type(item) for item in found] == [Reported] * len(expected)
    for item, block in zip(found, expected, strict=True):
        assert isinstance(item, Reported)
        assert (item.loss, item.lost) == (block.fraction_lost / 256, block.packets_lost)
        assert (item.highest, item.last_sr) == (block.highest_sequence, block.lsr)
        assert (item.rtt_s is None) is (block.lsr == 0)


@given(st.sets(st.integers(0, 0xFFFF), min_size=1, max_size=40), st.sampled_from([OURS, 78]))
def test_losses_are_those_of_our_stream(lost: set[int], about: int) -> None:
    packet = RtcpRtpfbPacket(1, ssrc=5, media_ssrc=about, lost=sorted(lost))
    found = read_feedback(bytes(packet), OURS, 0)
    assert [set(item.sequences) for item in found if isinstance(item, Lost)] == ([lost] if about == OURS else [])


@given(st.integers(0, 1 << 40))
def test_an_estimate_is_as_near_as_its_18_bits_are(bits_per_s: int) -> None:
    packet = RtcpPsfbPacket(15, ssrc=5, media_ssrc=0, fci=pack_remb_fci(bits_per_s, [OURS]))
    (found,) = read_feedback(bytes(packet), OURS, 0)
    assert isinstance(found, Estimate)
    assert 0 <= bits_per_s - found.bits_per_s <= bits_per_s / (1 << 17)


@pytest.mark.parametrize("kind", [1, 4])
def test_a_picture_loss_and_a_full_intra_request_want_a_key_picture(kind: int) -> None:
    packet = RtcpPsfbPacket(kind, ssrc=5, media_ssrc=OURS, fci=b"" if kind == 1 else struct.pack("!II", OURS, 1 << 24))
    assert read_feedback(bytes(packet), OURS, 0) == [KeyWanted()]


@given(st.binary(max_size=200))
def test_anything_is_read_or_refused(data: bytes) -> None:
    try:
        read_feedback(data, OURS, 0)
    except (ValueError, struct.error):
        return


@given(st.binary(max_size=60), st.sampled_from([200, 201, 205, 206]), st.integers(0, 63))
def test_anything_behind_a_good_header_is_read_or_refused(data: bytes, kind: int, first: int) -> None:
    body = data[: len(data) // 4 * 4]
    try:
        read_feedback(struct.pack("!BBH", 0x80 | first, kind, len(body) // 4) + body, OURS, 0)
    except (ValueError, struct.error):
        return
