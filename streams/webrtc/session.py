"""One viewer: ICE checks, DTLS, SRTP, RTCP both ways, and noticing when the viewer is gone."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import math
import secrets
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from aiortc.rtcdtlstransport import RTCCertificate
from aiortc.rtp import is_rtcp

from streams.adapt import LinkReport
from streams.faultlog import FaultLog
from streams.rtp.burst import Address
from streams.rtp.clock import ntp_middle, ntp_time
from streams.rtp.fanout import Receiver, Retransmission
from streams.rtp.rtcp import SenderReport, build_bye, build_sender_report
from streams.tally import StreamTally
from streams.webrtc.adapter import DtlsLink, HandshakeError, SrtpError
from streams.webrtc.addresses import ip_and_port
from streams.webrtc.codecs import VideoChoice
from streams.webrtc.data import DataCounters, DataLink
from streams.webrtc.feedback import Estimate, KeyWanted, Lost, Reported, read_feedback
from streams.webrtc.mux import IceCredentials, UdpMux
from streams.webrtc.paths import ChosenPath
from streams.webrtc.sdp import ViewerOffer
from streams.webrtc.whep import Fragment, Patch, judge_patch, new_credentials, new_etag

log = logging.getLogger(__name__)
_faults = FaultLog(log)  # one for all viewers of this process

CONNECT_S = 15.0  # from the answer to the first check
HANDSHAKE_S = 10.0
SILENCE_S = 9.0  # consent (RFC 7675 allows 30): a dead viewer costs uplink; with the tick it is gone within 10 s
REPORT_EVERY_S = 1.0
_ANSWER_S = 4.5  # how long the answer to a report out of turn is waited for
_MAX_RESENDS_PER_S = 512
_REPORTS_KEPT = 16  # sender reports that a receiver report may still answer
# The same for all viewers of this process: each is alone in its RTP session, and see `Receiver`.
_SSRC = secrets.randbelow((1 << 32) - 3) + 1


class SessionState(StrEnum):
    """A viewer's life."""

    WAITING = "waiting"  # answered; no check yet
    CONNECTING = "connecting"  # checks come, DTLS runs
    LIVE = "live"
    CLOSED = "closed"


class Stream(Protocol):
    """What a session needs of the stream it shows."""

    @property
    def tally(self) -> StreamTally:
        """Where the viewer is counted."""

    def join(self, receiver: Receiver, rtt_s: float | None, listener: Receiver | None) -> None:
        """The viewer can receive now; `rtt_s` is the round trip that its handshake took, if it could be told.

        `listener` is where the sound goes, if the viewer takes any.
        """

    def leave(self, receiver: Receiver) -> None:
        """The viewer cannot any more; idempotent."""

    def resend(self, receiver: Receiver, sequences: list[int]) -> int:
        """The viewer misses packets; how many were sent again."""

    def media_time(self, receiver: Receiver, now_s: float) -> int | None:
        """The RTP timestamp of now."""

    def sound_time(self, listener: Receiver, now_s: float) -> int | None:
        """The RTP timestamp of now, of the sound."""

    def want_key_frame(self) -> None:
        """The viewer cannot decode on."""

    def report(self, report: LinkReport, now_s: float) -> None:
        """A receiver report came."""

    def estimate(self, bits_per_s: float, now_s: float) -> None:
        """The viewer estimates what its link carries."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who hears the texts of viewers' data channels, and where they are counted."""

    on_text: Callable[[ViewerSession, str], None]
    counters: DataCounters


class ViewerSession:
    """The server's side of one peer connection. All methods run on the loop; `tick` at least twice a second.

    `on_state` is called with every new state and, when closed, the reason. Without a `hearing` a data channel that the
    offer wants is answered but leads nowhere.
    """

    def __init__(
        self,
        session_id: str,
        offer: ViewerOffer,
        choice: VideoChoice,
        stream: Stream,
        mux: UdpMux,
        certificate: RTCCertificate,
        on_state: Callable[[ViewerSession, SessionState, str], None],
        hearing: Hearing | None = None,
    ) -> None:
        self.session_id = session_id
        self.offer = offer
        self.certificate = certificate
        self.choice = choice
        self.etag = new_etag()
        self.ssrc = _SSRC
        self.rtx_ssrc, self.audio_ssrc = _SSRC + 1, _SSRC + 2
        self.cname = secrets.token_hex(8)
        self.state = SessionState.WAITING
        self.key_requests = 0
        self.moves = 0
        self.fraction_lost = 0.0
        self.rtt_s: float | None = None
        self.receiver: Receiver | None = None
        self.listener: Receiver | None = None
        self._stream = stream
        self._mux = mux
        self._on_state = on_state
        self._remote_ufrag = offer.ufrag
        self._ice = [new_credentials()]
        self._path = ChosenPath()
        self._link = DtlsLink(certificate, self._send, self._said_goodbye)
        self._hearing = hearing
        self._data: DataLink | None = None
        self._handshaking: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._now = asyncio.get_running_loop().time
        self._born_s = self._heard_s = self._now()
        self._report_s = 0.0
        self._out_of_turn_s = math.inf
        self._resend_window = (0.0, 0)
        self.offered_s = self._born_s  # when the offer came, for whoever knows better
        self._first_packet_noted = False
        self._lost_reported = 0
        self._sender_reports: deque[tuple[int, float]] = deque(maxlen=_REPORTS_KEPT)
        mux.register(self._ice[0], self)

    @property
    def credentials(self) -> IceCredentials:
        """Our newest ICE credentials."""
        return self._ice[-1]

    @property
    def profile(self) -> str:
        """The SRTP profile in use, empty before the handshake."""
        return self._link.profile

    def patch(self, fragment: Fragment, if_match: str | None) -> Patch:
        """Take a PATCH; after RESTART `credentials` and `etag` are new.

        Raises:
            StreamError: BAD_OFFER, see `judge_patch`.
        """
        verdict = judge_patch(fragment, if_match, self.etag, self._remote_ufrag)
        if verdict is Patch.RESTART:
            self._remote_ufrag = fragment.ufrag
            self.etag = new_etag()
            for old in self._ice[:-1]:
                self._mux.forget(old)
            self._ice = [self._ice[-1], new_credentials()]  # the last pair carries on until the new one is checked
            self._mux.register(self._ice[-1], self)
        return verdict

    def on_check(self, address: Address, *, nominated: bool, priority: int, now_s: float) -> None:
        """A valid connectivity check came: start, or follow the viewer to where it is now."""
        if self.state is SessionState.CLOSED:
            return
        self._heard_s = now_s
        if not self._path.heard(address, nominated=nominated, priority=priority, now_s=now_s):
            return
        if self._handshaking is None:
            self._set(SessionState.CONNECTING)
            self._handshaking = asyncio.create_task(self._handshake(), name=f"dtls-{self.session_id[:8]}")
            return
        log.info("viewer %s moved to another address", self.session_id[:8])
        self.moves += 1
        for receiver in filter(None, (self.receiver, self.listener)):
            receiver.address = address

    def on_dtls(self, record: bytes) -> None:
        """A DTLS datagram came from one of the viewer's addresses."""
        self._link.feed(record)

    def on_rtcp(self, packet: bytes, now_s: float) -> None:
        """An SRTCP datagram came; viewers send no RTP."""
        if not is_rtcp(packet):
            return
        try:
            feedback = read_feedback(self._link.unprotect_rtcp(packet), self.ssrc, ntp_time(time.time()))
        except (SrtpError, ValueError, struct.error) as error:  # forged, replayed, or damaged
            self._stream.tally.bad_rtcp += 1
            path = self._path.address
            where = f"type {packet[1]}, {len(packet)} bytes, said to come from {ip_and_port(path) if path else None}"
            _faults(f"bad RTCP ({error})", f"viewer {self.session_id[:8]}", where)
            return
        self._heard_s = now_s
        for item in feedback:
            match item:
                case Reported():
                    self._reported(item, now_s)
                case KeyWanted():
                    self.key_requests += 1
                    self._stream.tally.key_requests += 1
                    self._stream.want_key_frame()
                case Lost(sequences=sequences):
                    self._resend(sequences, now_s)
                case Estimate(bits_per_s=bits_per_s):
                    self._stream.estimate(bits_per_s, now_s)

    def send_text(self, text: str) -> None:
        """Send over the data channel; lost when there is none, or when too much waits."""
        if self._data:
            self._data.send(text)

    def tick(self, now_s: float) -> None:
        """Notice silence, send reports."""
        self._note_first_packet()
        if self.state is SessionState.WAITING and now_s - self._born_s > CONNECT_S:
            self.close_soon("never connected")
        elif self.state in (SessionState.CONNECTING, SessionState.LIVE) and now_s - self._heard_s > SILENCE_S:
            self.close_soon("silent")
        elif self.state is SessionState.LIVE and now_s >= self._report_s:
            self._report_s = now_s + REPORT_EVERY_S
            self._report(now_s)

    def close_soon(self, reason: str) -> None:
        """End the session from a callback; see `close`."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(reason))

    async def close(self, reason: str) -> None:
        """End the session: RTCP BYE, DTLS close_notify, forget its addresses. Idempotent."""
        self.close_soon(reason)
        if self._closing:
            await asyncio.shield(self._closing)

    async def _close(self, reason: str) -> None:
        self._note_first_packet()
        receiver, self.receiver = self.receiver, None
        if receiver:
            self._stream.leave(receiver)
            with contextlib.suppress(SrtpError):  # leaving anyway
                ssrcs = (self.ssrc, self.audio_ssrc) if self.listener else (self.ssrc,)
                self._send(self._link.protect_rtcp(build_bye(*ssrcs)))
        if self._handshaking and not self._handshaking.done():
            self._handshaking.cancel()
            await asyncio.gather(self._handshaking, return_exceptions=True)
        await self._link.close()
        self._mux.unregister(self, self._ice)
        self._set(SessionState.CLOSED, reason)

    def _set(self, state: SessionState, reason: str = "") -> None:
        self.state = state
        self._on_state(self, state, reason)

    def _send(self, data: bytes) -> None:
        if self._path.address:
            self._mux.sender.send(data, self._path.address)

    async def _handshake(self) -> None:
        try:
            await self._link.handshake(self.offer.fingerprints, HANDSHAKE_S)
        except HandshakeError as error:
            self.close_soon(str(error))
            return
        except Exception:
            log.exception("the DTLS handshake of viewer %s broke", self.session_id[:8])
            self.close_soon("the DTLS handshake broke")
            return
        if self._closing or self._path.address is None:
            return
        make = functools.partial(Receiver, self._path.address, self._link.tx_key, self._link.tag_length)
        rtx = None if self.choice.rtx is None else Retransmission(self.rtx_ssrc, self.choice.rtx)
        self.receiver = make(self.ssrc, self.choice.payload_type, rtx)
        if self.offer.audio is not None:
            self.listener = make(self.audio_ssrc, self.offer.audio.payload_type)
        self.rtt_s = self._link.rtt_s
        self._stream.join(self.receiver, self._link.rtt_s, self.listener)
        await self._open_data()
        if not self._closing:
            self._stream.tally.joins.live_s.observe(self._now() - self.offered_s)
            self._set(SessionState.LIVE)

    def _note_first_packet(self) -> None:
        if self.receiver and self.receiver.first_s and not self._first_packet_noted:
            self._first_packet_noted = True
            self._stream.tally.joins.first_packet_s.observe(self.receiver.first_s - self.offered_s)

    async def _open_data(self) -> None:
        """Run the data channel that the viewer wants; a failure of it is not one of the picture."""
        offered, hearing = self.offer.data, self._hearing
        if offered is None or hearing is None:
            return
        try:
            on_text = functools.partial(hearing.on_text, self)
            self._data = await self._link.open_data(offered.port, offered.max_message, on_text, hearing.counters)
        except Exception:
            log.exception("the data channel of viewer %s cannot be opened", self.session_id[:8])

    def _said_goodbye(self) -> None:
        self.close_soon("the viewer left")

    def _reported(self, report: Reported, now_s: float) -> None:
        self.fraction_lost, self.rtt_s = report.loss, report.rtt_s
        self._stream.tally.reported_lost += max(0, report.lost - self._lost_reported)
        self._lost_reported = max(self._lost_reported, report.lost)
        sent_s = next((at for middle, at in self._sender_reports if middle == report.last_sr), float("-inf"))
        if sent_s >= self._out_of_turn_s:
            self._out_of_turn_s, self._report_s = math.inf, now_s
        self._stream.report(LinkReport(report.lost, report.highest, report.rtt_s, sent_s), now_s)

    def _resend(self, lost: list[int], now_s: float) -> None:
        """Send again what a viewer misses, but only so much a second: a viewer without capacity would lose more."""
        self._stream.tally.nacked += len(lost)
        if self.receiver is None:
            return
        if not isinstance(self.receiver.address, tuple):
            # Over TCP nothing gets lost: it was not sent, because too much waited. Sent now it would be late.
            self._stream.want_key_frame()
            return
        since_s, count = self._resend_window
        if now_s - since_s >= 1:
            since_s, count = now_s, 0
        allowed = lost[: max(0, _MAX_RESENDS_PER_S - count)]
        self._resend_window = (since_s, count + self._stream.resend(self.receiver, allowed))

    def report_now(self) -> None:
        """Send a sender report out of turn, as at the end of a probe: the answer tells what the probe met.

        A receiver answers its newest report only, so no other is sent until then.
        """
        self._out_of_turn_s = self._now()
        self._report(self._out_of_turn_s)
        self._report_s = self._out_of_turn_s + _ANSWER_S

    def _report(self, now_s: float) -> None:
        """Sender reports: they tie RTP time to the wall clock, and the answer to the video's tells the round trip."""
        ntp = ntp_time(time.time())
        if self.receiver and self._report_on(self.receiver, self._stream.media_time(self.receiver, now_s), ntp):
            self._sender_reports.append((ntp_middle(ntp), now_s))
        if self.listener:
            self._report_on(self.listener, self._stream.sound_time(self.listener, now_s), ntp)

    def _report_on(self, sent: Receiver, timestamp: int | None, ntp: int) -> bool:
        """Report on what went to one receiver; False when nothing did."""
        if timestamp is None:
            return False
        report = SenderReport(sent.ssrc, ntp, timestamp, sent.packets, sent.octets)
        try:
            self._send(self._link.protect_rtcp(build_sender_report(report, self.cname)))
        except SrtpError as error:
            log.warning("no sender report to viewer %s: %s", self.session_id[:8], error)
        return True
