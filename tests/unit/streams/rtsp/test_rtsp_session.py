from __future__ import annotations

from collections.abc import Callable, Sequence

from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.packet import parse_packet
from streams.rtp.receiver import StreamReceiver
from streams.rtp.rtcp import Bye, SenderReport, parse_rtcp
from streams.rtsp.sender import RtpSender
from streams.rtsp.session import Packetiser, Session
from streams.rtsp.transport import TransportSpec

SETS = (bytes.fromhex("6742c00bda02806f"), bytes.fromhex("68ce3c80"))
IDR = b"\x65\x88" + b"i" * 3000
P = b"\x41\x9apicture"


class Source:
    def __init__(self) -> None:
        self.sinks: list[Callable[[AccessUnit], None]] = []

    async def describe(self) -> VideoFormat:
        return VideoFormat("H264", SETS)

    def subscribe(self, sink: Callable[[AccessUnit], None]) -> Share:
        self.sinks.append(sink)
        return Share(self, sink)

    def send(self, nal: bytes, timestamp: int) -> None:
        unit = AccessUnit((nal,), timestamp, nal is IDR)
        for sink in tuple(self.sinks):
            sink(unit)


class Share:
    def __init__(self, source: Source, sink: Callable[[AccessUnit], None]) -> None:
        self.source, self.sink = source, sink

    def close(self) -> None:
        self.source.sinks.remove(self.sink)


class Wire:
    """An `Output` that remembers."""

    def __init__(self) -> None:
        self.is_open = True
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []

    def is_ready(self) -> bool:
        return self.is_open

    def send_rtp(self, packets: Sequence[bytes]) -> None:
        self.rtp += packets

    def send_rtcp(self, packet: bytes) -> None:
        self.rtcp.append(packet)


def make() -> tuple[Source, Wire, Session]:
    source, wire = Source(), Wire()
    return (
        source,
        wire,
        Session("main", source, Packetiser(VideoFormat("H264", SETS)), wire, TransportSpec(is_tcp=True)),
    )


def timestamps(wire: Wire) -> list[int]:
    receiver = StreamReceiver(VideoFormat("H264", SETS), 96, ssrc=1)
    units = [unit for packet in wire.rtp for unit in receiver.rtp(packet, 0.0)]
    assert receiver.lost == 0
    return [unit.timestamp - units[0].timestamp for unit in units]


def test_a_client_starts_at_a_key_unit_with_parameter_sets_in_front() -> None:
    source, wire, session = make()
    session.play()
    source.send(P, 0)
    source.send(IDR, 3600)
    source.send(P, 7200)
    receiver = StreamReceiver(VideoFormat("H264"), 96, ssrc=1)
    units = [unit for packet in wire.rtp for unit in receiver.rtp(packet, 0.0)]
    assert [unit.nals for unit in units] == [(*SETS, IDR), (P,)]
    assert session.skipped == 1


def test_rtp_info_is_what_the_first_packet_carries() -> None:
    source, wire, session = make()
    announced = (session.sender.sequence, session.sender.rtp_time)
    session.play()
    source.send(IDR, 1 << 40)
    first = parse_packet(wire.rtp[0])
    assert (first.sequence, first.timestamp) == announced


def test_a_slow_client_is_skipped_to_the_next_key_unit() -> None:
    source, wire, session = make()
    session.play()
    source.send(IDR, 0)
    wire.is_open = False
    source.send(P, 1)
    wire.is_open = True
    source.send(P, 2)
    source.send(IDR, 3)
    assert timestamps(wire) == [0, 3]
    assert session.skipped == 2


def test_the_sender_report_has_the_stream_on_our_clock() -> None:
    source, wire, session = make()
    session.play()
    source.send(IDR, 0)
    (report,) = parse_rtcp(wire.rtcp[0])
    assert isinstance(report, SenderReport)
    assert (report.packets, report.ssrc) == (len(wire.rtp), parse_packet(wire.rtp[0]).ssrc)
    source.send(P, 1)
    assert len(wire.rtcp) == 1


def test_pause_unsubscribes_and_play_goes_on_with_the_numbering() -> None:
    source, wire, session = make()
    session.play()
    session.play()
    assert len(source.sinks) == 1
    source.send(IDR, 0)
    session.pause()
    assert source.sinks == []
    session.play()
    source.send(P, 90_000)
    source.send(IDR, 180_000)
    assert len(timestamps(wire)) == 2
    session.close()
    session.close()
    assert source.sinks == []
    assert isinstance(parse_rtcp(wire.rtcp[-1])[-1], Bye)
    assert sum(isinstance(report, Bye) for packet in wire.rtcp for report in parse_rtcp(packet)) == 1


def test_a_report_and_a_pause_follow_the_clock() -> None:
    sender = RtpSender(96, ssrc=1, sequence=0xFFFF, rtp_time=0xFFFF_FFFF, cname="c")
    (packet,) = sender.packets([b"x"], 500, 10.0)
    assert parse_packet(packet)[1:4] == (True, 0xFFFF, 0xFFFF_FFFF)
    (report,) = parse_rtcp(sender.report(11.0, 0.0))
    assert isinstance(report, SenderReport)
    assert report.rtp_timestamp == 89_999
    sender.pause(12.0)
    assert (sender.sequence, sender.rtp_time) == (0, 179_999)


def test_units_are_cut_once_for_all_sessions() -> None:
    packetiser = Packetiser(VideoFormat("H264", SETS))
    unit = AccessUnit((IDR,), 0, True)
    assert packetiser.payloads(unit) is packetiser.payloads(unit)
