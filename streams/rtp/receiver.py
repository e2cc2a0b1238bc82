"""One received video stream: packets in, access units and receiver reports out."""

from __future__ import annotations

from collections.abc import Callable

from streams.rtp.codecs import codec_of
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.packet import RtpError, parse_packet
from streams.rtp.rtcp import (
    Bye,
    ReceiverReport,
    ReceptionStatistics,
    SenderReport,
    build_bye,
    build_receiver_report,
    parse_rtcp,
)


class StreamReceiver:
    """Follows one sender through packets, sender reports and changes of its SSRC.

    `packets` and `octets` count all RTP that came, `ignored` what was not RTP or of another payload type, `lost` what
    never came. Times are monotonic seconds. `ssrc` is our own, in reports. `on_bad` is called with what is wrong with a
    packet and where.

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
        self.packets = 0
        self.octets = 0
        self.ignored = 0
        self.depacketiser = codec_of(video.codec).depacketiser(video.parameter_sets)
        self._payload_type = payload_type
        self._ssrc = ssrc
        self._on_bad = on_bad
        self._sender: int | None = None
        self._statistics = ReceptionStatistics()
        self._lost_before = 0

    @property
    def lost(self) -> int:
        """Packets missing since the beginning."""
        return self._lost_before + max(0, self._statistics.lost)

    def rtp(self, data: bytes, now_s: float) -> tuple[AccessUnit, ...]:
        """Take one RTP packet; the access units that it completes. Never raises: what is no RTP is counted."""
        self.packets += 1
        self.octets += len(data)
        try:
            packet = parse_packet(data)
        except RtpError as error:
            self._ignore("no RTP", f"{error}, after sequence number {self._statistics.highest_sequence}")
            return ()
        if packet.payload_type != self._payload_type:
            self._ignore(f"RTP of payload type {packet.payload_type}", f"sequence number {packet.sequence}")
            return ()
        if packet.ssrc != self._sender:
            self._follow(packet.ssrc)
        self._statistics.packet(packet.sequence, packet.timestamp, now_s)
        depacketiser, losses = self.depacketiser, self.depacketiser.losses
        units = depacketiser.push(packet, now_s)
        if depacketiser.losses != losses:
            self._on_bad("packets lost before it", depacketiser.loss)
        return units

    def _ignore(self, kind: str, where: str) -> None:
        self.ignored += 1
        self._on_bad(kind, where)

    def _follow(self, ssrc: int) -> None:
        if self._sender is not None:
            self._lost_before = self.lost
            self._statistics = ReceptionStatistics()
            self.depacketiser.restart()
        self._sender = ssrc

    def rtcp(self, data: bytes, now_s: float) -> bool:
        """Take one RTCP packet; True when the sender says that it leaves."""
        try:
            reports = parse_rtcp(data)
        except RtpError as error:
            self._ignore("no RTCP", f"{error}, {len(data)} bytes")
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
