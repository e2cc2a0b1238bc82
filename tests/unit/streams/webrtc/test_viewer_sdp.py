from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiortc import sdp as aiortc_sdp

from streams.errors import StreamError, StreamFault
from streams.webrtc.codecs import choose, offers
from streams.webrtc.mux import IceCredentials
from streams.webrtc.sdp import AnswerFacts, build_answer, candidate_lines, parse_offer

OFFERS = Path(__file__).parents[3] / "fixtures" / "offers"
FACTS = AnswerFacts(
    addresses=("192.0.2.9", "127.0.0.1"),
    port=8555,
    ice=IceCredentials("ufragufrag", "p" * 36),
    fingerprint=("sha-256", "AA:BB"),
    ssrc=1234,
    cname="cname",
    rtx_ssrc=5678,
)


def offer_text(name: str) -> str:
    return (OFFERS / f"{name}.sdp").read_bytes().decode()


def answer_to(text: str, profile: str | None = None) -> aiortc_sdp.SessionDescription:
    offer = parse_offer(text)
    return aiortc_sdp.SessionDescription.parse(build_answer(offer, choose(offer.choices, "H264", profile), FACTS))


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
    codec, *repairs = media.rtp.codecs
    assert codec.mimeType == "video/H264"
    assert codec.parameters["packetization-mode"] == "1"
    assert codec.payloadType in offered.media[0].fmt
    wanted = [item for item in offered.media[0].rtp.codecs if item.parameters.get("apt") == codec.payloadType]
    assert [item.payloadType for item in repairs] == [item.payloadType for item in wanted]
    assert [item.ssrc for item in media.ssrc] == ([1234, 5678] if wanted else [1234])
    assert [str(group) for group in media.ssrc_group] == (["FID 1234 5678"] if wanted else [])


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
    assert choose(parse_offer(offer_text("chromium")).choices, "H264", camera).profile_level_id == answered


def test_only_offered_feedback_is_answered() -> None:
    chromium = parse_offer(offer_text("chromium")).choices[0]
    gstreamer = parse_offer(offer_text("gstreamer")).choices[0]
    assert chromium.feedback == ("nack", "nack pli", "ccm fir", "goog-remb")
    assert gstreamer.feedback == ("nack pli", "ccm fir")


H265 = (
    "m=video 9 UDP/TLS/RTP/SAVPF 49 50 51 52\r\na=rtpmap:49 H265/90000\r\na=rtcp-fb:49 nack\r\n"
    "a=fmtp:49 level-id=93;profile-id=2;tier-flag=0;tx-mode=SRST\r\na=rtpmap:50 rtx/90000\r\na=fmtp:50 apt=49\r\n"
    "a=rtpmap:51 H265/90000\r\na=rtcp-fb:51 nack\r\na=fmtp:51 level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST\r\n"
    "a=rtpmap:52 H265/90000\r\na=fmtp:52 profile-id=1;tx-mode=MRST\r\n"
)


def test_a_viewer_that_takes_h265_gets_it_as_it_is() -> None:
    head, video = offer_text("gstreamer").split("m=video", 1)
    rest = [line for line in video.splitlines()[1:] if not line.startswith(("a=rtpmap", "a=fmtp", "a=rtcp-fb"))]
    offer = parse_offer(head + H265 + "\r\n".join(rest) + "\r\n")
    assert offers(offer.choices, "H265")
    assert not offers(offer.choices, "H264")
    choice = choose(offer.choices, "H265")
    assert (choice.payload_type, choice.rtx) == (51, None), "Main before Main 10"
    text = build_answer(offer, choice, FACTS)
    assert "a=rtpmap:51 H265/90000\r\n" in text
    assert "a=fmtp:51 level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST\r\n" in text
    assert [item.rtx for item in offer.choices] == [None, 50]
    with pytest.raises(StreamError, match=r"sends H\.264, which this viewer does not take") as caught:
        choose(offer.choices, "H264", "42e01f")
    assert (caught.value.fault, caught.value.codec) == (StreamFault.CODEC, "H264")


def test_a_camera_of_a_codec_that_is_not_offered_is_named() -> None:
    with pytest.raises(StreamError, match=r"sends H\.265") as caught:
        choose(parse_offer(offer_text("chromium")).choices, "H265")
    assert (caught.value.fault, caught.value.codec) == (StreamFault.CODEC, "H265")


AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:9\r\na=rtpmap:111 opus/48000/2\r\na=recvonly\r\n"
DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:7\r\na=sctp-port:5000\r\n"


def test_other_sections_are_refused_in_place() -> None:
    head, video = offer_text("gstreamer").split("m=video", 1)
    answer = answer_to(head + AUDIO + "m=video" + video + DATA)
    assert [(media.kind, media.port) for media in answer.media] == [("audio", 0), ("video", 8555), ("application", 0)]
    assert parse_offer(head + AUDIO + "m=video" + video + DATA).data is None, "data has to share the video's transport"
    assert [media.rtp.muxId for media in answer.media] == ["9", "video0", "7"]
    assert [group.items for group in answer.group] == [["video0"]]


def with_data(order: str, *, group: str = "", change: tuple[str, str] = ("", "")) -> str:
    """An offer with the sections of `order`: v(ideo), d(ata), a(udio); all bundled unless `group` says otherwise."""
    head, video = offer_text("chromium").split("m=video", 1)
    identity = "".join(
        f"{line}\r\n" for line in video.splitlines() if line.startswith(("a=ice-", "a=fingerprint", "a=setup"))
    )
    data = DATA.replace(*change) + "a=max-message-size:262144\r\n" + identity
    sections = {"v": "m=video" + video, "d": data, "a": AUDIO}
    mids = {"v": "0", "d": "7", "a": "9"}
    head = head.replace("a=group:BUNDLE 0", f"a=group:BUNDLE {group or ' '.join(mids[item] for item in order)}")
    return head + "".join(sections[item] for item in order)


@pytest.mark.parametrize(("order", "bundle"), [("vd", "0 7"), ("dv", "7 0"), ("adv", "7 0"), ("vad", "0 7")])
def test_a_data_section_is_accepted_wherever_it_stands(order: str, bundle: str) -> None:
    text = with_data(order)
    offer, answer = parse_offer(text), answer_to(text)
    kinds = {"v": "video", "d": "application", "a": "audio"}
    assert [media.kind for media in answer.media] == [kinds[item] for item in order]
    assert [media.rtp.muxId for media in answer.media] == [{"v": "0", "d": "7", "a": "9"}[item] for item in order]
    assert [group.items for group in answer.group] == [bundle.split()]
    assert offer.data is not None
    assert (offer.data.section, offer.data.port, offer.data.max_message) == (order.index("d"), 5000, 262_144)
    data, video = (answer.media[order.index(item)] for item in "dv")
    assert (data.profile, data.fmt, data.sctp_port) == ("UDP/DTLS/SCTP", ["webrtc-datachannel"], 5000)
    assert data.sctpCapabilities is not None
    assert data.sctpCapabilities.maxMessageSize == 4096
    for media in (data, video):
        assert media.port == 8555
        assert media.dtls is not None
        assert (media.dtls.role, media.dtls.fingerprints[0].value) == ("server", "AA:BB")
        assert (media.ice.usernameFragment, media.ice.password) == ("ufragufrag", "p" * 36)
        is_first = media.rtp.muxId == bundle.split(maxsplit=1)[0]
        assert (len(media.ice_candidates), media.ice_candidates_complete) == ((2, True) if is_first else (0, False))
    assert offer.transport.mid == bundle.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    "text",
    [
        with_data("vd", group="0"),
        with_data("vd", change=("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000")),
        with_data("vd", change=("a=sctp-port:5000\r\n", "")),
        with_data("vd", change=("a=sctp-port:5000", "a=sctp-port:0")),
        with_data("vd", change=("a=sctp-port:5000", "a=sctp-port:70000")),
        with_data("vd", change=("webrtc-datachannel", "something-else")),
        with_data("vd", change=("application 9", "application 0")),
    ],
)
def test_a_data_section_that_cannot_be_served_is_refused_and_the_video_is_not(text: str) -> None:
    assert parse_offer(text).data is None
    answer = answer_to(text)
    assert [(media.kind, media.port > 0) for media in answer.media] == [("video", True), ("application", False)]
    assert [group.items for group in answer.group] == [["0"]]


def test_a_section_that_lives_in_the_bundle_only_has_port_0_and_is_accepted() -> None:
    change = ("application 9", "application 0")
    text = with_data("vd", change=change).replace("a=mid:7", "a=bundle-only\r\na=mid:7")
    assert parse_offer(text).data is not None


def test_a_second_data_section_is_refused() -> None:
    text = with_data("vd", group="0 7 8") + DATA.replace("mid:7", "mid:8")
    assert [media.port > 0 for media in answer_to(text).media] == [True, True, False]


def test_a_later_section_of_a_bundle_may_leave_its_identity_to_the_first() -> None:
    text = with_data("dv")
    head, video = text.split("m=video", 1)
    kept = [line for line in video.splitlines() if not line.startswith(("a=ice-", "a=fingerprint", "a=setup"))]
    offer = parse_offer(head + "m=video" + "\r\n".join(kept) + "\r\n")
    assert offer.fingerprints == parse_offer(text).fingerprints
    assert offer.ufrag == parse_offer(text).ufrag


def test_without_a_limit_a_viewer_takes_64_kib() -> None:
    offer = parse_offer(with_data("vd").replace("a=max-message-size:262144\r\n", ""))
    assert offer.data is not None
    assert offer.data.max_message == 65_536


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
        (lambda text: text + DATA.replace("sctp-port:5000", "sctp-port:x"), StreamFault.BAD_OFFER),
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


def test_tcp_candidates_are_passive_and_preferred_to_no_udp_one() -> None:
    lines = candidate_lines(["192.0.2.9", "2001:db8::1"], 8555, tcp=True)
    words = [line.removeprefix("a=candidate:").split() for line in lines]
    assert [word[2] for word in words] == ["udp", "udp", "tcp", "tcp"]
    assert [word[4] for word in words] == ["192.0.2.9", "2001:db8::1"] * 2
    assert len({word[0] for word in words}) == 4
    priorities = [int(word[3]) for word in words]
    assert priorities == sorted(priorities, reverse=True)
    assert all(word[8:] == ["tcptype", "passive"] for word in words[2:])
    offer = parse_offer(offer_text("chromium"))
    facts = replace(FACTS, addresses=("2001:db8::1",), tcp=True)
    text = build_answer(offer, choose(offer.choices), facts)
    assert "c=IN IP6 2001:db8::1" in text
    assert "tcptype passive" in text
    assert "tcptype" not in build_answer(offer, choose(offer.choices), FACTS)


G711 = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\r\nc=IN IP4 0.0.0.0\r\na=mid:9\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=recvonly\r\n"
)


def with_sound(order: str, *, group: str = "", section: str = G711) -> str:
    return with_data(order, group=group).replace(AUDIO, section)


def answered(text: str, codec: str) -> Any:
    offer = parse_offer(text).with_audio(codec)
    return offer, aiortc_sdp.SessionDescription.parse(build_answer(offer, offer.choices[0], FACTS))


@pytest.mark.parametrize(("order", "bundle"), [("va", "0 9"), ("av", "9 0"), ("vda", "0 7 9")])
@pytest.mark.parametrize(("codec", "payload_type"), [("PCMU", 0), ("PCMA", 8)])
def test_sound_is_sent_as_the_camera_has_it(order: str, bundle: str, codec: str, payload_type: int) -> None:
    _, answer = answered(with_sound(order), codec)
    (audio,) = (media for media in answer.media if media.kind == "audio")
    assert (audio.port, audio.direction, audio.fmt) == (8555, "sendonly", [payload_type])
    assert [(each.mimeType, each.payloadType) for each in audio.rtp.codecs] == [(f"audio/{codec}", payload_type)]
    assert [" ".join(map(str, group.items)) for group in answer.group] == [bundle]
    video = next(media for media in answer.media if media.kind == "video")
    assert audio.ssrc[0].ssrc != video.ssrc[0].ssrc
    assert audio.ssrc[0].cname == video.ssrc[0].cname
    assert audio.msid.split()[0] != video.msid.split()[0], "browsers would hold pictures back for the sound"


@pytest.mark.parametrize("codec", ["", "AAC"])
def test_without_sound_to_send_its_section_is_refused(codec: str) -> None:
    offer, answer = answered(with_sound("av"), codec)
    assert [(media.kind, media.port) for media in answer.media] == [("audio", 0), ("video", 8555)]
    assert [group.items for group in answer.group] == [["0"]]
    assert (offer.audio, offer.transport.kind) == (None, "video")


@pytest.mark.parametrize(
    "text",
    [
        with_sound("av", group="0"),
        with_sound("av", section=G711.replace("a=recvonly", "a=sendonly")),
        with_sound("av", section=G711.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")),
        with_sound("av", section=AUDIO),
    ],
    ids=["not bundled", "would send", "not encrypted", "opus only"],
)
def test_a_section_that_cannot_take_the_sound_is_refused(text: str) -> None:
    assert parse_offer(text).audio is None
