"""NAL units: what differs between H.264 and H.265, where byte streams are split, which parameter sets are known.

The names without a codec in them are H.264's (ITU-T H.264 section 7.3 and annex B); those of H.265 are in h265.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

SLICE, IDR, SEI, SPS, PPS, AUD = 1, 5, 6, 7, 8, 9
_MAX_PARAMETER_SET_BYTES = 4096  # real ones have 10 to 300 bytes
_MAX_PARAMETER_SETS = 64
_START_CODE = re.compile(rb"\x00\x00\x01")


@dataclass(frozen=True, slots=True)
class NalSyntax:
    """How one codec writes NAL units, and how its RTP payload format wraps them.

    `kind` gives the type of a NAL unit or RTP payload, a number in none of the ranges for one that is too short;
    `kind_mask` cuts it out of a fragment's header.
    `single` are the types that travel as they are, `aggregate` and `fragment` the payload types that hold several units
    or a part of one. `sets` are the parameter sets in the order in which a decoder needs them, `small` the types that
    share an aggregate. `with_kind` is a unit's header with another type, `aggregate_header` that of an aggregate.
    """

    codec: str
    header_bytes: int
    kind_mask: int
    kind: Callable[[bytes], int]
    with_kind: Callable[[bytes, int], bytes]
    single: range
    aggregate: int
    fragment: int
    pictures: range
    keys: range
    sets: tuple[int, ...]
    delimiter: int
    small: frozenset[int]
    starts_picture: Callable[[bytes], bool]
    set_id: Callable[[bytes], int]
    aggregate_header: Callable[[Sequence[bytes]], bytes]


def nal_type(nal: bytes) -> int:
    """The nal_unit_type, 0 to 31; 0 for an empty unit."""
    return nal[0] & 0x1F if nal else 0


def is_picture(kind: int) -> bool:
    """Whether units of this type carry slices (VCL)."""
    return SLICE <= kind <= IDR


def starts_picture(nal: bytes) -> bool:
    """Whether a slice is the first of its picture: first_mb_in_slice is ue(v) 0, which is one set bit."""
    return len(nal) > 1 and nal[1] >= 0x80


def _with_kind(nal: bytes, kind: int) -> bytes:
    return bytes([nal[0] & 0xE0 | kind])


def _set_id(nal: bytes) -> int:
    return leading_ue(nal[4:] if nal_type(nal) == SPS else nal[1:])


def _aggregate_header(nals: Sequence[bytes]) -> bytes:
    """RFC 6184 section 5.7.1: F is OR, NRI the maximum."""
    forbidden = max(nal[0] & 0x80 for nal in nals)
    importance = max(nal[0] & 0x60 for nal in nals)
    return bytes([forbidden | importance | H264.aggregate])


H264 = NalSyntax(
    codec="H264",
    header_bytes=1,
    kind_mask=0x1F,
    kind=nal_type,
    with_kind=_with_kind,
    single=range(1, 24),
    aggregate=24,
    fragment=28,
    pictures=range(SLICE, IDR + 1),
    keys=range(IDR, IDR + 1),
    sets=(SPS, PPS),
    delimiter=AUD,
    small=frozenset({SEI, SPS, PPS, AUD}),
    starts_picture=starts_picture,
    set_id=_set_id,
    aggregate_header=_aggregate_header,
)


def split_annex_b(data: bytes) -> list[bytes]:
    """The NAL units of a byte stream with start codes (three or four bytes), as encoders of both codecs produce it."""
    starts = [match.end() for match in _START_CODE.finditer(data)]
    ends = [start - 3 for start in starts[1:]] + [len(data)]
    # A trailing zero belongs to the next start code, or is padding: a NAL unit never ends in one (section 7.4.1).
    nals = (data[start:end].rstrip(b"\0") for start, end in zip(starts, ends, strict=False))  # no start code, no unit
    return [nal for nal in nals if nal]


class ParameterSets:
    """The parameter sets of one stream by their ids, the latest of each; bounded, whatever a camera sends."""

    def __init__(self, nals: Iterable[bytes] = (), syntax: NalSyntax = H264) -> None:
        self._syntax = syntax
        self._known: dict[tuple[int, int], bytes] = {}
        for nal in nals:
            self.note(nal)

    def note(self, nal: bytes) -> None:
        """Remember `nal` if it is a parameter set; anything else is ignored."""
        syntax = self._syntax
        kind = syntax.kind(nal)
        if kind not in syntax.sets or not syntax.header_bytes < len(nal) <= _MAX_PARAMETER_SET_BYTES:
            return
        key = (kind, syntax.set_id(nal))
        if key in self._known or len(self._known) < _MAX_PARAMETER_SETS:
            self._known[key] = nal

    def ordered(self) -> tuple[bytes, ...]:
        """All of them in the order in which a decoder needs them; empty unless there is at least one of each kind."""
        if {kind for kind, _ in self._known} != set(self._syntax.sets):
            return ()
        return tuple(self._known[key] for key in sorted(self._known))

    def complete(self, nals: Sequence[bytes]) -> tuple[bytes, ...] | None:
        """The units of a key picture with its parameter sets in front; unchanged if it has them, None if not known."""
        syntax = self._syntax
        kinds = {syntax.kind(nal) for nal in nals}
        if kinds.issuperset(syntax.sets):
            return tuple(nals)
        known = self.ordered()
        if not known:
            return None
        delimiters = tuple(nal for nal in nals if syntax.kind(nal) == syntax.delimiter)
        rest = tuple(nal for nal in nals if syntax.kind(nal) not in (syntax.delimiter, *syntax.sets))
        return delimiters + known + rest


def leading_ue(data: bytes) -> int:
    """The first Exp-Golomb number (section 9.1) of a few bytes; 0 where there is none."""
    head = data[:8]
    bits = int.from_bytes(head, "big")
    width = 8 * len(head)
    zeros = width - bits.bit_length()
    if bits == 0 or 2 * zeros + 1 > width:
        return 0
    return (bits >> (width - 2 * zeros - 1)) - 1
