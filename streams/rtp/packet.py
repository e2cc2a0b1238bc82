"""RTP packets (RFC 3550 section 5.1): parse and build."""

from __future__ import annotations

import struct
from typing import NamedTuple

_HEADER = struct.Struct("!BBHII")
HEADER_SIZE = _HEADER.size


class RtpError(ValueError):
    """The bytes are no RTP or RTCP packet; the message says where, never what."""


class RtpPacket(NamedTuple):
    """One RTP packet. `extension` is (profile-defined 16 bits, data of a multiple of four bytes)."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    csrcs: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None


def parse_packet(data: bytes) -> RtpPacket:
    """Parse one packet; padding is cut off.

    Raises:
        RtpError: not version 2, or shorter than it says.
    """
    if len(data) < HEADER_SIZE:
        raise RtpError(f"RTP packet of {len(data)} bytes is shorter than its header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first == 0x80:  # no padding, extension or CSRC: nearly every packet of every camera
        return RtpPacket(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, data[HEADER_SIZE:])
    if first >> 6 != 2:
        raise RtpError(f"RTP version is {first >> 6}, not 2")
    start, csrcs, extension = _optional_header(data, first)
    end = len(data) - _padding(data, start) if first & 0x20 else len(data)
    return RtpPacket(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, data[start:end], csrcs, extension)


def _optional_header(data: bytes, first: int) -> tuple[int, tuple[int, ...], tuple[int, bytes] | None]:
    count = first & 0x0F
    start = HEADER_SIZE + 4 * count
    if len(data) < start:
        raise RtpError(f"RTP packet ends inside its {count} CSRCs")
    csrcs = struct.unpack_from(f"!{count}I", data, HEADER_SIZE)
    if not first & 0x10:
        return start, csrcs, None
    if len(data) < start + 4:
        raise RtpError(f"RTP header extension is cut at offset {start}")
    profile, words = struct.unpack_from("!HH", data, start)
    end = start + 4 + 4 * words
    if len(data) < end:
        raise RtpError(f"RTP header extension of {words} words at offset {start} is longer than the packet")
    return end, csrcs, (profile, data[start + 4 : end])


def _padding(data: bytes, start: int) -> int:
    padding = data[-1]
    if padding == 0 or start + padding > len(data):
        raise RtpError(f"RTP padding of {padding} bytes does not fit")
    return padding


def pack_header(payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int) -> bytes:
    """The twelve bytes before a payload; sequence and timestamp are cut to their width here."""
    return _HEADER.pack(
        0x80, payload_type | (0x80 if marker else 0), sequence & 0xFFFF, timestamp & 0xFFFF_FFFF, ssrc & 0xFFFF_FFFF
    )


def build_packet(packet: RtpPacket) -> bytes:
    """The wire form of a packet, without padding.

    Raises:
        ValueError: more than 15 CSRCs, or an extension that is not a multiple of four bytes.
    """
    if len(packet.csrcs) > 15:
        raise ValueError("an RTP packet has at most 15 CSRCs")
    first = 0x80 | len(packet.csrcs) | (0x10 if packet.extension else 0)
    header = pack_header(packet.payload_type, packet.marker, packet.sequence, packet.timestamp, packet.ssrc)
    parts = [bytes([first]), header[1:], struct.pack(f"!{len(packet.csrcs)}I", *packet.csrcs)]
    if packet.extension:
        profile, data = packet.extension
        if len(data) % 4:
            raise ValueError("an RTP header extension is a multiple of four bytes long")
        parts += [struct.pack("!HH", profile, len(data) // 4), data]
    return b"".join([*parts, packet.payload])
