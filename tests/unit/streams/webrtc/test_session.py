from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    pack_remb_fci,
)

from streams.errors import StreamError
from streams.faultlog import FaultLog
from streams.webrtc import session as session_module
from streams.webrtc.adapter import DtlsLink, fingerprint, make_certificate
from streams.webrtc.data import DataCounters
from streams.webrtc.session import SessionState
from streams.webrtc.whep import Fragment, Patch
from tests.unit.streams.webrtc.phone_kit import HOME, STREET, FakeConnection, Room

# The tests hold a socket object that is never bound or connected.
pytestmark = pytest.mark.enable_socket


@pytest_asyncio.fixture
async def room() -> AsyncIterator[Room]:
    room = Room()
    yield room
    await room.close()


async def test_a_check_then_a_handshake_then_live(room: Room) -> None:
    assert room.session.state is SessionState.WAITING
    await room.connect()
    (receiver,) = room.stream.receivers
    assert (receiver.address, receiver.payload_type, receiver.tag_length) == (HOME, 96, 16)
    assert room.session.profile == "SRTP_AEAD_AES_128_GCM"
    assert [state for state, _ in room.states] == [SessionState.CONNECTING, SessionState.LIVE]


async def test_the_viewer_asks_for_key_frames_and_lost_packets(room: Room) -> None:
    await room.connect()
    ours = room.session.ssrc
    room.phone.report(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=ours))
    room.phone.report(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=ours, lost=[7, 9]))
    room.phone.report(RtcpRtpfbPacket(fmt=15, ssrc=1, media_ssrc=ours, lost=[8]))
    for lost in (5, 4, 7):  # 4: an older report, overtaken
        room.phone.report(RtcpRrPacket(1, [RtcpReceiverInfo(ours, 64, lost, 2, 3, 4, 5)]))
    room.phone.report(RtcpRrPacket(1, [RtcpReceiverInfo(ours ^ 1, 1, 99, 2, 3, 4, 5)]))
    assert (room.stream.key_requests, room.session.key_requests) == (1, 1)
    assert room.stream.resent == [7, 9]
    assert room.session.fraction_lost == 0.25
    tally = room.stream.tally
    assert (tally.key_requests, tally.nacked, tally.reported_lost) == (1, 2, 7)
    room.phone.report(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=pack_remb_fci(700_000, [ours])))
    assert room.stream.estimates == [pytest.approx(700_000, rel=1e-3)]


async def test_a_report_tells_the_round_trip_and_which_of_our_reports_it_answers(room: Room) -> None:
    await room.connect()
    assert room.stream.rtts[0] is not None, "the handshake was timed"
    assert 0 < room.stream.rtts[0] < 1
    room.session.tick(room.now_s)
    (sent,) = RtcpPacket.parse(room.phone.rtcp[0])[:1]
    assert isinstance(sent, RtcpSrPacket)
    middle = (sent.sender_info.ntp_timestamp >> 16) & 0xFFFF_FFFF
    for last_sr, expected in ((middle, room.now_s), (0, float("-inf")), (middle - 99_999, float("-inf"))):
        info = RtcpReceiverInfo(room.session.ssrc, 0, 3, 500, 0, last_sr, 0)
        room.phone.report(RtcpRrPacket(1, [info]))
        report = room.stream.reports[-1]
        assert (report.lost, report.highest, report.sr_sent_s) == (3, 500, expected)
    first, unknown, _ = room.stream.reports
    assert first.rtt_s is not None
    assert 0 <= first.rtt_s < 1
    assert unknown.rtt_s is None


async def test_the_receiver_has_a_stream_for_what_is_sent_again(room: Room) -> None:
    await room.connect()
    (receiver,) = room.stream.receivers
    assert receiver.rtx is not None
    assert (receiver.rtx.ssrc, receiver.rtx.payload_type) == (room.session.rtx_ssrc, 97)
    assert room.session.rtx_ssrc != room.session.ssrc


async def test_who_wants_sound_has_a_receiver_for_it_with_reports_of_its_own() -> None:
    room = Room(audio="PCMA")
    await room.connect()
    listener = room.stream.listener
    assert listener is not None
    assert (listener.ssrc, listener.payload_type, listener.rtx) == (room.session.audio_ssrc, 8, None)
    assert listener.address == room.stream.receivers[0].address
    room.session.tick(room.now_s)
    ssrcs = [room.session.ssrc, room.session.audio_ssrc]
    parts = [part for data in room.phone.rtcp for part in RtcpPacket.parse(data)]
    assert [part.ssrc for part in parts if isinstance(part, RtcpSrPacket)] == ssrcs
    room.phone.where = ("192.0.2.77", 4321)
    room.phone.check(room.session.credentials)
    assert listener.address == ("192.0.2.77", 4321)
    await room.close()
    parts = [part for data in room.phone.rtcp for part in RtcpPacket.parse(data)]
    assert [part.sources for part in parts if isinstance(part, RtcpByePacket)] == [ssrcs]


async def test_a_join_is_timed_from_the_offer_to_the_first_packet_and_to_live(room: Room) -> None:
    room.session.offered_s = room.now_s - 3.0
    await room.connect()
    joins = room.stream.tally.joins
    assert (joins.live_s.count, joins.first_packet_s.count) == (1, 0)
    assert 3.0 <= joins.live_s.total < 6.0
    room.stream.receivers[0].first_s = room.now_s - 1.0
    for _ in range(2):
        room.session.tick(room.now_s)
    await room.session.close("enough")
    assert (joins.first_packet_s.count, joins.first_packet_s.total) == (1, pytest.approx(2.0))


async def test_resending_is_bounded_each_second(room: Room) -> None:
    await room.connect()
    for start in range(0, 2000, 100):
        room.session._resend(list(range(start, start + 100)), room.now_s)
    assert len(room.stream.resent) == 512
    room.session._resend([1], room.now_s + 1.1)
    assert len(room.stream.resent) == 513


async def test_over_tcp_what_a_viewer_misses_was_not_sent_and_is_not_sent_late(room: Room) -> None:
    await room.connect()
    room.phone.where = FakeConnection()
    room.phone.check(room.session.credentials)
    room.phone.report(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=room.session.ssrc, lost=[7, 9]))
    assert (room.stream.resent, room.stream.key_requests) == ([], 1)


async def test_while_a_report_out_of_turn_is_not_answered_no_other_takes_its_place(room: Room) -> None:
    await room.connect()
    room.now_s += 1.0
    room.session.tick(room.now_s)
    room.phone.rtcp.clear()
    room.session.report_now()
    middle, asked_s = room.session._sender_reports[-1]
    for _ in range(3):
        room.now_s += 1.0
        room.session.tick(room.now_s)
    assert len(room.phone.rtcp) == 1
    room.phone.report(RtcpRrPacket(1, [RtcpReceiverInfo(room.session.ssrc, 0, 3, 500, 0, middle, 0)]))
    assert room.stream.reports[-1].sr_sent_s == asked_s
    room.session.tick(room.now_s)
    assert len(room.phone.rtcp) == 2, "and then as before"


async def test_sender_reports_come_once_a_second(room: Room) -> None:
    await room.connect()
    for step in range(5):
        room.session.tick(room.now_s + step / 2)
    reports = [RtcpPacket.parse(data)[0] for data in room.phone.rtcp]
    assert len(reports) == 3
    assert isinstance(reports[0], RtcpSrPacket)
    assert reports[0].ssrc == room.session.ssrc
    assert reports[0].sender_info.rtp_timestamp == 90_000
    room.stream.time = None
    room.session.tick(room.now_s + 9)
    assert len(room.phone.rtcp) == 3


async def test_forged_and_damaged_rtcp_is_nothing(
    room: Room, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "streams.webrtc.session")
    monkeypatch.setattr(session_module, "_faults", FaultLog(session_module.log))
    await room.connect()
    heard_s = room.session._heard_s
    sealed = bytearray(room.phone.link.protect_rtcp(bytes(RtcpPsfbPacket(1, 1, room.session.ssrc))))
    sealed[-1] ^= 1
    room.session.on_rtcp(bytes(sealed), heard_s + 5)
    room.session.on_rtcp(b"\x81\xc9", heard_s + 5)
    room.session.on_rtcp(b"\x80", heard_s + 5)
    assert room.session._heard_s == heard_s
    assert room.stream.key_requests == 0
    assert room.stream.tally.bad_rtcp == 2  # the last one is too short to be anything
    assert "viewer session-: bad RTCP" in caplog.text
    assert f"type 206, {len(sealed)} bytes, said to come from ('192.0.2.1', 4000)" in caplog.text


async def test_a_silent_viewer_is_gone_within_ten_seconds(room: Room) -> None:
    await room.connect()
    room.session.tick(room.now_s + 8.5)
    assert room.session.state is SessionState.LIVE
    room.session.tick(room.now_s + 9.5)  # the worker ticks twice a second
    await room.until(lambda: room.session.state is SessionState.CLOSED)
    assert room.states[-1] == (SessionState.CLOSED, "silent")
    assert room.stream.left == room.stream.receivers


async def test_who_never_connects_is_forgotten(room: Room) -> None:
    room.session.tick(room.now_s + 14)
    assert room.session.state is SessionState.WAITING
    room.session.tick(room.now_s + 15.5)
    await room.until(lambda: room.session.state is SessionState.CLOSED)
    room.phone.check(room.session.credentials)
    assert room.phone.last_sent_to is None


async def test_closing_says_goodbye_by_rtcp_and_dtls(room: Room) -> None:
    await room.connect()
    await room.session.close("enough")
    await room.session.close("twice")
    assert room.phone.rtcp[-1][:2] == bytes((0x80, 201))
    assert bytes((0x81, 203)) in room.phone.rtcp[-1]
    await room.until(lambda: room.phone.heard_goodbye)
    assert [state for state, _ in room.states].count(SessionState.CLOSED) == 1
    assert room.states[-1][1] == "enough"


async def test_a_viewer_who_leaves_is_noticed_at_once(room: Room) -> None:
    await room.connect()
    await room.phone.link.close()
    await room.until(lambda: room.session.state is SessionState.CLOSED)
    assert room.states[-1][1] == "the viewer left"


async def test_a_roaming_phone_is_followed_when_it_nominates(room: Room) -> None:
    await room.connect()
    (receiver,) = room.stream.receivers
    room.phone.where = STREET
    room.phone.check(room.session.credentials, nominate=False)
    assert receiver.address == HOME
    room.phone.check(room.session.credentials)
    assert receiver.address == STREET


async def test_a_rebound_nat_is_followed_when_the_old_path_is_silent(room: Room) -> None:
    await room.connect()
    (receiver,) = room.stream.receivers
    room.session.on_check(STREET, nominated=False, priority=0, now_s=room.now_s + 4)
    assert receiver.address == STREET


async def test_moves_are_counted_and_follow_to_the_nominated_address_of_another_kind(room: Room) -> None:
    await room.connect()
    six = ("2001:db8::7", 4002, 0, 0)
    room.phone.where = six
    room.phone.check(room.session.credentials)
    assert room.stream.receivers[0].address == six
    assert room.session.moves == 1
    room.phone.check(room.session.credentials)
    assert room.session.moves == 1
    assert room.session.state is SessionState.LIVE


async def test_an_ice_restart_gets_new_credentials_and_keeps_the_picture(room: Room) -> None:
    await room.connect()
    old, old_tag = room.session.credentials, room.session.etag
    assert room.session.patch(Fragment("other", "p" * 22), "*") is Patch.RESTART
    assert room.session.patch(Fragment("other", "p" * 22), old_tag) is Patch.STALE
    assert room.session.credentials != old
    assert room.session.etag != old_tag
    room.phone.check(old)
    room.phone.where = STREET
    room.phone.check(room.session.credentials)
    assert room.stream.receivers[0].address == STREET
    assert room.session.state is SessionState.LIVE
    for number in range(3):
        room.session.patch(Fragment(f"again{number}", "p" * 22), "*")
    room.phone.last_sent_to = None
    room.phone.check(old)
    assert room.phone.last_sent_to is None


async def test_trickled_candidates_change_nothing(room: Room) -> None:
    before = room.session.credentials
    assert room.session.patch(Fragment("phone", candidates=("1 1 udp",)), room.session.etag) is Patch.TRICKLE
    assert room.session.credentials is before
    with pytest.raises(StreamError):
        room.session.patch(Fragment("other"), "*")


async def test_a_certificate_that_was_not_offered_closes_the_session(room: Room) -> None:
    other = fingerprint(make_certificate())
    room.session.offer = replace(room.phone.offer, fingerprints=(other,))
    room.phone.check(room.session.credentials)
    await room.phone.link.handshake([fingerprint(room.session.certificate)], 3)
    await room.until(lambda: room.session.state is SessionState.CLOSED)
    assert room.states[-1][1] == "the DTLS handshake failed"
    assert room.stream.receivers == []


async def test_texts_of_the_data_channel_are_heard_and_answered_and_end_with_the_session() -> None:
    room = Room(data=True)
    room.session.send_text("too early")
    await room.connect()
    answers: list[str] = []
    theirs = await room.phone.link.open_data(5000, 0, answers.append, DataCounters())
    theirs.open()
    await room.until(lambda: theirs.is_open)
    theirs.send("left")
    await room.until(lambda: room.texts)
    assert room.texts == [("session-1", "left")]
    room.session.send_text("done")
    await room.until(lambda: answers)
    assert answers == ["done"]
    await room.session.close("enough")
    room.session.send_text("too late")
    await room.until(lambda: not theirs.is_open)
    assert (room.counters.sent, room.counters.unsent) == (1, 1)
    await room.close()


async def test_a_viewer_without_a_data_section_has_no_sctp_at_all(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DtlsLink, "open_data", None)  # would raise
    await room.connect()
    room.session.send_text("nobody hears this")
    assert room.counters == DataCounters()


async def test_a_data_channel_that_cannot_be_opened_costs_the_viewer_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(DtlsLink, "open_data", None)
    room = Room(data=True)
    await room.connect()
    assert room.stream.receivers
    assert "cannot be opened" in caplog.text
    await room.close()
