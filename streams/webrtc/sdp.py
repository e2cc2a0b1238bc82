"""A viewer's offer and our answer (RFC 8829, RFC 8839, RFC 8841, RFC 8842, RFC 8843). Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aiortc import sdp as aiortc_sdp

from streams.datagrams import MAX_TEXT_BYTES
from streams.errors import StreamError, StreamFault
from streams.rtp.audio import AUDIO_CLOCK_HZ, PAYLOAD_TYPES
from streams.webrtc.codecs import VideoChoice, find_choices
from streams.webrtc.mux import IceCredentials

MAX_OFFER_BYTES = 64 << 10
_MAX_SECTIONS = 16
_DATA_FORMATS = ["webrtc-datachannel"]
_SCTP_PORT = 5000
_DEFAULT_MAX_MESSAGE = 65_536  # RFC 8841 section 6.1
_HOST_UDP, _HOST_TCP = 126, 90  # type preferences; that of TCP is below a reflexive UDP candidate's, above a relay's
_PASSIVE = 4  # direction preference of RFC 6544 section 4.2
_HASHES = ("sha-256", "sha-384", "sha-512")
# What a parser made for well-formed text raises on the other kind.
_PARSE_ERRORS = (AssertionError, AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class OfferedSection:
    """One m= section, as much as its rejection has to repeat."""

    kind: str
    protocol: str
    formats: tuple[str, ...]
    mid: str


@dataclass(frozen=True, slots=True)
class OfferedData:
    """A data section that we can serve: its place, the viewer's SCTP port, the longest message it takes (0: any)."""

    section: int
    port: int
    max_message: int


@dataclass(frozen=True, slots=True)
class OfferedAudio:
    """A section that wants sound and shares the video's transport: its place, and payload types by codec.

    `payload_type` is that of the codec which is sent, once that is known.
    """

    section: int
    payload_types: Mapping[str, int]
    codec: str = ""

    @property
    def payload_type(self) -> int:
        """Of what is sent."""
        return self.payload_types[self.codec]


@dataclass(frozen=True, slots=True)
class ViewerOffer:
    """What a viewer wants and can: the video section's place, its usable payload types, its DTLS and ICE identity.

    `bundle` are the numbers of the sections that we accept in the viewer's BUNDLE group, in the group's order. What it
    says of `audio` holds once `with_audio` has said what the camera sends.
    """

    sections: tuple[OfferedSection, ...]
    video: int
    choices: tuple[VideoChoice, ...]
    fingerprints: tuple[tuple[str, str], ...]
    ufrag: str
    bundle: tuple[int, ...] = ()
    data: OfferedData | None = None
    audio: OfferedAudio | None = None

    def with_audio(self, codec: str) -> ViewerOffer:
        """The offer to a camera that sends this sound; "" is none that may be heard."""
        audio = self.audio
        if audio is None:
            return self
        if codec in audio.payload_types:
            return replace(self, audio=replace(audio, codec=codec))
        return replace(self, audio=None, bundle=tuple(number for number in self.bundle if number != audio.section))

    @property
    def transport(self) -> OfferedSection:
        """The section whose transport all accepted ones share: the first of the bundle, or the video."""
        return self.sections[self.bundle[0] if self.bundle else self.video]


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What an answer is made of besides the offer. `addresses` are literal IPs; `fingerprint` is (algorithm, value).

    `tcp`: whether the port is served over TCP too.
    """

    addresses: Sequence[str]
    port: int
    ice: IceCredentials
    fingerprint: tuple[str, str]
    ssrc: int
    cname: str
    rtx_ssrc: int = 0  # of the packets that are sent again, where the viewer takes them
    audio_ssrc: int = 0  # of the sound, where there is any
    tcp: bool = False


def parse_offer(text: str) -> ViewerOffer:
    """Read a viewer's offer.

    Raises:
        StreamError: BAD_OFFER, saying what is wrong; CODEC when the viewer can show no video as cameras send it.
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
    group = _bundle(description, media.rtp.muxId)
    by_mid = {item.rtp.muxId: number for number, item in reversed(list(enumerate(description.media)))}
    data = _data(description.media, group, text)
    tagged = description.media[by_mid.get(group[0], video)] if group else media
    fingerprints, ufrag = _identity(media, tagged)
    audio = _audio_section(description.media, group)
    accepted = {video, *(item.section for item in (data, audio) if item)}
    return ViewerOffer(
        sections=tuple(_section(item) for item in description.media),
        video=video,
        choices=find_choices(media),
        fingerprints=fingerprints,
        ufrag=ufrag,
        bundle=tuple(number for mid in group if (number := by_mid.get(mid, -1)) in accepted),
        data=data,
        audio=audio,
    )


def build_answer(offer: ViewerOffer, choice: VideoChoice, facts: AnswerFacts) -> str:
    """Our answer: sends one video, has sound and data beside it, refuses the rest, is ICE-lite and DTLS server."""
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
    ]
    if offer.bundle:
        lines.append(" ".join(("a=group:BUNDLE", *(offer.sections[number].mid for number in offer.bundle))))
    lines += ["a=msid-semantic:WMS *", "a=ice-lite"]
    for number, section in enumerate(offer.sections):
        if number == offer.video:
            lines += _video(section, choice, facts)
        elif offer.data and number == offer.data.section:
            lines += _data_channels(section, facts)
        elif offer.audio and number == offer.audio.section:
            lines += _audio(section, offer.audio, facts)
        else:
            lines += _rejected(section)
            continue
        lines += _transport(facts, with_candidates=section is offer.transport)
    return "\r\n".join(lines) + "\r\n"


def candidate_lines(addresses: Sequence[str], port: int, *, tcp: bool = False) -> list[str]:
    """An a=candidate line for each address, the first one preferred (RFC 8445 section 5.1.2.1).

    With `tcp` a second one each, preferred to none of the others (RFC 6544 section 4): TCP is for networks that let no
    UDP out, for what is lost there holds up all that follows it.
    """
    lines = []
    for number, address in enumerate(addresses):
        priority = (_HOST_UDP << 24) | ((65535 - number) << 8) | 255
        lines.append(f"a=candidate:{number + 1} 1 udp {priority} {address} {port} typ host")
    for number, address in enumerate(addresses if tcp else ()):
        priority = (_HOST_TCP << 24) | (((_PASSIVE << 13) | (8191 - number)) << 8) | 255
        foundation = len(addresses) + number + 1
        lines.append(f"a=candidate:{foundation} 1 tcp {priority} {address} {port} typ host tcptype passive")
    return lines


def _bad(detail: str) -> StreamError:
    return StreamError(StreamFault.BAD_OFFER, detail)


def _section(media: aiortc_sdp.MediaDescription) -> OfferedSection:
    formats = tuple(str(item) for item in media.fmt[:1])
    return OfferedSection(media.kind, media.profile, formats, media.rtp.muxId or "")


def _bundle(description: aiortc_sdp.SessionDescription, mid: str | None) -> list[str]:
    """The BUNDLE group that this section is in; empty if in none."""
    groups = [list(map(str, group.items)) for group in description.group if group.semantic == "BUNDLE"]
    return next((group for group in groups if mid and mid in group), [])


def _data(sections: Sequence[aiortc_sdp.MediaDescription], group: Sequence[str], text: str) -> OfferedData | None:
    """The first section of data channels that shares the video's transport, if there is one."""
    lines = [line for line in text.splitlines() if line.startswith("m=") or line.strip() == "a=bundle-only"]
    for number, media in enumerate(sections):
        is_data = media.kind == "application" and media.profile == "UDP/DTLS/SCTP" and media.fmt == _DATA_FORMATS
        if not is_data or media.rtp.muxId not in group or not 0 < (media.sctp_port or 0) < 65_536:
            continue
        # Port 0 means that the section is off, unless it is said to live in the bundle only (RFC 8843 section 6).
        place = [at for at, line in enumerate(lines) if line.startswith("m=")][number]
        if media.port == 0 and lines[place + 1 : place + 2] != ["a=bundle-only"]:
            continue
        limit = media.sctpCapabilities.maxMessageSize if media.sctpCapabilities else _DEFAULT_MAX_MESSAGE
        return OfferedData(number, int(media.sctp_port or 0), max(0, limit))
    return None


def _audio_section(sections: Sequence[aiortc_sdp.MediaDescription], group: Sequence[str]) -> OfferedAudio | None:
    """The first section that would receive sound as cameras send it, and shares the video's transport."""
    for number, media in enumerate(sections):
        wants = media.kind == "audio" and media.direction in (None, "recvonly", "sendrecv")
        if not wants or media.rtp.muxId not in group or "SAVPF" not in media.profile:
            continue
        known = {codec.mimeType.partition("/")[2].upper(): codec for codec in reversed(media.rtp.codecs)}
        found = {name: known[name].payloadType for name in PAYLOAD_TYPES if name in known}
        types = {name: int(number) for name, number in found.items() if number is not None}
        if types:
            return OfferedAudio(number, types)
    return None


def _identity(
    video: aiortc_sdp.MediaDescription, tagged: aiortc_sdp.MediaDescription
) -> tuple[tuple[tuple[str, str], ...], str]:
    """The viewer's DTLS fingerprints and ICE user name fragment, if its transport is one that we serve.

    A bundle's later sections may leave them to its first one, the tagged one (RFC 8843 section 7.1.3).
    """
    if "SAVPF" not in video.profile:
        raise _bad(f"the offer wants {video.profile}; only DTLS-SRTP is served")
    media = video if video.ice and video.ice.usernameFragment else tagged
    if media.dtls is None or not media.dtls.fingerprints:
        raise _bad("the offer has no DTLS fingerprint")
    if not any(item.algorithm.lower() in _HASHES for item in media.dtls.fingerprints):
        raise _bad("the offer has no DTLS fingerprint of a known hash")
    if media.dtls.role == "server":
        raise _bad("the offer insists on a=setup:passive; it has to be actpass or active")
    if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
        raise _bad("the offer has no ICE user name fragment and password")
    return tuple((item.algorithm.lower(), item.value) for item in media.dtls.fingerprints), media.ice.usernameFragment


def _video(section: OfferedSection, choice: VideoChoice, facts: AnswerFacts) -> list[str]:
    ssrcs = [facts.ssrc] if choice.rtx is None else [facts.ssrc, facts.rtx_ssrc]
    types = " ".join(str(item) for item in (choice.payload_type, choice.rtx) if item is not None)
    return [
        f"m=video {facts.port} {section.protocol} {types}",
        _connection(facts),
        "a=sendonly",
        *([f"a=mid:{section.mid}"] if section.mid else []),
        f"a=msid:{facts.cname} video",
        "a=rtcp-mux",
        *choice.lines(),
        *([f"a=ssrc-group:FID {facts.ssrc} {facts.rtx_ssrc}"] if choice.rtx is not None else []),
        *(f"a=ssrc:{ssrc} {item}" for ssrc in ssrcs for item in (f"cname:{facts.cname}", f"msid:{facts.cname} video")),
    ]


def _audio(section: OfferedSection, audio: OfferedAudio, facts: AnswerFacts) -> list[str]:
    ssrc, payload_type = facts.audio_ssrc, audio.payload_type
    # A stream of its own: browsers hold the pictures of one back until its sound is ready, and pictures are steered by.
    msid = f"{facts.cname}-sound audio"
    return [
        f"m=audio {facts.port} {section.protocol} {payload_type}",
        _connection(facts),
        "a=sendonly",
        f"a=mid:{section.mid}",
        f"a=msid:{msid}",
        "a=rtcp-mux",
        f"a=rtpmap:{payload_type} {audio.codec}/{AUDIO_CLOCK_HZ}",
        f"a=ssrc:{ssrc} cname:{facts.cname}",
        f"a=ssrc:{ssrc} msid:{msid}",
    ]


def _data_channels(section: OfferedSection, facts: AnswerFacts) -> list[str]:
    return [
        f"m=application {facts.port} {section.protocol} {' '.join(section.formats)}",
        _connection(facts),
        f"a=mid:{section.mid}",
        f"a=sctp-port:{_SCTP_PORT}",
        f"a=max-message-size:{MAX_TEXT_BYTES}",
    ]


def _connection(facts: AnswerFacts) -> str:
    family = "IP6" if ipaddress.ip_address(facts.addresses[0]).version == 6 else "IP4"
    return f"c=IN {family} {facts.addresses[0]}"


def _transport(facts: AnswerFacts, *, with_candidates: bool) -> list[str]:
    """Who we are, in every accepted section; where we are, in the first of the bundle only (RFC 8843 section 7.2)."""
    algorithm, value = facts.fingerprint
    candidates = [*candidate_lines(facts.addresses, facts.port, tcp=facts.tcp), "a=end-of-candidates"]
    return [
        *(candidates if with_candidates else []),
        f"a=ice-ufrag:{facts.ice.ufrag}",
        f"a=ice-pwd:{facts.ice.password}",
        f"a=fingerprint:{algorithm} {value}",
        "a=setup:passive",
    ]


def _rejected(section: OfferedSection) -> list[str]:
    lines = [f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}", "c=IN IP4 0.0.0.0", "a=inactive"]
    return [*lines, f"a=mid:{section.mid}"] if section.mid else lines
