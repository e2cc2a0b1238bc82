"""A phone in memory: answers the mux's datagrams with aiortc's DTLS and its own STUN checks and RTCP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aioice import stun

from streams.adapt import LinkReport
from streams.rtp.burst import Address
from streams.rtp.fanout import Receiver
from streams.tally import StreamTally
from streams.webrtc.adapter import DtlsLink, SrtpError, fingerprint, make_certificate
from streams.webrtc.codecs import VideoChoice
from streams.webrtc.data import DataCounters
from streams.webrtc.mux import IceCredentials, UdpMux
from streams.webrtc.sdp import OfferedAudio, OfferedData, OfferedSection, ViewerOffer
from streams.webrtc.session import Hearing, SessionState, ViewerSession

HOME, STREET = ("192.0.2.1", 4000), ("198.51.100.1", 4001)


class FakeConnection:
    peer = HOME

    is_closed = False

    def __init__(self) -> None:
        self.is_proved = False
        self.closed = 0

    def prove(self) -> None:
        self.is_proved = True

    def close(self) -> None:
        self.closed += 1

    def send(self, data: bytes | memoryview) -> int:
        return 1

    def send_run(self, block: memoryview, stride: int, count: int) -> int:
        return count


class FakeStream:
    def __init__(self) -> None:
        self.tally = StreamTally()
        self.receivers: list[Receiver] = []
        self.left: list[Receiver] = []
        self.resent: list[int] = []
        self.key_requests = 0
        self.time: int | None = 90_000
        self.rtts: list[float | None] = []
        self.reports: list[LinkReport] = []
        self.estimates: list[float] = []
        self.listener: Receiver | None = None

    def join(self, receiver: Receiver, rtt_s: float | None, listener: Receiver | None) -> None:
        self.receivers.append(receiver)
        self.listener = listener
        self.rtts.append(rtt_s)

    def leave(self, receiver: Receiver) -> None:
        self.left.append(receiver)

    def resend(self, receiver: Receiver, sequences: list[int]) -> int:
        self.resent += sequences
        return len(sequences)

    def media_time(self, receiver: Receiver, now_s: float) -> int | None:
        return self.time

    def sound_time(self, listener: Receiver, now_s: float) -> int | None:
        return 8000

    def want_key_frame(self) -> None:
        self.key_requests += 1

    def report(self, report: LinkReport, now_s: float) -> None:
        self.reports.append(report)

    def estimate(self, bits_per_s: float, now_s: float) -> None:
        self.estimates.append(bits_per_s)


class Phone:
    """`where` is the address it sends from; `rtcp` what it received, decrypted; `data` offers a data channel too."""

    def __init__(self, mux: UdpMux, *, data: bool = False, audio: str = "") -> None:
        self.mux = mux
        self.data = data
        self.audio = audio
        self.where: Address = HOME
        self.certificate = make_certificate()
        self.link = DtlsLink(
            self.certificate, lambda data: mux.receive(data, self.where), self.on_goodbye, role="client"
        )
        self.rtcp: list[bytes] = []
        self.last_sent_to: Address | None = None
        self.heard_goodbye = False

    def on_goodbye(self) -> None:
        self.heard_goodbye = True

    @property
    def offer(self) -> ViewerOffer:
        section = OfferedSection("video", "UDP/TLS/RTP/SAVPF", ("96",), "0")
        choices, identity = (VideoChoice(96, rtx=97),), (fingerprint(self.certificate),)
        if self.audio:
            more = OfferedSection("audio", "UDP/TLS/RTP/SAVPF", ("8",), "1")
            audio = OfferedAudio(1, {"PCMA": 8}, self.audio)
            return ViewerOffer((section, more), 0, choices, identity, "phone", (0, 1), audio=audio)
        if not self.data:
            return ViewerOffer((section,), 0, choices, identity, "phone")
        more = OfferedSection("application", "UDP/DTLS/SCTP", ("webrtc-datachannel",), "1")
        return ViewerOffer((section, more), 0, choices, identity, "phone", (0, 1), OfferedData(1, 5000, 65_536))

    def send(self, data: bytes, address: Address) -> int:
        """The mux's sender: what the server sends arrives here."""
        self.last_sent_to = address
        if 20 <= data[0] < 64:
            self.link.feed(data)
        elif data[0] >= 128:
            try:
                self.rtcp.append(self.link.unprotect_rtcp(data))
            except SrtpError:
                self.rtcp.append(b"")
        return 1

    def check(self, credentials: IceCredentials, *, nominate: bool = True) -> None:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{credentials.ufrag}:phone"
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(credentials.password.encode())
        self.mux.receive(bytes(message), self.where)

    def report(self, packet: object) -> None:
        self.mux.receive(self.link.protect_rtcp(bytes(packet)), self.where)  # type: ignore[call-overload]


class Room:
    """A mux without network, a stream, a phone and its session."""

    def __init__(self, *, data: bool = False, audio: str = "") -> None:
        self.mux = UdpMux()
        self.phone = Phone(self.mux, data=data, audio=audio)
        self.mux.sender = self.phone  # type: ignore[assignment]
        self.stream = FakeStream()
        self.states: list[tuple[SessionState, str]] = []
        self.texts: list[tuple[str, str]] = []
        self.counters = DataCounters()
        self.session = ViewerSession(
            "session-1", self.phone.offer, self.phone.offer.choices[0], self.stream, self.mux, make_certificate(),
            lambda _, state, reason: self.states.append((state, reason)),
            Hearing(lambda session, text: self.texts.append((session.session_id, text)), self.counters),
        )  # fmt: skip
        self.now_s = asyncio.get_running_loop().time()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(3):
            while not condition():  # noqa: ASYNC110  # the condition is anything
                await asyncio.sleep(0.001)

    async def connect(self) -> None:
        self.phone.check(self.session.credentials)
        await self.phone.link.handshake([fingerprint(self.session.certificate)], 3)
        await self.until(lambda: self.session.state is SessionState.LIVE)

    async def close(self) -> None:
        await self.session.close("the test ends")
        await self.phone.link.close()
        self.mux.close()
