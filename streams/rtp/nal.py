"""H.264 NAL units (ITU-T H.264 section 7.3 and annex B): what kind, where split, which parameter sets are known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SLICE, IDR, SEI, SPS, PPS, AUD = 1, 5, 6, 7, 8, 9
_MAX_PARAMETER_SET_BYTES = 4096  # real ones have 10 to 300 bytes
_MAX_PARAMETER_SETS = 64
_START_CODE = re.compile(rb"\x00\x00\x01")


def nal_type(nal: bytes) -> int:
    """The nal_unit_type, 0 to 31; 0 for an empty unit."""
    return nal[0] & 0x1F if nal else 0


def is_picture(kind: int) -> bool:
    """Whether units of this type carry slices (VCL)."""
    return SLICE <= kind <= IDR


def starts_picture(nal: bytes) -> bool:
    """Whether a slice is the first of its picture: first_mb_in_slice is ue(v) 0, which is one set bit."""
    return len(nal) > 1 and nal[1] >= 0x80


def split_annex_b(data: bytes) -> list[bytes]:
    """The NAL units of a byte stream with start codes (three or four bytes), as encoders produce it."""
    starts = [match.end() for match in _START_CODE.finditer(data)]
    ends = [start - 3 for start in starts[1:]] + [len(data)]
    # A trailing zero belongs to the next start code, or is padding: a NAL unit never ends in one (section 7.4.1).
    nals = (data[start:end].rstrip(b"\0") for start, end in zip(starts, ends, strict=False))  # no start code, no unit
    return [nal for nal in nals if nal]


class ParameterSets:
    """The SPS and PPS of one stream by their ids, the latest of each; bounded, whatever a camera sends."""

    def __init__(self, nals: Iterable[bytes] = ()) -> None:
        self._known: dict[tuple[int, int], bytes] = {}
        for nal in nals:
            self.note(nal)

    def note(self, nal: bytes) -> None:
        """Remember `nal` if it is a parameter set; anything else is ignored."""
        kind = nal_type(nal)
        if kind not in (SPS, PPS) or not 2 <= len(nal) <= _MAX_PARAMETER_SET_BYTES:
            return
        identity = _leading_ue(nal[4:] if kind == SPS else nal[1:])
        key = (kind, identity)
        if key in self._known or len(self._known) < _MAX_PARAMETER_SETS:
            self._known[key] = nal

    def ordered(self) -> tuple[bytes, ...]:
        """All of them, SPS before PPS; empty unless there is at least one of each."""
        kinds = {kind for kind, _ in self._known}
        if kinds != {SPS, PPS}:
            return ()
        return tuple(self._known[key] for key in sorted(self._known))

    def complete(self, nals: Sequence[bytes]) -> tuple[bytes, ...] | None:
        """The units of a key picture with SPS and PPS in front; unchanged if it has both, None if none are known."""
        kinds = {nal_type(nal) for nal in nals}
        if SPS in kinds and PPS in kinds:
            return tuple(nals)
        known = self.ordered()
        if not known:
            return None
        delimiters = tuple(nal for nal in nals if nal_type(nal) == AUD)
        rest = tuple(nal for nal in nals if nal_type(nal) not in (AUD, SPS, PPS))
        return delimiters + known + rest


def _leading_ue(data: bytes) -> int:
    """The first Exp-Golomb number (section 9.1) of a few bytes; 0 where there is none."""
    head = data[:8]
    bits = int.from_bytes(head, "big")
    width = 8 * len(head)
    zeros = width - bits.bit_length()
    if bits == 0 or 2 * zeros + 1 > width:
        return 0
    return (bits >> (width - 2 * zeros - 1)) - 1
