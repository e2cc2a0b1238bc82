"""libx264 through PyAV, set up as a camera's encoder: no B-frames, no look-ahead, one slice, headers with every IDR."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from simulators.imaging import Picture
from streams.rtp.frames import VIDEO_CLOCK_HZ, AccessUnit
from streams.rtp.nal import AUD, IDR, PPS, SEI, SPS, nal_type, split_annex_b

Profile = Literal["constrained-baseline", "main", "high"]

# ultrafast switches off what makes a stream Main or High, and x264 then announces Baseline: switch it on again.
_TOOLS: dict[Profile, str] = {
    "constrained-baseline": "cabac=0:8x8dct=0",
    "main": "cabac=1:8x8dct=0:weightp=1",
    "high": "cabac=1:8x8dct=1:weightp=1",
}
_NAMES: dict[Profile, str] = {"constrained-baseline": "baseline", "main": "main", "high": "high"}
_BT601 = "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"  # what OpenCV converts to


@dataclass(frozen=True, slots=True)
class EncoderSetting:
    """All that decides what the bytes look like."""

    width: int
    height: int
    fps: int
    bitrate_kbps: int
    profile: Profile
    idr_interval_s: float

    @property
    def idr_interval_frames(self) -> int:
        """Pictures from one IDR to the next."""
        return max(1, round(self.idr_interval_s * self.fps))


class H264Encoder:
    """One running encoder; belongs to one thread at a time."""

    def __init__(self, setting: EncoderSetting) -> None:
        self._context = _open(setting)

    def encode(self, picture: Picture, timestamp: int, *, key: bool = False) -> AccessUnit | None:
        """One BGR picture as an access unit of the same timestamp (1/90000 s, must grow); None if nothing came out."""
        planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), dtype=np.uint8)
        frame = VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = timestamp
        frame.time_base = self._context.time_base
        frame.pict_type = PictureType.I if key else PictureType.NONE
        data = b"".join(bytes(packet) for packet in self._context.encode(frame))
        return access_unit(data, timestamp)


def access_unit(annex_b: bytes, timestamp: int) -> AccessUnit | None:
    """An encoder's output for one picture as an access unit; delimiters and encoder's notes (SEI) are left out."""
    nals = tuple(nal for nal in split_annex_b(annex_b) if nal_type(nal) not in (AUD, SEI))
    if not nals:
        return None
    return AccessUnit(nals, timestamp, is_key=any(nal_type(nal) == IDR for nal in nals))


@lru_cache(maxsize=64)
def parameter_sets(setting: EncoderSetting) -> tuple[bytes, ...]:
    """SPS and PPS of a setting, from a throw-away encoder that codes one grey picture; takes some 20 ms, once."""
    grey = np.full((setting.height, setting.width, 3), 128, dtype=np.uint8)
    unit = H264Encoder(setting).encode(grey, 0, key=True)
    found = tuple(nal for nal in (unit.nals if unit else ()) if nal_type(nal) in (SPS, PPS))
    if len(found) < 2:
        raise RuntimeError(f"libx264 gave no parameter sets for {setting}")
    return found


def _open(setting: EncoderSetting) -> VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    if not isinstance(context, VideoCodecContext):
        raise TypeError("libx264 is not a video encoder here")
    context.width, context.height = setting.width, setting.height
    context.pix_fmt = "yuv420p"
    context.framerate = Fraction(setting.fps)
    context.time_base = Fraction(1, VIDEO_CLOCK_HZ)
    context.bit_rate = setting.bitrate_kbps * 1000
    context.gop_size = setting.idr_interval_frames
    context.max_b_frames = 0
    context.thread_count = 1
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": _NAMES[setting.profile],
        "forced-idr": "1",
        "maxrate": f"{setting.bitrate_kbps}k",
        "bufsize": f"{setting.bitrate_kbps}k",
        "x264-params": f"scenecut=0:repeat-headers=1:sliced-threads=0:bframes=0:{_TOOLS[setting.profile]}:{_BT601}",
    }
    context.open()
    return context
