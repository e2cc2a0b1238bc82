"""One client's RTP stream as our server sends it: numbering, time and sender reports. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from streams.rtp.clock import ntp_time
from streams.rtp.frames import VIDEO_CLOCK_HZ
from streams.rtp.packet import pack_header
from streams.rtp.rtcp import SenderReport, build_bye, build_sender_report

_MASK = 0xFFFF_FFFF


class RtpSender:
    """Numbers packets from random beginnings and keeps the clock that sender reports need.

    `sequence` and `rtp_time` are what the first packet will carry, for the RTP-Info header. `marks_end`: the last
    packet of a unit has the marker bit.
    """

    def __init__(
        self,
        payload_type: int,
        *,
        ssrc: int,
        sequence: int,
        rtp_time: int,
        cname: str,
        clock_hz: int = VIDEO_CLOCK_HZ,
        marks_end: bool = True,
    ) -> None:
        self.ssrc = ssrc
        self.sequence = sequence & 0xFFFF
        self.rtp_time = rtp_time & _MASK
        self._payload_type = payload_type
        self._cname = cname
        self._clock_hz = clock_hz
        self._marks_end = marks_end
        self._offset: int | None = None
        self._at_s = 0.0
        self._packets = 0
        self._octets = 0

    def pause(self, now_s: float) -> None:
        """The next unit, whatever its timestamp, follows `rtp_time` by the time that passed on our clock."""
        if self._offset is not None:
            self.rtp_time = (self.rtp_time + round((now_s - self._at_s) * self._clock_hz)) & _MASK
            self._offset = None

    def packets(self, payloads: Sequence[bytes], timestamp: int, now_s: float) -> list[bytes]:
        """The packets of one access unit; `now_s` is a monotonic clock."""
        if self._offset is None:
            self._offset = self.rtp_time - timestamp
        self.rtp_time = (timestamp + self._offset) & _MASK
        self._at_s = now_s
        last = len(payloads) - 1
        packets = []
        for index, payload in enumerate(payloads):
            is_marked = self._marks_end and index == last
            header = pack_header(self._payload_type, is_marked, self.sequence, self.rtp_time, self.ssrc)
            packets.append(header + payload)
            self.sequence = (self.sequence + 1) & 0xFFFF
            self._octets += len(payload)
        self._packets += len(payloads)
        return packets

    def report(self, now_s: float, unix_s: float) -> bytes:
        """A sender report for this moment."""
        rtp_time = self.rtp_time + round((now_s - self._at_s) * self._clock_hz)
        report = SenderReport(self.ssrc, ntp_time(unix_s), rtp_time, self._packets, self._octets)
        return build_sender_report(report, self._cname)

    def bye(self) -> bytes:
        """The stream's last RTCP packet."""
        return build_bye(self.ssrc)
