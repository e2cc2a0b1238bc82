from __future__ import annotations

from pathlib import Path

import pytest
from aiortc import sdp as aiortc_sdp

from streams.errors import StreamError, StreamFault
from streams.webrtc.mux import IceCredentials
from streams.webrtc.sdp import AnswerFacts, build_answer, choose_payload, parse_offer

OFFERS = Path(__file__).parents[3] / "fixtures" / "offers"
FACTS = AnswerFacts(
    addresses=("192.0.2.9", "127.0.0.1"),
    port=8555,
    ice=IceCredentials("ufragufrag", "p" * 36),
    fingerprint=("sha-256", "AA:BB"),
    ssrc=1234,
    cname="cname",
)


def offer_text(name: str) -> str:
    return (OFFERS / f"{name}.sdp").read_bytes().decode()


def answer_to(text: str, profile: str | None = None) -> aiortc_sdp.SessionDescription:
    offer = parse_offer(text)
    return aiortc_sdp.SessionDescription.parse(build_answer(offer, choose_payload(offer, profile), FACTS))


@pytest.mark.parametrize("name", ["chromium", "gstreamer", "aiortc"])
def test_offers_of_real_clients_are_answered(name: str) -> None:
    text = offer_text(name)
    offered = aiortc_sdp.SessionDescription.parse(text)
    answer = answer_to(text)
    (media,) = answer.media
    assert media.kind == "video"
    assert media.direction == "sendonly"
    assert media.rtp.muxId == offered.media[0].rtp.muxId
    assert [group.items for group in answer.group] == [[media.rtp.muxId]]
    assert media.ice.iceLite
    assert media.ice.usernameFragment == "ufragufrag"
    assert media.dtls is not None
    assert media.dtls.role == "server"
    assert [(item.ip, item.port, item.type) for item in media.ice_candidates] == [
        ("192.0.2.9", 8555, "host"),
        ("127.0.0.1", 8555, "host"),
    ]
    assert media.ice_candidates[0].priority > media.ice_candidates[1].priority
    (codec,) = media.rtp.codecs
    assert codec.mimeType == "video/H264"
    assert codec.parameters["packetization-mode"] == "1"
    assert codec.payloadType in offered.media[0].fmt


@pytest.mark.parametrize(
    ("camera", "answered"),
    [
        ("42c01f", "42e01f"),
        ("42001f", "42001f"),
        ("4d401f", "4d001f"),
        ("640028", "4d001f"),  # Chromium offers no High, and its High 4:4:4 is for software decoders only
        ("f4001f", "f4001f"),
        (None, "42e01f"),
        ("ffffff", "4d001f"),
    ],
)
def test_the_payload_type_fits_the_camera(camera: str | None, answered: str) -> None:
    assert choose_payload(parse_offer(offer_text("chromium")), camera).profile_level_id == answered


def test_only_offered_feedback_is_answered() -> None:
    chromium = parse_offer(offer_text("chromium")).choices[0]
    gstreamer = parse_offer(offer_text("gstreamer")).choices[0]
    assert chromium.feedback == ("nack", "nack pli", "ccm fir")
    assert gstreamer.feedback == ("nack pli", "ccm fir")


AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:9\r\na=rtpmap:111 opus/48000/2\r\na=recvonly\r\n"
DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:7\r\na=sctp-port:5000\r\n"


def test_other_sections_are_refused_in_place() -> None:
    head, video = offer_text("gstreamer").split("m=video", 1)
    answer = answer_to(head + AUDIO + "m=video" + video + DATA)
    assert [(media.kind, media.port) for media in answer.media] == [("audio", 0), ("video", 8555), ("application", 0)]
    assert [media.rtp.muxId for media in answer.media] == ["9", "video0", "7"]
    assert [group.items for group in answer.group] == [["video0"]]


def test_a_second_video_section_is_refused() -> None:
    text = offer_text("gstreamer")
    video = "m=video" + text.split("m=video", 1)[1].replace("video0", "video1")
    assert [media.port for media in answer_to(text + video).media] == [8555, 0]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda text: "", StreamFault.BAD_OFFER),
        (lambda text: "v=0\r\n", StreamFault.BAD_OFFER),
        (lambda text: "v=0\r\nm=video x y z\r\n", StreamFault.BAD_OFFER),
        (lambda text: text + "a=x:" + "y" * 70_000, StreamFault.BAD_OFFER),
        (lambda text: text.replace("a=recvonly", "a=sendonly"), StreamFault.BAD_OFFER),
        (lambda text: text.replace("a=setup:actpass", "a=setup:passive"), StreamFault.BAD_OFFER),
        (lambda text: text.replace("a=fingerprint:sha-256", "a=fingerprint:md5"), StreamFault.BAD_OFFER),
        (lambda text: text.replace("a=fingerprint", "a=fingerbeam"), StreamFault.BAD_OFFER),
        (lambda text: text.replace("a=ice-pwd", "a=ice-pax"), StreamFault.BAD_OFFER),
        (lambda text: text.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), StreamFault.BAD_OFFER),
        (lambda text: text.replace("H264/90000", "VP8/90000"), StreamFault.CODEC),
        (lambda text: text.replace("a=mid", "a=fmtp:96 packetization-mode=0\r\na=mid"), StreamFault.CODEC),
    ],
)
def test_unusable_offers_say_so(change: object, fault: StreamFault) -> None:
    assert callable(change)
    with pytest.raises(StreamError) as caught:
        parse_offer(change(offer_text("gstreamer")))
    assert caught.value.fault is fault
    assert caught.value.codec == ("H264" if fault is StreamFault.CODEC else None)
