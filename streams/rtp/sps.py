"""What an H.264 sequence parameter set says of the picture (ITU-T H.264 section 7.3.2.1.1)."""

from __future__ import annotations

from dataclasses import dataclass

from streams.rtp.bits import Bits, BitsError
from streams.rtp.nal import SPS, nal_type

_HIGH_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
_MAX_SIDE = 16_384
_MAX_CYCLE = 255  # num_ref_frames_in_pic_order_cnt_cycle, section 7.4.2.1.1


class SpsError(ValueError):
    """The parameter set cannot be read."""


@dataclass(frozen=True, slots=True)
class H264Sps:
    """Profile, constraints and level as they are written; width and height in pixels, cropped.

    `chroma_format_idc`, `bit_depth_luma` and `bit_depth_chroma` are 1, 8, 8 where the profile leaves no choice.
    """

    profile_idc: int
    constraints: int
    level_idc: int
    width: int
    height: int
    chroma_format_idc: int = 1
    bit_depth_luma: int = 8
    bit_depth_chroma: int = 8

    @property
    def is_high(self) -> bool:
        """Whether the profile is one of those that say more of their colours."""
        return self.profile_idc in _HIGH_PROFILES


def read_sps(nal: bytes) -> H264Sps:
    """Read a whole SPS NAL unit (with its header byte, without start code).

    Raises:
        SpsError: it is none, ends too early, or says what cannot be.
    """
    if nal_type(nal) != SPS or len(nal) < 4:
        raise SpsError("this is no H.264 sequence parameter set")
    try:
        return _read(Bits(nal[1:]))
    except BitsError as error:
        raise SpsError(str(error)) from None


def _read(bits: Bits) -> H264Sps:
    profile, constraints, level = bits.u(8), bits.u(8), bits.u(8)
    bits.ue()  # seq_parameter_set_id
    chroma, luma_depth, chroma_depth, planes = 1, 8, 8, False
    if profile in _HIGH_PROFILES:
        chroma = bits.ue()
        planes = bits.flag() if chroma == 3 else False
        luma_depth, chroma_depth = 8 + bits.ue(), 8 + bits.ue()
        bits.flag()  # qpprime_y_zero_transform_bypass_flag
        if bits.flag():
            _skip_scaling(bits, 12 if chroma == 3 else 8)
    _skip_order(bits)
    bits.ue()  # max_num_ref_frames
    bits.flag()  # gaps_in_frame_num_value_allowed_flag
    wide, high = bits.ue() + 1, bits.ue() + 1
    fields = 1 if bits.flag() else 2  # frame_mbs_only_flag
    if fields == 2:
        bits.flag()  # mb_adaptive_frame_field_flag
    bits.flag()  # direct_8x8_inference_flag
    left, right, top, bottom = (bits.ue() for _ in range(4)) if bits.flag() else (0, 0, 0, 0)
    # Units of cropping, table 6-1: chroma samples, in lines of a field.
    across = 2 if chroma in (1, 2) and not planes else 1
    down = (2 if chroma == 1 and not planes else 1) * fields
    width, height = 16 * wide - across * (left + right), 16 * high * fields - down * (top + bottom)
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE) or chroma > 3 or max(luma_depth, chroma_depth) > 14:
        raise SpsError(f"the parameter set names an impossible picture of {width} x {height}")
    return H264Sps(profile, constraints, level, width, height, chroma, luma_depth, chroma_depth)


def _skip_order(bits: Bits) -> None:
    """Frame numbers and picture order count."""
    bits.ue()  # log2_max_frame_num_minus4
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.flag()
        bits.se()
        bits.se()
        cycle = bits.ue()
        if cycle > _MAX_CYCLE:
            raise SpsError("the parameter set's picture order cycle is too long")
        for _ in range(cycle):
            bits.se()


def _skip_scaling(bits: Bits, lists: int) -> None:
    """Scaling lists, section 7.3.2.1.1.1."""
    for number in range(lists):
        if not bits.flag():
            continue
        last = following = 8
        for _ in range(16 if number < 6 else 64):
            if following:
                following = (last + bits.se()) % 256
            last = following or last
