from __future__ import annotations

from streams.rtp.packet import RtpPacket, build_packet, pack_header
from streams.rtp.receiver import H264Receiver
from streams.rtp.rtcp import Bye, ReceiverReport, SenderReport, build_bye, build_sender_report, parse_rtcp

SETS = (bytes.fromhex("6742c00bda02806f"), bytes.fromhex("68ce3c80"))
IDR = b"\x65\x88idr"


def packet(sequence: int, timestamp: int, ssrc: int = 5, payload_type: int = 96) -> bytes:
    return build_packet(RtpPacket(payload_type, True, sequence, timestamp, ssrc, IDR))


def test_units_come_out_and_everything_is_counted() -> None:
    receiver = H264Receiver(96, SETS, ssrc=1)
    assert receiver.rtp(packet(1, 0), 0.0)[0].nals == (*SETS, IDR)
    receiver.rtp(packet(3, 3600), 0.04)
    receiver.rtp(packet(4, 3600, payload_type=97), 0.04)
    receiver.rtp(b"garbage", 0.04)
    assert (receiver.packets, receiver.lost, receiver.ignored) == (4, 1, 2)


def test_a_new_ssrc_is_a_new_sender_and_losses_add_up() -> None:
    receiver = H264Receiver(96, SETS, ssrc=1)
    for sequence in (1, 3):
        receiver.rtp(packet(sequence, 0), 0.0)
    (unit,) = receiver.rtp(packet(40000, 99, ssrc=6), 1.0)
    assert unit.timestamp == 90_000
    receiver.rtp(packet(40002, 99, ssrc=6), 1.0)
    assert receiver.lost == 2


def test_the_report_names_the_sender_and_answers_its_clock() -> None:
    receiver = H264Receiver(96, SETS, ssrc=1)
    assert parse_rtcp(receiver.report(0.0, "me")) == [ReceiverReport(1)]
    receiver.rtp(packet(1, 0), 0.0)
    assert not receiver.rtcp(build_sender_report(SenderReport(5, 0x12345678 << 16, 0, 1, 1), "cam"), 1.0)
    (report,) = parse_rtcp(receiver.report(2.0, "me"))
    assert isinstance(report, ReceiverReport)
    assert (report.blocks[0].ssrc, report.blocks[0].last_sr, report.blocks[0].delay_since_last_sr) == (
        5,
        0x12345678,
        65536,
    )
    assert parse_rtcp(receiver.bye())[-1] == Bye((1,))


def test_only_the_senders_own_bye_ends_the_stream() -> None:
    receiver = H264Receiver(96, SETS, ssrc=1)
    receiver.rtp(packet(1, 0), 0.0)
    assert not receiver.rtcp(build_bye(99), 0.0)
    assert not receiver.rtcp(b"\xff\xff", 0.0)
    assert receiver.rtcp(build_bye(5), 0.0)


def test_bad_packets_are_counted_and_said_with_their_place_but_never_with_their_content() -> None:
    said: list[tuple[str, str]] = []
    receiver = H264Receiver(96, (), ssrc=1, on_bad=lambda kind, where: said.append((kind, where)))
    good = pack_header(96, True, 41, 1, 5) + b"\x41slice"
    receiver.rtp(good, 0.0)
    receiver.rtp(b"secret", 0.0)
    receiver.rtp(pack_header(97, True, 42, 1, 5) + b"secret", 0.0)
    receiver.rtcp(b"\x80\xc8\x00\x09secret!!", 0.0)
    assert said == [
        ("no RTP", "RTP packet of 6 bytes is shorter than its header, after sequence number 41"),
        ("RTP of payload type 97", "sequence number 42"),
        ("no RTCP", "no RTCP packet at offset 0, 12 bytes"),
    ]
    assert (receiver.packets, receiver.ignored) == (3, 3)
    assert receiver.octets == len(good) + 6 + 18
