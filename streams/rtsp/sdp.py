"""Session descriptions (RFC 4566; fmtp: see streams.rtp.codecs) as cameras write them, and as our server does. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from streams.rtp.audio import AUDIO_CLOCK_HZ, PAYLOAD_TYPES, AudioFormat
from streams.rtp.codecs import CODECS
from streams.rtp.frames import VIDEO_CLOCK_HZ, VideoFormat

_STATIC_VIDEO = {25: "CELB", 26: "JPEG", 28: "NV", 31: "H261", 32: "MPV", 33: "MP2T", 34: "H263"}
_STATIC_AUDIO = {number: name for name, number in PAYLOAD_TYPES.items()}
_MAX_MEDIA = 64
_UNUSABLE_IN_URL = re.compile(r"[\x00-\x20\x7f]")
PAYLOAD_TYPE = 96
TRACK, AUDIO_TRACK = "trackID=0", "trackID=1"


@dataclass(slots=True)
class Media:
    """One m= section. All dicts go by payload type; encodings are (upper-case name, clock rate)."""

    kind: str
    port: int
    protocol: str
    payload_types: list[int]
    control: str = ""
    encodings: dict[int, tuple[str, int]] = field(default_factory=dict)
    channels: dict[int, int] = field(default_factory=dict)
    parameters: dict[int, dict[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Session:
    """A whole description: the control attribute before the first m= section, and the sections."""

    control: str = ""
    media: list[Media] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """What a client needs of a description: where to SETUP, where to PLAY, and what will come."""

    format: VideoFormat
    payload_type: int
    clock_hz: int
    setup_url: str
    play_url: str
    is_reordered: bool = False  # packets come in another order than that of decoding, which we do not undo


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """What a client needs to take the sound beside the video."""

    format: AudioFormat
    payload_type: int
    setup_url: str


def parse_sdp(data: bytes) -> Session:
    """Read what can be read; a line that makes no sense is skipped, as are unknown attributes. Never raises."""
    session = Session()
    for raw in re.split(r"\r\n|\n|\r", data.decode("utf-8", "replace")):
        line = raw.strip()
        kind, _, value = line.partition("=")
        if kind == "m" and len(session.media) < _MAX_MEDIA:
            media = _parse_media(value)
            if media:
                session.media.append(media)
        elif kind == "a":
            _take_attribute(session, value)
    return session


def _parse_media(value: str) -> Media | None:
    words = value.split()
    if len(words) < 3:
        return None
    port = _number(words[1].partition("/")[0])
    types = [number for number in map(_number, words[3:]) if number is not None and number < 128]
    return Media(words[0].lower(), port or 0, words[2].upper(), types)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _take_attribute(session: Session, text: str) -> None:
    name, _, value = text.partition(":")
    name, value = name.strip().lower(), value.strip()
    media = session.media[-1] if session.media else None
    if name == "control":
        if media:
            media.control = value
        else:
            session.control = value
    elif media and name == "rtpmap":
        _take_encoding(media, value)
    elif media and name == "fmtp":
        _take_parameters(media, value)


def _take_encoding(media: Media, value: str) -> None:
    words = value.split(None, 1)
    payload_type = _number(words[0]) if len(words) == 2 else None
    if payload_type is not None:
        name, _, rate = words[1].partition("/")
        rate, _, channels = rate.partition("/")
        media.encodings[payload_type] = (_clean(name), _number(rate.strip()) or VIDEO_CLOCK_HZ)
        media.channels[payload_type] = _number(channels.strip()) or 1


def _clean(name: str) -> str:
    return re.sub(r"[^A-Z0-9._+-]", "", name.upper())[:32]


def _take_parameters(media: Media, value: str) -> None:
    words = value.split(None, 1)
    payload_type = _number(words[0]) if len(words) == 2 else None
    if payload_type is None:
        return
    known = media.parameters.setdefault(payload_type, {})
    for item in words[1].split(";"):
        name, equals, text = item.partition("=")
        if equals:
            known[name.strip().lower()] = text.strip().strip('"')


def find_video(session: Session, base_url: str) -> VideoTrack | None:
    """The first H.264 video, else the first H.265, else the first of any codec; None when there is no video at all.

    `base_url` is what relative control URLs refer to, see `base_url_of`.
    """
    videos = [(media, kind) for media in session.media if media.kind == "video" for kind in _offered(media)]
    if not videos:
        return None
    ranks = {name: rank for rank, name in enumerate(CODECS)}
    media, payload_type = min(videos, key=lambda found: ranks.get(_codec(*found)[0], len(ranks)))
    codec, clock_hz = _codec(media, payload_type)
    parameters = media.parameters.get(payload_type, {})
    known = CODECS.get(codec)
    play_url = resolve_control(base_url, session.control)
    return VideoTrack(
        format=VideoFormat(codec, known.read_sets(parameters) if known else ()),
        payload_type=payload_type,
        clock_hz=clock_hz,
        setup_url=_setup_url(session, media, base_url),
        play_url=play_url,
        is_reordered=known is not None and known.reorders(parameters),
    )


def find_audio(session: Session, base_url: str) -> AudioTrack | None:
    """The first sound that can be passed on as it is (G.711, one channel); None when there is none."""
    for media in session.media:
        for payload_type in _offered(media) if media.kind == "audio" else ():
            given = media.encodings.get(payload_type)
            codec, clock_hz = given or (_STATIC_AUDIO.get(payload_type, ""), AUDIO_CLOCK_HZ)
            is_mono = media.channels.get(payload_type, 1) == 1
            if codec in PAYLOAD_TYPES and clock_hz == AUDIO_CLOCK_HZ and is_mono:
                return AudioTrack(AudioFormat(codec), payload_type, _setup_url(session, media, base_url))
    return None


def _setup_url(session: Session, media: Media, base_url: str) -> str:
    is_absolute = _is_absolute(session.control)
    return resolve_control(resolve_control(base_url, session.control) if is_absolute else base_url, media.control)


def _offered(media: Media) -> list[int]:
    return media.payload_types or sorted(media.encodings)


def _codec(media: Media, payload_type: int) -> tuple[str, int]:
    encoding = media.encodings.get(payload_type)
    return encoding or (_STATIC_VIDEO.get(payload_type, "UNKNOWN"), VIDEO_CLOCK_HZ)


def _is_absolute(url: str) -> bool:
    return url.lower().startswith(("rtsp://", "rtsps://"))


def base_url_of(request_url: str, content_base: str, content_location: str) -> str:
    """What relative URLs refer to (RFC 2326 appendix C.1.1); a header that is no RTSP URL is passed over."""
    for candidate in (content_base.strip(), content_location.strip()):
        if _is_absolute(candidate) and not _UNUSABLE_IN_URL.search(candidate):
            return candidate
    return request_url


def resolve_control(base_url: str, control: str) -> str:
    """The URL of a control attribute.

    Relative ones are appended after a slash, not merged as RFC 3986 says: every camera and client does it so, and
    cameras with a query in their URL rely on it.
    """
    if control in ("", "*") or _UNUSABLE_IN_URL.search(control):
        return base_url
    if _is_absolute(control):
        return control
    return base_url.rstrip("/") + "/" + control.lstrip("/")


def build_sdp(
    video: VideoFormat,
    *,
    address: str,
    session_id: int,
    name: str = "camera",
    audio: AudioFormat | None = None,
) -> bytes:
    """The description of one live video, and its sound, for clients of our server; `address` is the server's own IP.

    Raises:
        ValueError: the format is none of CODECS, or name or address would break a line.
    """
    codec = CODECS.get(video.codec)
    if codec is None:
        raise ValueError(f"cannot describe {video.codec}")
    if any(ord(char) < 32 for char in name + address):
        raise ValueError("name and address are single lines")
    family = "IP6" if ":" in address else "IP4"
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN {family} {address}",
        f"s={name or '-'}",
        f"c=IN {family} {'::' if family == 'IP6' else '0.0.0.0'}",  # noqa: S104  # unicast: the client's to choose
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        "a=recvonly",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} {codec.name}/{VIDEO_CLOCK_HZ}",
        *([f"a=fmtp:{PAYLOAD_TYPE} {parameters}"] if (parameters := codec.fmtp(video)) else []),
        f"a=control:{TRACK}",
        *(_describe_audio(audio) if audio else []),
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def _describe_audio(audio: AudioFormat) -> list[str]:
    payload_type = PAYLOAD_TYPES[audio.codec]
    return [
        f"m=audio 0 RTP/AVP {payload_type}",
        f"a=rtpmap:{payload_type} {audio.codec}/{AUDIO_CLOCK_HZ}",
        f"a=control:{AUDIO_TRACK}",
    ]
