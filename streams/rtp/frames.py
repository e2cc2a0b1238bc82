"""What travels between the parts of `streams`: a video format and its access units."""

from __future__ import annotations

from dataclasses import dataclass

VIDEO_CLOCK_HZ = 90_000


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """The description of one video stream, as an SDP or an encoder gives it.

    `codec` is the upper-case RTP encoding name ("H264", "H265", "JPEG", ...). `parameter_sets` are NAL units without
    start codes (for H.264 SPS and PPS, for H.265 VPS, SPS and PPS, in that order), empty when they come in band only.
    """

    codec: str
    parameter_sets: tuple[bytes, ...] = ()

    @property
    def profile_level_id(self) -> str | None:
        """The six hex digits of RFC 6184 section 8.1, taken from the SPS; None without an SPS or for other codecs."""
        if self.codec != "H264":
            return None
        for nal in self.parameter_sets:
            if len(nal) >= 4 and nal[0] & 0x1F == 7:
                return nal[1:4].hex()
        return None


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture: its NAL units without start codes, in decoding order.

    `timestamp` is in units of 1/90000 s, unwrapped (it grows beyond 32 bits). `is_key` is True when decoding can begin
    here; a key unit carries its parameter sets. `arrived_s` is the receiver's monotonic clock, `codec` as in
    `VideoFormat`.
    """

    nals: tuple[bytes, ...]
    timestamp: int
    is_key: bool
    arrived_s: float = 0.0
    codec: str = "H264"

    @property
    def size(self) -> int:
        """Bytes of payload in all NAL units."""
        return sum(map(len, self.nals))
