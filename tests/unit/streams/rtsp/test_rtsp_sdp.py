from __future__ import annotations

import pytest

from streams.rtp.audio import AudioFormat
from streams.rtp.codecs import CODECS
from streams.rtp.frames import VideoFormat
from streams.rtsp.sdp import AudioTrack, base_url_of, build_sdp, find_audio, find_video, parse_sdp, resolve_control
from tests.support.rtsp_kit import encoded_units

SPS = bytes.fromhex("6742c00bda02806f")
PPS = bytes.fromhex("68ce3c80")
BASE = "rtsp://10.0.0.1:554/Streaming/Channels/101/"


def sdp(*lines: str) -> bytes:
    return "\r\n".join(("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=x", *lines, "")).encode()


def test_a_camera_with_audio_metadata_and_absolute_controls() -> None:
    track = find_video(
        parse_sdp(
            sdp(
                f"a=control:{BASE}",
                "m=audio 0 RTP/AVP 8",
                f"a=control:{BASE}trackID=2",
                "m=video 0 RTP/AVP 96",
                "b=AS:5100",
                "a=recvonly",
                f"a=control:{BASE}trackID=1",
                "a=rtpmap:96 H264/90000",
                "a=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=Z0LAC9oCgG8=,aM48gA==",
                "a=Media_header:MEDIAINFO=494D4B48010100000400010000000000000000000000000000000000",
                "m=application 0 RTP/AVP 107",
                "a=rtpmap:107 vnd.onvif.metadata/90000",
            )
        ),
        BASE,
    )
    assert track is not None
    assert track.format == VideoFormat("H264", (SPS, PPS))
    assert (track.payload_type, track.clock_hz) == (96, 90000)
    assert (track.setup_url, track.play_url) == (BASE + "trackID=1", BASE)


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ("Z0LAC9oCgG8,aM48gA", (SPS, PPS)),  # padding cut off
        ("aM48gA==,Z0LAC9oCgG8=,", (SPS, PPS)),  # wrong order, comma at the end
        ("AAAAAWdCwAvaAoBv,AAAAAWjOPIA=", (SPS, PPS)),  # with start codes
        ("%%%,Z0LAC9oCgG8=", (SPS,)),
        ("é", ()),
        ("", ()),
    ],
)
def test_parameter_sets_as_vendors_write_them(sets: str, expected: tuple[bytes, ...]) -> None:
    session = parse_sdp(sdp("m=video 0 RTP/AVP 96", "a=rtpmap:96 h264/90000", f"a=fmtp:96 sprop-parameter-sets={sets}"))
    track = find_video(session, BASE)
    assert track is not None
    assert track.format == VideoFormat("H264", expected)


def test_h265_and_its_parameter_sets() -> None:
    lines = ("m=video 0 RTP/AVP 98", "a=rtpmap:98 H265/90000", "a=fmtp:98 sprop-vps=QAE=;sprop-sps=QgE=;sprop-pps=RAE=")
    track = find_video(parse_sdp(sdp(*lines)), BASE)
    assert track is not None
    assert track.format == VideoFormat("H265", (b"\x40\x01", b"\x42\x01", b"\x44\x01"))


@pytest.mark.parametrize(
    ("lines", "codec"),
    [
        (["m=video 0 RTP/AVP 26"], "JPEG"),
        (["m=video 0 RTP/AVP 99"], "UNKNOWN"),
        (["m=video 0 RTP/AVP 98 96", "a=rtpmap:98 H265/90000", "a=rtpmap:96 H264/90000"], "H264"),
        (["m=video 0 RTP/AVP 26", "m=video 0 RTP/AVP 96", "a=rtpmap:96 H265/90000"], "H265"),
        (["m=video 0 RTP/AVP 26", "m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000"], "H264"),
    ],
)
def test_which_video_is_taken(lines: list[str], codec: str) -> None:
    track = find_video(parse_sdp(sdp(*lines)), BASE)
    assert track is not None
    assert track.format.codec == codec


def test_no_video() -> None:
    assert find_video(parse_sdp(sdp("m=audio 0 RTP/AVP 0")), BASE) is None
    assert parse_sdp(b"<html>\r\nm=\r\na=rtpmap:x\r\n\xff\xfe").media == []


@pytest.mark.parametrize(
    ("base", "control", "expected"),
    [
        ("rtsp://h/a/", "trackID=1", "rtsp://h/a/trackID=1"),
        ("rtsp://h/a", "trackID=1", "rtsp://h/a/trackID=1"),
        ("rtsp://h/a/", "/trackID=1", "rtsp://h/a/trackID=1"),
        ("rtsp://h/cam?channel=1&subtype=0/", "trackID=0", "rtsp://h/cam?channel=1&subtype=0/trackID=0"),
        ("rtsp://h/a", "*", "rtsp://h/a"),
        ("rtsp://h/a", "", "rtsp://h/a"),
        ("rtsp://h/a", "RTSP://other/b", "RTSP://other/b"),
        ("rtsp://h/a", "x\r\nEvil: yes", "rtsp://h/a"),
    ],
)
def test_control_urls(base: str, control: str, expected: str) -> None:
    assert resolve_control(base, control) == expected


@pytest.mark.parametrize(
    ("base", "location", "expected"),
    [
        ("rtsp://h/b/", "rtsp://h/l", "rtsp://h/b/"),
        ("", "rtsp://h/l", "rtsp://h/l"),
        ("", "", "rtsp://h/r"),
        ("/b/", "http://h/l", "rtsp://h/r"),
        ("rtsp://h/b d", "", "rtsp://h/r"),
    ],
)
def test_base_urls(base: str, location: str, expected: str) -> None:
    assert base_url_of("rtsp://h/r", base, location) == expected


def test_our_own_description_is_read_back() -> None:
    video = VideoFormat("H264", (SPS, PPS))
    data = build_sdp(video, address="127.0.0.1", session_id=7, name="main")
    track = find_video(parse_sdp(data), "rtsp://h/main/")
    assert track is not None
    assert (track.format, track.setup_url, track.play_url) == (video, "rtsp://h/main/trackID=0", "rtsp://h/main/")
    assert b"profile-level-id=42c00b" in data
    assert b"IN IP6 ::1" in build_sdp(video, address="::1", session_id=7)
    with pytest.raises(ValueError, match="VP8"):
        build_sdp(VideoFormat("VP8"), address="127.0.0.1", session_id=7)
    with pytest.raises(ValueError, match="single lines"):
        build_sdp(video, address="127.0.0.1", session_id=7, name="a\r\nb")


H265_SETS = CODECS["H265"].only_sets(encoded_units(30, "H265")[0].nals)


def test_an_h265_description_is_read_back_with_profile_tier_and_level() -> None:
    video = VideoFormat("H265", H265_SETS)
    data = build_sdp(video, address="127.0.0.1", session_id=7)
    track = find_video(parse_sdp(data), "rtsp://h/main/")
    assert track is not None
    assert track.format == video
    assert b"a=rtpmap:96 H265/90000\r\na=fmtp:96 profile-id=1;tier-flag=0;level-id=30;sprop-vps=" in data
    assert b"fmtp" not in build_sdp(VideoFormat("H265"), address="127.0.0.1", session_id=7)


@pytest.mark.parametrize(
    ("lines", "is_reordered"),
    [
        (["a=rtpmap:96 H265/90000", "a=fmtp:96 sprop-max-don-diff=2"], True),
        (["a=rtpmap:96 H265/90000", "a=fmtp:96 sprop-max-don-diff=0"], False),
        (["a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=2"], True),
        (["a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1"], False),
        (["a=rtpmap:96 JPEG/90000"], False),
    ],
)
def test_an_interleaved_order_is_noticed(lines: list[str], is_reordered: bool) -> None:
    track = find_video(parse_sdp("\n".join(["m=video 0 RTP/AVP 96", *lines]).encode()), "rtsp://h/")
    assert track is not None
    assert track.is_reordered is is_reordered


def test_audio_beside_the_video_is_let_be() -> None:
    video = ("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=control:t2")
    text = sdp("m=audio 0 RTP/AVP 0", "a=control:t1", *video, "m=audio 0 RTP/AVP 97")
    track = find_video(parse_sdp(text), "rtsps://h/x")
    assert track is not None
    assert (track.format.codec, track.setup_url) == ("H264", "rtsps://h/x/t2")


VIDEO = ("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=control:v")


@pytest.mark.parametrize(
    ("lines", "codec", "payload_type"),
    [
        (["m=audio 0 RTP/AVP 8"], "PCMA", 8),
        (["m=audio 0 RTP/AVP 0"], "PCMU", 0),
        (["m=audio 0 RTP/AVP 97", "a=rtpmap:97 pcmu/8000"], "PCMU", 97),
        (["m=audio 0 RTP/AVP 97 8", "a=rtpmap:97 mpeg4-generic/16000/1", "a=rtpmap:8 PCMA/8000/1"], "PCMA", 8),
    ],
)
def test_g711_is_found_by_its_name_or_its_number(lines: list[str], codec: str, payload_type: int) -> None:
    track = find_audio(parse_sdp(sdp(*VIDEO, *lines, "a=control:a")), BASE)
    assert track == AudioTrack(AudioFormat(codec), payload_type, BASE.rstrip("/") + "/a")


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic/16000/1"],
        ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 PCMA/16000"],
        ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 PCMA/8000/2"],
        ["m=application 0 RTP/AVP 0"],
    ],
)
def test_sound_that_cannot_be_passed_on_is_none(lines: list[str]) -> None:
    assert find_audio(parse_sdp(sdp(*VIDEO, *lines)), BASE) is None


def test_our_description_of_sound_is_read_again() -> None:
    video = VideoFormat("H264", (SPS, PPS))
    for codec in ("PCMU", "PCMA"):
        data = build_sdp(video, address="192.0.2.1", session_id=1, audio=AudioFormat(codec))
        track = find_audio(parse_sdp(data), "rtsp://h/main/")
        assert track is not None
        assert (track.format.codec, track.setup_url) == (codec, "rtsp://h/main/trackID=1")
    assert find_audio(parse_sdp(build_sdp(video, address="192.0.2.1", session_id=1)), "rtsp://h/") is None
