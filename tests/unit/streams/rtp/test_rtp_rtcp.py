from __future__ import annotations

import pytest

from streams.rtp.clock import ntp_time
from streams.rtp.packet import RtpError
from streams.rtp.rtcp import (
    Bye,
    ReceiverReport,
    ReceptionStatistics,
    ReportBlock,
    SenderReport,
    build_bye,
    build_receiver_report,
    build_sender_report,
    parse_rtcp,
)


def test_reports_are_read_back_as_they_were_built() -> None:
    block = ReportBlock(1, 255, -3, 0x1_0001, 90, 0x12345678, 65536)
    sender = SenderReport(7, ntp_time(1e9), 0xFFFF_FFFF, 10, 1000, (block,))
    receiver = ReceiverReport(8, (block, block))
    data = build_sender_report(sender, "n") + build_receiver_report(receiver, "name") + build_bye(9)
    assert parse_rtcp(data) == [sender, receiver, ReceiverReport(9), Bye((9,))]
    assert len(data) % 4 == 0


@pytest.mark.parametrize("data", [b"\x80", b"\x80\xc8\0\1abcd", b"\0\0\0\0", b"\x80\xc8\0\7abcd", b"\x81\xc9\0\1abcd"])
def test_what_is_no_rtcp_is_refused(data: bytes) -> None:
    with pytest.raises(RtpError, match="offset 0"):
        parse_rtcp(data)


def test_statistics_count_loss_jitter_and_the_time_since_the_senders_report() -> None:
    statistics = ReceptionStatistics()
    for index, sequence in enumerate((65534, 65535, 1, 2)):  # 0 is lost
        statistics.packet(sequence, index * 3600, index * 0.04)
    statistics.sender_report(SenderReport(1, 0x0000_1234_5678_0000, 0, 0, 0), 1.0)
    block = statistics.block(1, 1.5)
    assert block == ReportBlock(1, 256 // 5, 1, 0x1_0002, 0, 0x12345678, 32768)
    assert statistics.block(1, 2.0).fraction_lost == 0
    assert statistics.lost == 1


def test_jitter_rises_when_packets_come_unevenly() -> None:
    statistics = ReceptionStatistics()
    for index in range(50):
        statistics.packet(index, index * 3600, index * 0.04 + (0.01 if index % 2 else 0))
    assert 600 < statistics.block(1, 3.0).jitter <= 900
