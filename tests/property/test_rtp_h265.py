"""H.265 over RTP: what is cut comes out whole; streams of both codecs that were damaged give what can be decoded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.rtp.codecs import CODECS
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.h265 import FIRST_IRAP, LAST_IRAP, PPS, SPS, VPS, Depacketiser, nal_type, packetise, starts_picture
from streams.rtp.packet import RtpPacket, pack_header, parse_packet
from streams.rtp.receiver import StreamReceiver
from tests.support.rtsp_kit import encoded_units

SETS = (b"\x40\x01\x0cvps", b"\x42\x01\x01" + b"sps" * 6, b"\x44\x01\xc0pps")
# Bodies without zero bytes: no start code can arise, as emulation prevention guarantees in real ones.
body = st.lists(st.integers(1, 255), min_size=1, max_size=400).map(bytes)
temporal = st.integers(1, 7)
other = st.builds(
    lambda kind, tid, data: bytes((kind << 1, tid)) + data,
    st.sampled_from([32, 33, 34, 35, 39, 40, 41]),
    temporal,
    body,
)
slices = st.builds(lambda kind, tid, data: bytes((kind << 1, tid)) + data, st.integers(0, 9), temporal, body)
irap = st.builds(lambda kind, data: bytes((kind << 1, 1, 0x80)) + data, st.integers(FIRST_IRAP, LAST_IRAP), body)
key_nals = st.builds(lambda more, one: (*SETS, *more, one), st.lists(other, max_size=3), irap)
units = st.lists(st.one_of(st.tuples(slices), key_nals), max_size=8)


@settings(deadline=None)
@given(units, st.integers(4, 500), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(1, 2**31 - 1))
def test_units_survive_packets(
    given_units: list[tuple[bytes, ...]], max_payload: int, sequence: int, start: int, step: int
) -> None:
    all_units = [(*SETS, b"\x26\x01\x80first"), *given_units]
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
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 3), st.booleans(), st.binary(max_size=30), st.booleans()),
        max_size=60,
    )
)
def test_any_packets_give_only_units_that_can_be_decoded(packets: list[tuple[int, int, bool, bytes, bool]]) -> None:
    depacketiser = Depacketiser(SETS, max_unit_bytes=100)
    received: list[AccessUnit] = []
    for sequence, timestamp, marker, payload, is_irap in packets:
        content = b"\x26\x01\xafx" if is_irap else payload
        received += depacketiser.push(RtpPacket(96, marker, sequence, timestamp, 1, content))
        assert depacketiser._size <= 100
    assert not received or received[0].is_key
    for unit in received:
        kinds = [nal_type(nal) for nal in unit.nals]
        assert any(0 <= kind < 32 for kind in kinds)
        if unit.is_key:
            assert {VPS, SPS, PPS} <= set(kinds)
            assert starts_picture(next(nal for nal in unit.nals if 0 <= nal_type(nal) < 32))


damage = st.tuples(
    st.integers(0, 400), st.sampled_from(["lose", "double", "flip", "cut", "swap", "header"]), st.integers()
)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(CODECS)), st.lists(damage, max_size=12))
def test_a_damaged_stream_of_a_real_encoder_begins_with_a_key_and_never_grows(
    name: str, damages: list[tuple[int, str, int]]
) -> None:
    codec, units = CODECS[name], encoded_units(30, name)
    datagrams: list[bytes] = []
    for unit in units:
        payloads = codec.packetise(unit.nals)
        for index, payload in enumerate(payloads):
            marker = index == len(payloads) - 1
            datagrams.append(pack_header(96, marker, len(datagrams), unit.timestamp, 9) + payload)
    for place, kind, number in damages:
        datagrams = damaged(datagrams, place % len(datagrams), kind, number)
    receiver = StreamReceiver(VideoFormat(name), 96, ssrc=1)
    received = [unit for index, data in enumerate(datagrams) for unit in receiver.rtp(data, index / 1000)]
    assert not received or received[0].is_key
    assert all(set(codec.syntax.sets) <= {codec.syntax.kind(nal) for nal in u.nals} for u in received if u.is_key)
    assert receiver.depacketiser._size <= sum(map(len, datagrams))
    if not damages:
        assert [unit.nals for unit in received] == [unit.nals for unit in units]


def damaged(datagrams: list[bytes], place: int, kind: str, number: int) -> list[bytes]:
    before, data, after = datagrams[:place], datagrams[place], datagrams[place + 1 :]
    at = number % len(data) if data else 0
    match kind:
        case "lose":
            return [*before, *after] or [b""]
        case "double":
            return [*before, data, data, *after]
        case "flip":
            return [*before, data[:at] + bytes([(data[at] if data else 0) ^ 1 << number % 8]) + data[at + 1 :], *after]
        case "cut":
            return [*before, data[:at], *after]
        case "header":
            return [*before, data[:12] + (number % 65536).to_bytes(2, "big") + data[14:], *after]
    return [*before, *after[:1], data, *after[1:]]
