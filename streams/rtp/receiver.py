"""One received stream: packets in, access units (or what else they carry) and receiver reports out."""

from __future__ import annotations

from collections.abc import Callable

from streams.rtp.codecs import codec_of
from streams.rtp.frames import VIDEO_CLOCK_HZ, AccessUnit, VideoFormat
from streams.rtp.packet import RtpError, RtpPacket, parse_packet
from streams.rtp.rtcp import (
    Bye,
    ReceiverReport,
    ReceptionStatistics,
    SenderReport,
    build_bye,
    build_receiver_report,
    parse_rtcp,
)


class Follower:
    """Follows one sender through packets, sender reports and changes of its SSRC.

    `packets` and `octets` count all RTP that came, `ignored` what was not RTP or of another payload type, `lost` what
    never came. Times are monotonic seconds. `ssrc` is our own, in reports. `on_bad` is called with what is wrong with a
    packet and where.
    """

    def __init__(
        self, payload_type: int, *, ssrc: int, on_bad: Callable[[str, str], None], clock_hz: int = VIDEO_CLOCK_HZ
    ) -> None:
        self.packets = 0
        self.octets = 0
        self.ignored = 0
        self._payload_type = payload_type
        self._ssrc = ssrc
        self._on_bad = on_bad
        self._clock_hz = clock_hz
        self._sender: int | None = None
        self._statistics = ReceptionStatistics(clock_hz)
        self._lost_before = 0

    @property
    def lost(self) -> int:
        """Packets missing since the beginning."""
        return self._lost_before + max(0, self._statistics.lost)

    def restarted(self) -> None:
        """The sender begins anew, with another SSRC."""

    def take(self, data: bytes, now_s: float) -> RtpPacket | None:
        """Take one RTP packet of this sender. Never raises: what is none is counted, and None."""
        self.packets += 1
        self.octets += len(data)
        try:
            packet = parse_packet(data)
        except RtpError as error:
            self.ignore("no RTP", f"{error}, after sequence number {self._statistics.highest_sequence}")
            return None
        if packet.payload_type != self._payload_type:
            self.ignore(f"RTP of payload type {packet.payload_type}", f"sequence number {packet.sequence}")
            return None
        if packet.ssrc != self._sender:
            self._follow(packet.ssrc)
        self._statistics.packet(packet.sequence, packet.timestamp, now_s)
        return packet

    def ignore(self, kind: str, where: str) -> None:
        """Count a packet that cannot be used."""
        self.ignored += 1
        self._on_bad(kind, where)

    def _follow(self, ssrc: int) -> None:
        if self._sender is not None:
            self._lost_before = self.lost
            self._statistics = ReceptionStatistics(self._clock_hz)
            self.restarted()
        self._sender = ssrc

    def rtcp(self, data: bytes, now_s: float) -> bool:
        """Take one RTCP packet; True when the sender says that it leaves."""
        try:
            reports = parse_rtcp(data)
        except RtpError as error:
            self.ignore("no RTCP", f"{error}, {len(data)} bytes")
            return False
        for report in reports:
            if isinstance(report, SenderReport) and report.ssrc == self._sender:
                self._statistics.sender_report(report, now_s)
            elif isinstance(report, Bye) and self._sender in report.ssrcs:
                return True
        return False

    def report(self, now_s: float, cname: str) -> bytes:
        """A receiver report for the time since the last one."""
        blocks = () if self._sender is None else (self._statistics.block(self._sender, now_s),)
        return build_receiver_report(ReceiverReport(self._ssrc, blocks), cname)

    def bye(self) -> bytes:
        """The last word to the sender."""
        return build_bye(self._ssrc)


class StreamReceiver(Follower):
    """Follows one sender of video; see `Follower`.

    Raises:
        StreamError: CODEC, the format cannot be relayed.
    """

    def __init__(
        self,
        video: VideoFormat,
        payload_type: int,
        *,
        ssrc: int,
        on_bad: Callable[[str, str], None] = lambda _kind, _where: None,
    ) -> None:
        super().__init__(payload_type, ssrc=ssrc, on_bad=on_bad)
        self.depacketiser = codec_of(video.codec).depacketiser(video.parameter_sets)

    def restarted(self) -> None:
        """See Follower."""
        self.depacketiser.restart()

    def rtp(self, data: bytes, now_s: float) -> tuple[AccessUnit, ...]:
        """Take one RTP packet; the access units that it completes. Never raises: what is no RTP is counted."""
        packet = self.take(data, now_s)
        if packet is None:
            return ()
        depacketiser, losses = self.depacketiser, self.depacketiser.losses
        units = depacketiser.push(packet, now_s)
        if depacketiser.losses != losses:
            self._on_bad("packets lost before it", depacketiser.loss)
        return units
