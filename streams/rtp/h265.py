"""H.265 (ITU-T H.265 section 7.3) and its RTP payload format (RFC 7798), without decoding order numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.rtp import payloads
from streams.rtp.depacketiser import MAX_UNIT_BYTES
from streams.rtp.depacketiser import Depacketiser as _Depacketiser
from streams.rtp.nal import NalSyntax, leading_ue

FIRST_IRAP, LAST_IRAP, VPS, SPS, PPS, AUD, SEI = 16, 23, 32, 33, 34, 35, 39
_PROFILE_TIER_LEVEL_BYTES = 12
_SUB_LAYER_PROFILE_BYTES = 11


def nal_type(nal: bytes) -> int:
    """The nal_unit_type, 0 to 63; -1 for a unit without a whole header (0 is a picture)."""
    return nal[0] >> 1 & 0x3F if len(nal) > 1 else -1


def starts_picture(nal: bytes) -> bool:
    """Whether a slice is the first of its picture: first_slice_segment_in_pic_flag, the bit after the header."""
    return len(nal) > 2 and nal[2] >= 0x80


class ProfileTierLevel(NamedTuple):
    """What a decoder has to know, as RFC 7798 section 7.1 names it: level_idc is 30 times the level."""

    profile_id: int
    tier_flag: int
    level_id: int


def profile_tier_level(sps: bytes) -> ProfileTierLevel | None:
    """The general profile, tier and level that an SPS names; None for a cut one."""
    data = _unescaped(sps)
    if len(data) < 1 + _PROFILE_TIER_LEVEL_BYTES:
        return None
    return ProfileTierLevel(data[1] & 0x1F, data[1] >> 5 & 1, data[_PROFILE_TIER_LEVEL_BYTES])


def _unescaped(nal: bytes) -> bytes:
    """The beginning of a unit's payload without emulation prevention (section 7.4.2)."""
    return nal[2:128].replace(b"\0\0\3", b"\0\0")


def _set_id(nal: bytes) -> int:
    kind = nal_type(nal)
    if kind == VPS:
        return nal[2] >> 4
    if kind == PPS:
        return leading_ue(nal[2:])
    data = _unescaped(nal)
    return leading_ue(data[_sps_id_offset(data) :])


def _sps_id_offset(data: bytes) -> int:
    """Where sps_seq_parameter_set_id begins: behind profile_tier_level (section 7.3.3), a whole number of bytes."""
    layers = data[0] >> 1 & 7  # sps_max_sub_layers_minus1
    offset = 1 + _PROFILE_TIER_LEVEL_BYTES
    if layers:
        flags = int.from_bytes(data[offset : offset + 2].ljust(2, b"\0"), "big")
        offset += 2
        for layer in range(layers):
            offset += _SUB_LAYER_PROFILE_BYTES * (flags >> 15 - 2 * layer & 1) + (flags >> 14 - 2 * layer & 1)
    return offset


def _with_kind(nal: bytes, kind: int) -> bytes:
    return bytes((nal[0] & 0x81 | kind << 1, nal[1]))


def _aggregate_header(nals: Sequence[bytes]) -> bytes:
    """Section 4.4.2: F is OR, the layer id and the temporal id are the lowest."""
    forbidden = max(nal[0] & 0x80 for nal in nals)
    layer = min((nal[0] & 1) << 5 | nal[1] >> 3 for nal in nals)
    temporal = min(nal[1] & 7 for nal in nals)
    return bytes((forbidden | H265.aggregate << 1 | layer >> 5, (layer & 0x1F) << 3 | temporal))


H265 = NalSyntax(
    codec="H265",
    header_bytes=2,
    kind_mask=0x3F,
    kind=nal_type,
    with_kind=_with_kind,
    single=range(48),
    aggregate=48,
    fragment=49,
    pictures=range(32),
    keys=range(FIRST_IRAP, LAST_IRAP + 1),
    sets=(VPS, SPS, PPS),
    delimiter=AUD,
    small=frozenset({VPS, SPS, PPS, AUD, SEI}),
    starts_picture=starts_picture,
    set_id=_set_id,
    aggregate_header=_aggregate_header,
)


class Depacketiser(_Depacketiser):
    """Packets of one H.265 stream to access units; see `streams.rtp.depacketiser.Depacketiser`."""

    def __init__(self, parameter_sets: Iterable[bytes] = (), *, max_unit_bytes: int = MAX_UNIT_BYTES) -> None:
        super().__init__(H265, parameter_sets, max_unit_bytes=max_unit_bytes)


def packetise(nals: Sequence[bytes], max_payload: int = payloads.MAX_PAYLOAD) -> list[bytes]:
    """The RTP payloads of one access unit, in order; see `streams.rtp.payloads.packetise`."""
    return payloads.packetise(H265, nals, max_payload)
