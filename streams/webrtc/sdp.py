"""A viewer's offer and our answer (RFC 8829, RFC 8839, RFC 8842, RFC 6184 section 8). Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from aiortc import sdp as aiortc_sdp
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from streams.errors import StreamError, StreamFault
from streams.webrtc.mux import IceCredentials

MAX_OFFER_BYTES = 64 << 10
_MAX_SECTIONS = 16
_HASHES = ("sha-256", "sha-384", "sha-512")
# What a parser made for well-formed text raises on the other kind.
_PARSE_ERRORS = (AssertionError, AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError)
_DEFAULT_PROFILE = "42e01f"
_HIGH = 4  # as `_rank` counts
_FEEDBACK = (("nack", None), ("nack", "pli"), ("ccm", "fir"))


@dataclass(frozen=True, slots=True)
class H264Choice:
    """One H.264 payload type of an offer with packetization-mode 1; `feedback` in SDP's words."""

    payload_type: int
    profile_level_id: str
    feedback: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferedSection:
    """One m= section, as much as its rejection has to repeat."""

    kind: str
    protocol: str
    formats: tuple[str, ...]
    mid: str


@dataclass(frozen=True, slots=True)
class ViewerOffer:
    """What a viewer wants and can: the video section's place, its H.264 payload types, its DTLS and ICE identity."""

    sections: tuple[OfferedSection, ...]
    video: int
    choices: tuple[H264Choice, ...]
    fingerprints: tuple[tuple[str, str], ...]
    ufrag: str
    is_bundled: bool = True

    @property
    def mid(self) -> str:
        """The video section's identification."""
        return self.sections[self.video].mid


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What an answer is made of besides the offer. `addresses` are literal IPs; `fingerprint` is (algorithm, value)."""

    addresses: Sequence[str]
    port: int
    ice: IceCredentials
    fingerprint: tuple[str, str]
    ssrc: int
    cname: str


def parse_offer(text: str) -> ViewerOffer:
    """Read a viewer's offer.

    Raises:
        StreamError: BAD_OFFER, saying what is wrong; CODEC when the viewer can show no H.264 as cameras send it.
    """
    if len(text) > MAX_OFFER_BYTES:
        raise _bad(f"the offer exceeds {MAX_OFFER_BYTES} bytes")
    if not text.startswith("v=0"):
        raise _bad("the offer is no session description")
    try:
        description = aiortc_sdp.SessionDescription.parse(text)
    except _PARSE_ERRORS as error:
        raise _bad("the offer cannot be read") from error
    if not 0 < len(description.media) <= _MAX_SECTIONS:
        raise _bad("the offer has no media, or too many")
    videos = [number for number, media in enumerate(description.media) if media.kind == "video"]
    wanted = [number for number in videos if description.media[number].direction in (None, "recvonly", "sendrecv")]
    if not wanted:
        raise _bad("the offer wants to receive no video")
    video = wanted[0]
    media = description.media[video]
    fingerprints, ufrag = _identity(media)
    groups = [group for group in description.group if group.semantic == "BUNDLE"]
    return ViewerOffer(
        sections=tuple(_section(item) for item in description.media),
        video=video,
        choices=_choices(media),
        fingerprints=fingerprints,
        ufrag=ufrag,
        is_bundled=any(media.rtp.muxId in group.items for group in groups),
    )


def choose_payload(offer: ViewerOffer, profile_level_id: str | None) -> H264Choice:
    """The offered payload type that fits what the camera sends best.

    The same profile if offered; else the least one above it, up to High; else the greatest below, for decoders know
    Main and High although browsers offer little more than Baseline. High 4:4:4 is offered by Chromium, but only its
    software decoder takes it, so it comes last.
    """
    wanted = _rank(profile_level_id or _DEFAULT_PROFILE)

    def preference(choice: H264Choice) -> tuple[bool, bool, int]:
        rank = _rank(choice.profile_level_id)
        return rank != wanted and rank > _HIGH, rank < wanted, abs(rank - wanted)

    return min(offer.choices, key=preference)


def build_answer(offer: ViewerOffer, choice: H264Choice, facts: AnswerFacts) -> str:
    """Our answer: sends one H.264 video, refuses everything else, is ICE-lite and DTLS server."""
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
    ]
    if offer.is_bundled:
        lines.append(f"a=group:BUNDLE {offer.mid}")
    lines += ["a=msid-semantic:WMS *", "a=ice-lite"]
    for number, section in enumerate(offer.sections):
        lines += _video(offer, choice, facts) if number == offer.video else _rejected(section)
    return "\r\n".join(lines) + "\r\n"


def candidate_lines(addresses: Sequence[str], port: int) -> list[str]:
    """One a=candidate line for each address, the first one preferred (RFC 8445 section 5.1.2.1)."""
    lines = []
    for number, address in enumerate(addresses):
        priority = (126 << 24) | ((65535 - number) << 8) | 255
        lines.append(f"a=candidate:{number + 1} 1 udp {priority} {address} {port} typ host")
    return lines


def _bad(detail: str) -> StreamError:
    return StreamError(StreamFault.BAD_OFFER, detail)


def _section(media: aiortc_sdp.MediaDescription) -> OfferedSection:
    formats = tuple(str(item) for item in media.fmt[:1])
    return OfferedSection(media.kind, media.profile, formats, media.rtp.muxId or "")


def _identity(media: aiortc_sdp.MediaDescription) -> tuple[tuple[tuple[str, str], ...], str]:
    """The section's DTLS fingerprints and ICE user name fragment, if its transport is one that we serve."""
    if "SAVPF" not in media.profile:
        raise _bad(f"the offer wants {media.profile}; only DTLS-SRTP is served")
    if media.dtls is None or not media.dtls.fingerprints:
        raise _bad("the offer has no DTLS fingerprint")
    if not any(item.algorithm.lower() in _HASHES for item in media.dtls.fingerprints):
        raise _bad("the offer has no DTLS fingerprint of a known hash")
    if media.dtls.role == "server":
        raise _bad("the offer insists on a=setup:passive; it has to be actpass or active")
    if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
        raise _bad("the offer has no ICE user name fragment and password")
    return tuple((item.algorithm.lower(), item.value) for item in media.dtls.fingerprints), media.ice.usernameFragment


def _choices(media: aiortc_sdp.MediaDescription) -> tuple[H264Choice, ...]:
    codecs = [codec for codec in media.rtp.codecs if codec.mimeType.lower() == "video/h264"]
    codecs = [codec for codec in codecs if codec.clockRate == 90_000 and codec.payloadType is not None]
    order = {payload_type: place for place, payload_type in enumerate(media.fmt)}
    codecs.sort(key=lambda codec: order.get(codec.payloadType, len(order)))
    modes = {codec.payloadType: str(codec.parameters.get("packetization-mode", "")).strip() for codec in codecs}
    usable = [codec for codec in codecs if modes[codec.payloadType] == "1"]
    # GStreamer leaves the mode out and means that it takes all.
    usable = usable or [codec for codec in codecs if not modes[codec.payloadType]]
    if not usable:
        detail = "the viewer offers no H.264 with packetization-mode 1, which is what is sent"
        raise StreamError(StreamFault.CODEC, detail, codec="H264")
    return tuple(_choice(codec) for codec in usable)


def _choice(codec: RTCRtpCodecParameters) -> H264Choice:
    offered = {(item.type, item.parameter or None) for item in codec.rtcpFeedback}
    feedback = tuple(f"{kind} {more}" if more else kind for kind, more in _FEEDBACK if (kind, more) in offered)
    profile = str(codec.parameters.get("profile-level-id") or _DEFAULT_PROFILE).strip().lower()
    return H264Choice(int(codec.payloadType or 0), profile, feedback)


def _rank(profile_level_id: str) -> int:
    """Profiles in the order of what a decoder has to know: 0 constrained baseline to 5 high 4:4:4; 9 if unknown."""
    try:
        profile, _ = aiortc_sdp.parse_h264_profile_level_id(profile_level_id[:4] + "1f")
    except ValueError:
        return 9
    return int(profile.value)


def _video(offer: ViewerOffer, choice: H264Choice, facts: AnswerFacts) -> list[str]:
    section, payload_type = offer.sections[offer.video], choice.payload_type
    fmtp = f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={choice.profile_level_id}"
    family = "IP6" if ipaddress.ip_address(facts.addresses[0]).version == 6 else "IP4"
    algorithm, value = facts.fingerprint
    lines = [
        f"m=video {facts.port} {section.protocol} {payload_type}",
        f"c=IN {family} {facts.addresses[0]}",
        "a=sendonly",
        *([f"a=mid:{section.mid}"] if section.mid else []),
        f"a=msid:{facts.cname} video",
        "a=rtcp-mux",
        f"a=rtpmap:{payload_type} H264/90000",
        *(f"a=rtcp-fb:{payload_type} {item}" for item in choice.feedback),
        f"a=fmtp:{payload_type} {fmtp}",
        f"a=ssrc:{facts.ssrc} cname:{facts.cname}",
        f"a=ssrc:{facts.ssrc} msid:{facts.cname} video",
    ]
    lines += candidate_lines(facts.addresses, facts.port)
    lines += [
        "a=end-of-candidates",
        f"a=ice-ufrag:{facts.ice.ufrag}",
        f"a=ice-pwd:{facts.ice.password}",
        f"a=fingerprint:{algorithm} {value}",
        "a=setup:passive",
    ]
    return lines


def _rejected(section: OfferedSection) -> list[str]:
    lines = [f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}", "c=IN IP4 0.0.0.0", "a=inactive"]
    return [*lines, f"a=mid:{section.mid}"] if section.mid else lines
