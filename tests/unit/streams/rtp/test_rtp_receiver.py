from __future__ import annotations

from streams.rtp.frames import VideoFormat
from streams.rtp.h264 import MAX_PAYLOAD, packetise
from streams.rtp.packet import RtpPacket, build_packet, pack_header
from streams.rtp.receiver import StreamReceiver
from streams.rtp.rtcp import Bye, ReceiverReport, SenderReport, build_bye, build_sender_report, parse_rtcp

SETS = (bytes.fromhex("6742c00bda02806f"), bytes.fromhex("68ce3c80"))
IDR = b"\x65\x88idr"


def packet(sequence: int, timestamp: int, ssrc: int = 5, payload_type: int = 96) -> bytes:
    return build_packet(RtpPacket(payload_type, True, sequence, timestamp, ssrc, IDR))


def test_units_come_out_and_everything_is_counted() -> None:
    receiver = StreamReceiver(VideoFormat("H264", SETS), 96, ssrc=1)
    assert receiver.rtp(packet(1, 0), 0.0)[0].nals == (*SETS, IDR)
    receiver.rtp(packet(3, 3600), 0.04)
    receiver.rtp(packet(4, 3600, payload_type=97), 0.04)
    receiver.rtp(b"garbage", 0.04)
    assert (receiver.packets, receiver.lost, receiver.ignored) == (4, 1, 2)


def test_a_new_ssrc_is_a_new_sender_and_losses_add_up() -> None:
    receiver = StreamReceiver(VideoFormat("H264", SETS), 96, ssrc=1)
    for sequence in (1, 3):
        receiver.rtp(packet(sequence, 0), 0.0)
    (unit,) = receiver.rtp(packet(40000, 99, ssrc=6), 1.0)
    assert unit.timestamp == 90_000
    receiver.rtp(packet(40002, 99, ssrc=6), 1.0)
    assert receiver.lost == 2


def test_the_report_names_the_sender_and_answers_its_clock() -> None:
    receiver = StreamReceiver(VideoFormat("H264", SETS), 96, ssrc=1)
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
    receiver = StreamReceiver(VideoFormat("H264", SETS), 96, ssrc=1)
    receiver.rtp(packet(1, 0), 0.0)
    assert not receiver.rtcp(build_bye(99), 0.0)
    assert not receiver.rtcp(b"\xff\xff", 0.0)
    assert receiver.rtcp(build_bye(5), 0.0)


def test_numbers_and_times_that_wrap_and_a_reboot_give_one_time_line() -> None:
    receiver, ssrc = StreamReceiver(VideoFormat("H264", SETS), 96, ssrc=1), 5
    times, now_s = [], 0.0
    for start, first in ((65534, 2**32 - 3600), (30, 77)):
        for index in range(5):
            data = packet((start + index) & 0xFFFF, (first + 3600 * index) % 2**32, ssrc)
            times += [unit.timestamp for unit in receiver.rtp(data, now_s)]
            now_s += 0.04
        ssrc += 1
    assert [time - times[0] for time in times] == [3600 * index for index in range(10)]
    assert (receiver.lost, receiver.ignored) == (0, 0)


def test_a_packet_of_64_kilobytes_is_one_picture_whose_parts_fit_every_path() -> None:
    receiver = StreamReceiver(VideoFormat("H264", SETS), 96, ssrc=1)
    nal = b"\x65\x88" + bytes(range(1, 256)) * 256
    (unit,) = receiver.rtp(build_packet(RtpPacket(96, True, 1, 0, 5, nal[:65_000])), 0.0)
    parts = packetise(unit.nals)
    assert max(map(len, parts)) == MAX_PAYLOAD
    assert b"".join(part[2:] for part in parts if part[0] & 0x1F == 28) == nal[1:65_000]


def test_bad_packets_are_counted_and_said_with_their_place_but_never_with_their_content() -> None:
    said: list[tuple[str, str]] = []
    receiver = StreamReceiver(
        VideoFormat("H264", SETS), 96, ssrc=1, on_bad=lambda kind, where: said.append((kind, where))
    )
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
    receiver.rtp(pack_header(96, True, 44, 7200, 5) + b"\x41slice", 0.0)
    assert said[3:] == [("packets lost before it", "sequence 44: 2 packets are missing before it")]
    assert (receiver.packets, receiver.ignored) == (4, 3)
    assert receiver.octets == 2 * len(good) + 6 + 18
