from __future__ import annotations

import pytest

from streams.rtp.clock import Timeline, Unwrapper, ntp_middle, ntp_time
from streams.rtp.packet import RtpError, RtpPacket, build_packet, parse_packet


def test_a_plain_packet_is_read_field_by_field() -> None:
    data = bytes.fromhex("80e0 1234 01020304 deadbeef") + b"abc"
    assert parse_packet(data) == RtpPacket(96, True, 0x1234, 0x01020304, 0xDEADBEEF, b"abc")


def test_csrcs_extension_and_padding_are_taken_off_the_payload() -> None:
    packet = RtpPacket(96, False, 1, 2, 3, b"payload", (7, 8), (0xBEDE, b"12345678"))
    data = build_packet(packet)
    padded = bytes([data[0] | 0x20]) + data[1:] + b"\0\0\3"
    assert parse_packet(data) == packet
    assert parse_packet(padded) == packet


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "shorter than its header"),
        (b"\x80" * 11, "shorter than its header"),
        (b"\x40" + bytes(11), "version is 1"),
        (b"\x8f" + bytes(11), "15 CSRCs"),
        (b"\x90" + bytes(11), "extension is cut"),
        (b"\x90" + bytes(11) + b"\0\0\xff\xff", "longer than the packet"),
        (b"\xa0" + bytes(11) + b"\0", "padding of 0"),
        (b"\xa0" + bytes(11) + b"\2", "padding of 2"),
    ],
)
def test_what_is_no_rtp_packet_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(RtpError, match=reason):
        parse_packet(data)


def test_counters_unwrap_over_the_edge_and_back() -> None:
    sequence = Unwrapper(16)
    assert [sequence.unwrap(value) for value in (65534, 65535, 1, 0, 2)] == [65534, 65535, 65537, 65536, 65538]


def test_a_timeline_continues_after_a_restart_by_the_time_that_passed() -> None:
    timeline = Timeline()
    assert timeline.at(0xFFFF_FFFF, 10.0) == 0xFFFF_FFFF
    assert timeline.at(3599, 10.04) == 0xFFFF_FFFF + 3600
    timeline.restart()
    assert timeline.at(123, 11.04) == 0xFFFF_FFFF + 3600 + 90_000
    assert timeline.at(123 + 3600, 11.05) == 0xFFFF_FFFF + 3600 + 90_000 + 3600


def test_unix_time_as_ntp() -> None:
    assert ntp_time(0.5) == 2_208_988_800 << 32 | 1 << 31
    assert ntp_middle(ntp_time(0.5)) == (2_208_988_800 & 0xFFFF) << 16 | 1 << 15
