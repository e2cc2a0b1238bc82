"""What the phones' browsers are answered; where their offers are from: tests/fixtures/offers/README.md."""

from __future__ import annotations

import pytest
from aiortc import sdp as aiortc_sdp

from streams.errors import StreamError, StreamFault
from streams.webrtc.codecs import choose, offers
from streams.webrtc.sdp import build_answer, parse_offer
from tests.unit.streams.webrtc.test_viewer_sdp import FACTS, offer_text

BASELINE, CONSTRAINED, MAIN, HIGH = "42001f", "42c01f", "4d401f", "640028"


def answered(text: str, codec: str, camera: str | None = None, sound: str = "") -> aiortc_sdp.SessionDescription:
    offer = parse_offer(text).with_audio(sound)
    return aiortc_sdp.SessionDescription.parse(build_answer(offer, choose(offer.choices, codec, camera), FACTS))


def video_of(answer: aiortc_sdp.SessionDescription) -> aiortc_sdp.MediaDescription:
    (video,) = (media for media in answer.media if media.kind == "video")
    return video


@pytest.mark.parametrize(
    ("name", "camera", "payload_type", "profile", "rtx"),
    [
        ("chromium", CONSTRAINED, 108, "42e01f", 109),
        ("chromium", BASELINE, 102, "42001f", 103),
        ("chromium", MAIN, 116, "4d001f", 117),
        ("chromium", HIGH, 116, "4d001f", 117),
        ("firefox-h264", CONSTRAINED, 126, "42e01f", 127),
        ("firefox-h264", BASELINE, 105, "42001f", 106),
        ("firefox-h264", MAIN, 105, "42001f", 106),  # the most that Firefox offers
        ("firefox-h264", HIGH, 105, "42001f", 106),
        ("safari", CONSTRAINED, 98, "42e01f", 99),
        ("safari", BASELINE, 96, "640c1f", 97),  # more than the constrained one, which is all else that Safari offers
        ("safari", MAIN, 96, "640c1f", 97),
        ("safari", HIGH, 96, "640c1f", 97),
        ("safari-h264", CONSTRAINED, 98, "42e01f", 99),
        ("safari-h264", BASELINE, 96, "640c1f", 97),
        ("safari-h264", MAIN, 96, "640c1f", 97),
        ("safari-h264", HIGH, 96, "640c1f", 97),
    ],
)
def test_h264_of_every_profile_is_sent_as_the_browser_knows_it_best(
    name: str, camera: str, payload_type: int, profile: str, rtx: int
) -> None:
    video = video_of(answered(offer_text(name), "H264", camera))
    codec, repair = video.rtp.codecs
    assert (codec.mimeType, codec.payloadType) == ("video/H264", payload_type)
    assert codec.parameters["profile-level-id"] == profile
    assert codec.parameters["packetization-mode"] == "1"
    assert {item.type for item in codec.rtcpFeedback} == {"nack", "ccm", "goog-remb"}
    assert (repair.mimeType, repair.payloadType, repair.parameters) == ("video/rtx", rtx, {"apt": payload_type})
    assert [str(group) for group in video.ssrc_group] == ["FID 1234 5678"]


def test_a_firefox_of_before_baseline_gets_every_profile_as_constrained_baseline() -> None:
    later = ("105", "106", "103", "104")
    lines = offer_text("firefox-h264").replace(" 105 106 103 104 ", " ").splitlines(keepends=True)
    text = "".join(line for line in lines if line.partition(":")[2].partition(" ")[0] not in later)
    choices = parse_offer(text).choices
    assert [(each.payload_type, each.rtx) for each in choices] == [(126, 127)], "97 is of packetization-mode 0"
    assert {choose(choices, "H264", each).payload_type for each in (CONSTRAINED, BASELINE, MAIN, HIGH)} == {126}


@pytest.mark.parametrize("parameters", ["", "level-id=93;tx-mode=SRST"])
def test_safari_gets_h265_in_the_words_in_which_it_offers_it(parameters: str) -> None:
    text = offer_text("safari")
    if parameters:  # some versions say more
        text = text.replace("a=rtpmap:105", f"a=fmtp:104 {parameters}\r\na=rtpmap:105")
    offer = parse_offer(text)
    answer = build_answer(offer, choose(offer.choices, "H265"), FACTS)
    said = [f"a=fmtp:104 {parameters}"] if parameters else []
    assert [line for line in answer.splitlines() if line.startswith(("a=rtpmap", "a=fmtp"))] == [
        *("a=rtpmap:104 H265/90000", *said),
        *("a=rtpmap:105 rtx/90000", "a=fmtp:105 apt=104"),
    ]


@pytest.mark.parametrize("name", ["firefox-h264", "safari-h264", "chromium"])
def test_h265_is_refused_by_its_name_to_who_does_not_offer_it(name: str) -> None:
    offer = parse_offer(offer_text(name))
    assert not offers(offer.choices, "H265")
    with pytest.raises(StreamError, match=r"sends H\.265") as caught:
        choose(offer.choices, "H265")
    assert (caught.value.fault, caught.value.codec) == (StreamFault.CODEC, "H265")


@pytest.mark.parametrize("name", ["firefox", "firefox-audio"])
def test_a_firefox_without_h264_is_told_what_it_lacks(name: str) -> None:
    with pytest.raises(StreamError, match=r"offers no H\.264 with packetization-mode 1") as caught:
        parse_offer(offer_text(name))
    assert (caught.value.fault, caught.value.codec) == (StreamFault.CODEC, "H264")


@pytest.mark.parametrize("name", ["firefox-h264", "safari", "safari-h264"])
def test_the_data_channel_is_taken_in_the_videos_transport(name: str) -> None:
    text = offer_text(name)
    offer, answer = parse_offer(text), answered(text, "H264")
    assert offer.data is not None
    assert offer.data.max_message == (1_073_741_823 if name == "firefox-h264" else 262_144)
    assert [(media.kind, media.port) for media in answer.media] == [("video", 8555), ("application", 8555)]
    assert [group.items for group in answer.group] == [["0", "1"]]
    assert all(media.dtls is not None and media.dtls.role == "server" for media in answer.media)


def test_firefox_with_sound_before_the_picture_bundles_what_is_taken() -> None:
    """Its video and data then live in the bundle only, with port 0 and the fingerprint above all sections."""
    vp9, h264 = "max-fs=12288;max-fr=60", "profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1"
    text = offer_text("firefox-audio").replace("a=rtpmap:121 VP9", "a=rtpmap:121 H264")
    text = text.replace(f"a=fmtp:121 {vp9}", f"a=fmtp:121 {h264}")
    offer, answer = parse_offer(text), answered(text, "H264")
    assert [media.kind for media in answer.media] == ["audio", "video", "application"]
    assert [media.port for media in answer.media] == [0, 8555, 8555]
    assert [group.items for group in answer.group] == [["1", "2"]]
    assert f"a=ice-ufrag:{offer.ufrag}\r\n" in text
    assert [codec.payloadType for codec in video_of(answer).rtp.codecs] == [121, 125]


def test_firefox_hears_what_the_camera_sends() -> None:
    text = offer_text("firefox-audio").replace("a=rtpmap:121 VP9", "a=rtpmap:121 H264")
    text = text.replace("a=fmtp:121 max-fs=12288;max-fr=60", "a=fmtp:121 profile-level-id=42e01f;packetization-mode=1")
    for sound, payload_type in (("PCMU", 0), ("PCMA", 8)):
        answer = answered(text, "H264", sound=sound)
        assert [media.port for media in answer.media] == [8555, 8555, 8555]
        assert [codec.payloadType for codec in answer.media[0].rtp.codecs] == [payload_type]
        assert [group.items for group in answer.group] == [["0", "1", "2"]]
