"""Video for cameras that must cost nothing: encoded once, played for ever, with key frames as large as a street's."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from streams.rtp.nal import split_annex_b

FPS = 25
Pictures = tuple[tuple[bytes, ...], ...]  # NAL units, picture by picture; the first is a key picture


@dataclass(frozen=True, slots=True)
class Recipe:
    """A still grain of some size (what key frames weigh) with a patch of new grain in it (what the others weigh)."""

    width: int
    height: int
    grain: int  # how far it goes from grey
    patch: tuple[int, int]
    quantiser: int


# Measured with a key frame every 2 s: 57 KB and 9.0 KB a picture, 2.0 Mb/s; 12 KB and 1.3 KB, 300 kb/s.
MAIN = Recipe(640, 360, 40, (288, 192), 32)
SUB = Recipe(320, 180, 38, (132, 96), 34)


def encode(recipe: Recipe, idr_interval_s: float) -> Pictures:
    """One group of pictures, H.264 constrained baseline, SPS and PPS in the key picture."""
    count = round(idr_interval_s * FPS)
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = recipe.width, recipe.height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.gop_size, encoder.max_b_frames = count, 0
    fixed = f"sliced-threads=0:threads=1:qp={recipe.quantiser}:scenecut=0"
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "x264-params": fixed}
    random = np.random.default_rng(7)
    low, high = 128 - recipe.grain, 128 + recipe.grain
    still = random.integers(low, high, (recipe.height, recipe.width, 3), dtype=np.uint8)
    across, down = recipe.patch
    top, units = (recipe.height - down) // 2, []
    for number in range(count):
        picture, left = still.copy(), number * 6 % (recipe.width - across)
        picture[top : top + down, left : left + across] = random.integers(low, high, (down, across, 3), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = number
        units += [tuple(split_annex_b(bytes(packet))) for packet in encoder.encode(frame)]
    return (*units, *(tuple(split_annex_b(bytes(packet))) for packet in encoder.encode(None)))


def size_of(picture: tuple[bytes, ...]) -> int:
    """Bytes of a picture."""
    return sum(map(len, picture))
