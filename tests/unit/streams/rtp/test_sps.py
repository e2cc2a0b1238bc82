"""The SPS reader against parameter sets of x264, whose pictures ffmpeg measures."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from streams.rtp.bits import Bits, BitsError
from streams.rtp.nal import SPS, nal_type, split_annex_b
from streams.rtp.sps import SpsError, read_sps


def sps_of(width: int, height: int, pix_fmt: str = "yuv420p", **options: str) -> bytes:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pix_fmt
    encoder.time_base, encoder.options = Fraction(1, 25), {"preset": "ultrafast", **options}
    frame = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24").reformat(format=pix_fmt)
    frame.pts = 0
    data = b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)]))
    return next(nal for nal in split_annex_b(data) if nal_type(nal) == SPS)


@pytest.mark.parametrize(
    ("width", "height"), [(640, 360), (1920, 1080), (704, 576), (16, 16), (1278, 718), (2560, 1440)]
)
def test_sizes_are_cropped_as_the_encoder_meant(width: int, height: int) -> None:
    sps = read_sps(sps_of(width, height))
    assert (sps.width, sps.height) == (width, height)


@pytest.mark.parametrize(
    ("pix_fmt", "options", "profile", "chroma", "depth"),
    [
        ("yuv420p", {"profile": "baseline"}, 66, 1, 8),
        ("yuv420p", {"profile": "main", "preset": "medium"}, 77, 1, 8),
        ("yuv420p", {"profile": "high", "preset": "medium"}, 100, 1, 8),
        ("yuv420p", {"x264-params": "interlaced=1:cqm=jvt", "preset": "medium"}, 100, 1, 8),
        ("yuv420p10le", {"preset": "medium"}, 110, 1, 10),
        ("yuv422p", {"preset": "medium"}, 122, 2, 8),
        ("yuv444p", {"preset": "medium"}, 244, 3, 8),
    ],
)
def test_profiles_and_colours(pix_fmt: str, options: dict[str, str], profile: int, chroma: int, depth: int) -> None:
    sps = read_sps(sps_of(720, 540, pix_fmt, **options))
    assert (sps.profile_idc, sps.chroma_format_idc, sps.bit_depth_luma) == (profile, chroma, depth)
    assert (sps.width, sps.height) == (720, 540)
    assert sps.is_high is (profile >= 100)


def test_scaling_lists_are_passed_over() -> None:
    lists = "cqm4i=" + ",".join(["17"] * 16)
    sps = read_sps(sps_of(320, 240, **{"x264-params": lists, "preset": "medium"}))
    assert (sps.width, sps.height) == (320, 240)


@pytest.mark.parametrize(
    "nal", [b"", b"\x67", b"\x68\x42\x00\x1e\x00", b"\x67\x42\x00\x1e", b"\x67\x64\x00\x28" + bytes(40)]
)
def test_what_is_no_sps_is_said(nal: bytes) -> None:
    with pytest.raises(SpsError):
        read_sps(nal)


def test_impossible_pictures_are_refused() -> None:
    # Baseline, everything 0 but the width: ue(v) of 65535 macroblocks.
    bits = "1" + "1" + "1" + "1" + "1" + "0" + "0" * 16 + "1" + "0" * 16 + "1" + "1" + "1" + "0" + "1"
    payload = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    with pytest.raises(SpsError, match="impossible"):
        read_sps(b"\x67\x42\x00\x1e" + payload)


def test_bits() -> None:
    bits = Bits(b"\xa6\x00\x00\x03\x01")
    assert [bits.ue(), bits.ue(), bits.u(3), bits.u(1)] == [0, 1, 3, 0]
    assert bits.u(24) == 1, "the emulation prevention byte is no content"
    with pytest.raises(BitsError):
        bits.u(1)
    assert [Bits(bytes([code])).se() for code in (0x80, 0x40, 0x60, 0x20)] == [0, 1, -1, 2]
    with pytest.raises(BitsError):
        Bits(bytes(9)).ue()
