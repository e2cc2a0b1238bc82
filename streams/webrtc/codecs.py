"""Which of a viewer's payload types carries what the camera sends (RFC 6184, RFC 7798, RFC 4588). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiortc import sdp as aiortc_sdp
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from streams.errors import StreamError, StreamFault
from streams.rtp.codecs import words_of

CODECS = ("H264", "H265")
_DEFAULT_PROFILE = "42e01f"
_HIGH = 4  # as `_rank` counts
_FEEDBACK = (("nack", None), ("nack", "pli"), ("ccm", "fir"), ("goog-remb", None))
_H265_MAIN = "1"


@dataclass(frozen=True, slots=True)
class VideoChoice:
    """One payload type of an offer that a camera's packets fit in.

    `parameters` is the a=fmtp of our answer, `feedback` in SDP's words, `rtx` the payload type in which packets are
    sent again (None: the viewer wants no retransmission stream), `profile_level_id` of H.264 only.
    """

    payload_type: int
    codec: str = "H264"
    parameters: str = ""
    profile_level_id: str = _DEFAULT_PROFILE
    feedback: tuple[str, ...] = ()
    rtx: int | None = None

    def lines(self) -> list[str]:
        """The attributes of the answer that describe this payload type, and its retransmission."""
        number = self.payload_type
        lines = [f"a=rtpmap:{number} {self.codec}/90000", *(f"a=rtcp-fb:{number} {item}" for item in self.feedback)]
        if self.parameters:
            lines.append(f"a=fmtp:{number} {self.parameters}")
        if self.rtx is not None:
            lines += [f"a=rtpmap:{self.rtx} rtx/90000", f"a=fmtp:{self.rtx} apt={number}"]
        return lines


def find_choices(media: aiortc_sdp.MediaDescription) -> tuple[VideoChoice, ...]:
    """The payload types of an offered section that a camera's video may be sent in, in the offer's order.

    Raises:
        StreamError: CODEC, when there is none.
    """
    order = {payload_type: place for place, payload_type in enumerate(media.fmt)}
    codecs = [codec for codec in media.rtp.codecs if codec.clockRate == 90_000 and codec.payloadType is not None]
    codecs.sort(key=lambda codec: order.get(codec.payloadType, len(order)))
    repairs = _repairs(codecs)
    choices = [*_h264(codecs, repairs), *_h265(codecs, repairs)]
    if not choices:
        detail = "the viewer offers no H.264 with packetization-mode 1, which is what is sent"
        raise StreamError(StreamFault.CODEC, detail, codec="H264")
    return tuple(choices)


def offers(choices: Sequence[VideoChoice], codec: str) -> bool:
    """Whether the viewer takes this codec."""
    return any(choice.codec == codec for choice in choices)


def choose(choices: Sequence[VideoChoice], codec: str = "H264", profile_level_id: str | None = None) -> VideoChoice:
    """The offered payload type that fits what the camera sends best.

    H.264: the same profile if offered; else the least one above it, up to High; else the greatest below, for decoders
    know Main and High although browsers offer little more than Baseline. High 4:4:4 is offered by Chromium, but only
    its software decoder takes it, so it comes last. H.265: the first that is offered.

    Raises:
        StreamError: CODEC, when the viewer does not take this codec.
    """
    fitting = [choice for choice in choices if choice.codec == codec]
    if not fitting:
        name = words_of(codec)
        raise StreamError(
            StreamFault.CODEC, f"the camera sends {name}, which this viewer does not take by WebRTC", codec=codec
        )
    if codec != "H264":
        return fitting[0]
    wanted = _rank(profile_level_id or _DEFAULT_PROFILE)

    def preference(choice: VideoChoice) -> tuple[bool, bool, int]:
        rank = _rank(choice.profile_level_id)
        return rank != wanted and rank > _HIGH, rank < wanted, abs(rank - wanted)

    return min(fitting, key=preference)


def _repairs(codecs: Sequence[RTCRtpCodecParameters]) -> dict[int, int]:
    """Payload type to that of its retransmission (a=fmtp apt)."""
    found: dict[int, int] = {}
    for codec in codecs:
        apt = str(codec.parameters.get("apt", "")).strip()
        if codec.mimeType.lower() == "video/rtx" and apt.isascii() and apt.isdigit():
            found.setdefault(int(apt), int(codec.payloadType or 0))
    return found


def _h264(codecs: Sequence[RTCRtpCodecParameters], repairs: Mapping[int, int]) -> list[VideoChoice]:
    codecs = [codec for codec in codecs if codec.mimeType.lower() == "video/h264"]
    modes = {codec.payloadType: str(codec.parameters.get("packetization-mode", "")).strip() for codec in codecs}
    usable = [codec for codec in codecs if modes[codec.payloadType] == "1"]
    # GStreamer leaves the mode out and means that it takes all.
    usable = usable or [codec for codec in codecs if not modes[codec.payloadType]]
    choices = []
    for codec in usable:
        profile = str(codec.parameters.get("profile-level-id") or _DEFAULT_PROFILE).strip().lower()
        parameters = f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}"
        choices.append(_choice(codec, "H264", repairs, parameters, profile))
    return choices


def _h265(codecs: Sequence[RTCRtpCodecParameters], repairs: Mapping[int, int]) -> list[VideoChoice]:
    """Those of a single RTP stream (tx-mode SRST); the answer repeats what was offered, Main profile first."""
    choices = []
    for codec in codecs:
        given = {name: str(value).strip() for name, value in codec.parameters.items()}
        if codec.mimeType.lower() == "video/h265" and given.get("tx-mode", "SRST").upper() == "SRST":
            parameters = ";".join(f"{name}={value}" for name, value in given.items())
            choices.append((given.get("profile-id", _H265_MAIN), _choice(codec, "H265", repairs, parameters)))
    return [choice for _, choice in sorted(choices, key=lambda item: item[0] != _H265_MAIN)]


def _choice(
    codec: RTCRtpCodecParameters, name: str, repairs: Mapping[int, int], parameters: str, profile: str = ""
) -> VideoChoice:
    offered = {(item.type, item.parameter or None) for item in codec.rtcpFeedback}
    feedback = tuple(f"{kind} {more}" if more else kind for kind, more in _FEEDBACK if (kind, more) in offered)
    number = int(codec.payloadType or 0)
    rtx = repairs.get(number) if "nack" in feedback else None
    return VideoChoice(number, name, parameters, profile, feedback, rtx)


def _rank(profile_level_id: str) -> int:
    """Profiles in the order of what a decoder has to know: 0 constrained baseline to 5 high 4:4:4; 9 if unknown."""
    try:
        profile, _ = aiortc_sdp.parse_h264_profile_level_id(profile_level_id[:4] + "1f")
    except ValueError:
        return 9
    return int(profile.value)
