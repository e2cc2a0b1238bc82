"""RTP: what is cut into packets comes out whole, and no bytes make a parser crash or keep memory."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.h264 import Depacketiser, packetise
from streams.rtp.nal import IDR, is_picture, nal_type, split_annex_b, starts_picture
from streams.rtp.packet import RtpError, RtpPacket, build_packet, pack_header, parse_packet
from streams.rtp.receiver import StreamReceiver
from streams.rtp.rtcp import parse_rtcp

SPS, PPS = bytes.fromhex("6742c00bda02806f"), bytes.fromhex("68ce3c80")
# Bodies without zero bytes: no start code can arise, as emulation prevention guarantees in real ones.
body = st.lists(st.integers(1, 255), min_size=1, max_size=400).map(bytes)
other = st.builds(lambda kind, data: bytes([kind]) + data, st.sampled_from([0x06, 0x09, 0x0C, 0x67, 0x68]), body)
slices = st.builds(lambda data: b"\x41" + data, body)
idr = st.builds(lambda data: b"\x65\x88" + data, body)
key_nals = st.builds(lambda more, one: (SPS, PPS, *more, one), st.lists(other, max_size=3), idr)
units = st.lists(st.one_of(st.tuples(slices), key_nals), max_size=8)


@settings(deadline=None)
@given(units, st.integers(3, 500), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(1, 2**31 - 1))
def test_units_survive_packets(
    given_units: list[tuple[bytes, ...]], max_payload: int, sequence: int, start: int, step: int
) -> None:
    all_units = [(SPS, PPS, b"\x65\x88first"), *given_units]
    depacketiser, received = Depacketiser(), []
    for index, nals in enumerate(all_units):
        payloads = packetise(nals, max_payload)
        assert max(map(len, payloads)) <= max_payload
        for number, payload in enumerate(payloads):
            header = pack_header(96, number == len(payloads) - 1, sequence, start + index * step, 5)
            received += depacketiser.push(parse_packet(header + payload))
            sequence += 1
    assert [unit.nals for unit in received] == all_units
    assert [unit.timestamp - received[0].timestamp for unit in received] == [
        index * step for index in range(len(all_units))
    ]
    assert depacketiser.losses == 0


@settings(deadline=None)
@given(
    st.builds(lambda head, data: head + data, st.sampled_from([b"\x41", b"\x65"]), st.binary(max_size=3000)),
    st.integers(3, 1200),
)
def test_fragments_have_one_size_and_a_short_tail(nal: bytes, max_payload: int) -> None:
    payloads = packetise([nal], max_payload)
    assert all(len(payload) == max_payload for payload in payloads[:-1])
    assert len(payloads[-1]) <= max_payload


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 3), st.booleans(), st.binary(max_size=30), st.booleans()),
        max_size=60,
    )
)
def test_any_packets_give_only_units_that_can_be_decoded(packets: list[tuple[int, int, bool, bytes, bool]]) -> None:
    depacketiser = Depacketiser([SPS, PPS], max_unit_bytes=100)
    received: list[AccessUnit] = []
    for sequence, timestamp, marker, payload, is_idr in packets:
        content = b"\x65\x88x" if is_idr else payload
        received += depacketiser.push(RtpPacket(96, marker, sequence, timestamp, 1, content))
        assert depacketiser._size <= 100
    assert not received or received[0].is_key
    for unit in received:
        kinds = [nal_type(nal) for nal in unit.nals]
        assert any(map(is_picture, kinds))
        if unit.is_key:
            assert {IDR, 7, 8} <= set(kinds)
            assert starts_picture(next(nal for nal in unit.nals if is_picture(nal_type(nal))))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_parsers_of_datagrams_never_crash(data: bytes) -> None:
    for head in (b"", b"\x90\x60", b"\xb3\x60", b"\x81\xc8\0\x06", b"\x82\xcb"):
        with contextlib.suppress(RtpError):
            parse_packet(head + data)
        with contextlib.suppress(RtpError):
            parse_rtcp(head + data)
        receiver = StreamReceiver(VideoFormat("H264", (SPS, PPS)), 96, ssrc=1)
        receiver.rtp(head + data, 0.0)
        receiver.rtcp(head + data, 0.0)
        receiver.report(1.0, "x")


@settings(deadline=None)
@given(
    st.builds(
        RtpPacket,
        st.integers(0, 127),
        st.booleans(),
        st.integers(0, 65535),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
        st.binary(max_size=50),
        st.lists(st.integers(0, 2**32 - 1), max_size=15).map(tuple),
        st.none() | st.tuples(st.integers(0, 65535), st.binary(max_size=5).map(lambda data: data * 4)),
    )
)
def test_packets_are_read_back(packet: RtpPacket) -> None:
    assert parse_packet(build_packet(packet)) == packet


@settings(deadline=None)
@given(st.lists(st.one_of(slices, idr, other), max_size=6), st.booleans())
def test_byte_streams_are_split_where_they_were_joined(nals: list[bytes], is_long: bool) -> None:
    code = b"\0\0\0\1" if is_long else b"\0\0\1"
    assert split_annex_b(b"".join(code + nal for nal in nals)) == nals
