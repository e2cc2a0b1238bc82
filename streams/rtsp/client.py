"""Pulling one camera: DESCRIBE, SETUP, PLAY, keep-alive, receiver reports and TEARDOWN around the pure parts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from streams.errors import StreamError, StreamFault
from streams.faultlog import FaultLog
from streams.rtp.audio import AudioFormat
from streams.rtp.codecs import codec_of
from streams.rtp.frames import VIDEO_CLOCK_HZ, AccessUnit, VideoFormat
from streams.rtp.receiver import StreamReceiver
from streams.rtsp.auth import ClientAuth
from streams.rtsp.carriers import Carrier, UdpCarrier
from streams.rtsp.connection import connect
from streams.rtsp.dialogue import Dialogue
from streams.rtsp.origin import Transport
from streams.rtsp.sdp import AudioTrack, VideoTrack
from streams.rtsp.setup import set_up, set_up_audio
from streams.rtsp.sound import OnSound, SoundPull
from streams.rtsp.tls import TlsTrust

log = logging.getLogger(__name__)
_faults = FaultLog(log)  # one for all pulls of this process

_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}
_REPORT_EVERY_S = 5.0
_TEARDOWN_S = 1.0
_CNAME = "camctl"


@dataclass(frozen=True, slots=True)
class ClientCounters:
    """What came since PLAY: RTP packets and their bytes, and packets that never came.

    `malformed` was no RTP or RTCP of this stream; `dropped` are pictures that could not be given out.
    """

    packets: int = 0
    lost: int = 0
    octets: int = 0
    malformed: int = 0
    dropped: int = 0

    def plus(self, other: ClientCounters) -> ClientCounters:
        """The sums."""
        return ClientCounters(
            self.packets + other.packets,
            self.lost + other.lost,
            self.octets + other.octets,
            self.malformed + other.malformed,
            self.dropped + other.dropped,
        )


@dataclass(frozen=True, slots=True)
class _Target:
    url: str
    host: str
    port: int
    is_secure: bool


class RtspClient:
    """One pull of one camera's video: `open`, then `play` once, then `close`.

    `url` is rtsp://host[:port]/path or rtsps://; a user name or password in it is cut off and ignored. The connection
    goes to `address`, the IP that was pinned, and to no other host, whatever the camera answers; what comes by UDP
    is taken from there only. By TLS the camera's certificate is verified, by the system's authorities or by
    `tls_fingerprint`. Bad credentials are tried once. `wants_audio`: also the sound, if it can be passed on as it is.
    `name` is what the log calls the camera. Every failure is a `StreamError`, which never names a credential.
    """

    def __init__(
        self,
        url: str,
        address: str,
        username: str,
        password: str,
        *,
        transport: Transport = Transport.AUTO,
        tls_fingerprint: str = "",
        wants_audio: bool = False,
        name: str = "",
        connect_timeout_s: float = 5,
        answer_timeout_s: float = 5,
        idle_timeout_s: float = 10,
        udp_timeout_s: float = 5,
    ) -> None:
        self._given_url = url
        self._url = ""
        self._address = address
        self._auth = ClientAuth(username, password)
        self._wanted = transport
        self._fingerprint = tls_fingerprint
        self._wants_audio = wants_audio
        self._name = name
        self._connect_timeout_s = connect_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._udp_timeout_s = udp_timeout_s
        self._is_secure = False
        self._dialogue: Dialogue | None = None
        self._track: VideoTrack | None = None
        self._audio_track: AudioTrack | None = None
        self._sound: SoundPull | None = None
        self._carrier: Carrier | None = None
        self._receiver: StreamReceiver | None = None
        self._last_packet_s = 0.0
        self._on_units: Callable[[AccessUnit], None] | None = None
        self._on_dropped: Callable[[], None] | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"RtspClient({self._url!r}, address={self._address!r})"  # the given URL may hold a password

    @property
    def counters(self) -> ClientCounters:
        """The figures so far."""
        receiver = self._receiver
        if receiver is None:
            return ClientCounters()
        dropped = receiver.depacketiser.dropped
        return ClientCounters(receiver.packets, receiver.lost, receiver.octets, receiver.ignored, dropped)

    @property
    def carrier(self) -> str:
        """What brings the packets, "RTP over TCP" or "RTP over UDP"; empty before SETUP."""
        return self._carrier.words if self._carrier else ""

    @property
    def audio(self) -> AudioFormat | None:
        """The sound that comes beside the video; None before `open`, when there is none, or none is wanted."""
        return self._audio_track.format if self._audio_track else None

    async def open(self) -> VideoFormat:
        """Connect and ask what the camera sends; the codec may be any, `play` takes those of `streams.rtp.codecs`.

        Raises:
            StreamError: UNREACHABLE, TIMEOUT, CERTIFICATE, BAD_CREDENTIALS, NOT_FOUND, BUSY, NO_VIDEO, PROTOCOL. The
                connection is closed then.
        """
        try:
            target = _target(self._given_url)
            self._url, self._is_secure = target.url, target.is_secure
            trust = TlsTrust(target.host, self._fingerprint) if target.is_secure else None
            connection = await connect(self._address, target.port, self._connect_timeout_s, trust)
            self._dialogue = Dialogue(connection, self._auth, self._answer_timeout_s)
            if self._is_closed:
                self._drop()  # every request from here on says so
            await self._dialogue.options(self._url)
            tracks = await self._dialogue.describe(self._url)
            self._track, self._audio_track = tracks.video, tracks.audio if self._wants_audio else None
        except BaseException:
            self._drop()
            raise
        return self._track.format

    async def play(
        self,
        on_units: Callable[[AccessUnit], None],
        *,
        on_playing: Callable[[], None] | None = None,
        on_dropped: Callable[[], None] | None = None,
        on_sound: OnSound | None = None,
    ) -> None:
        """Start the stream and call `on_units` on the event loop with every access unit, until `close`.

        The first unit is a key unit, and every key unit carries its parameter sets. `on_playing` is called when the
        camera has agreed to play; from then on pictures may come at any moment. `on_dropped` is called for each picture
        that cannot be given, because no key unit came yet or packets were lost before it: asking the camera for a key
        frame ends that. `on_sound` is called with every packet of `audio`. What these raise ends the stream and is
        raised here.

        Raises:
            StreamError: CODEC when it cannot be relayed, else why the stream ended.
        """
        dialogue, track = self._dialogue, self._track
        if dialogue is None or track is None:
            raise StreamError(StreamFault.CLOSED, "the stream is not open")
        _check(track)
        self._receiver = StreamReceiver(
            track.format,
            track.payload_type,
            ssrc=secrets.randbits(32),
            on_bad=self._bad_packet,
        )
        self._on_units, self._on_dropped = on_units, on_dropped
        try:
            await self._start(dialogue, track, self._receiver, on_sound)
            if on_playing is not None:
                on_playing()
            await self._run(dialogue, track, self._receiver)
        except StreamError as error:
            if not (self._is_closed and error.fault is StreamFault.CLOSED):
                raise
        finally:
            self._on_units = None

    async def close(self) -> None:
        """End the stream with TEARDOWN, which gets one second; idempotent. A running `play` returns."""
        if self._is_closed:
            return
        self._is_closed = True
        dialogue, track = self._dialogue, self._track
        self._on_units = None
        try:
            if dialogue and track and dialogue.session and not dialogue.connection.lost.done():
                if self._carrier and self._receiver:
                    self._carrier.send_rtcp(self._receiver.bye())
                if self._sound:
                    self._sound.bye()
                with contextlib.suppress(StreamError):  # we are leaving, whatever the camera says
                    await dialogue.tear_down(track.play_url, _TEARDOWN_S)
        finally:
            self._drop()

    def _drop(self) -> None:
        if self._carrier:
            self._carrier.close()
        if self._sound:
            self._sound.close()
        if self._dialogue:
            self._dialogue.connection.close()

    async def _start(
        self, dialogue: Dialogue, track: VideoTrack, receiver: StreamReceiver, on_sound: OnSound | None
    ) -> None:
        carrier = self._carrier = await set_up(dialogue, track, self._wanted, is_secure=self._is_secure)
        self._last_packet_s = now_s = asyncio.get_running_loop().time()
        carrier.start(self._take_rtp, self._take_rtcp)
        if isinstance(carrier, UdpCarrier):
            carrier.punch(receiver.report(now_s, _CNAME))
        if on_sound and self._audio_track:
            await self._start_sound(dialogue, self._audio_track, carrier, on_sound)
        await dialogue.request("PLAY", track.play_url, [("Range", "npt=0.000-")])
        if receiver.packets == 0:  # it took its time to answer; only now it is silent
            self._last_packet_s = asyncio.get_running_loop().time()

    async def _start_sound(self, dialogue: Dialogue, track: AudioTrack, video: Carrier, on_sound: OnSound) -> None:
        carrier = await set_up_audio(dialogue, track, video)
        if carrier is not None:
            self._sound = SoundPull(carrier, track.payload_type, on_sound, self._bad_packet)
            self._sound.start(_CNAME)

    def _take_rtp(self, packet: bytes) -> None:
        receiver, on_units = self._receiver, self._on_units
        if receiver is None or on_units is None:
            return
        self._last_packet_s = now_s = asyncio.get_running_loop().time()
        dropped = receiver.depacketiser.dropped
        for unit in receiver.rtp(packet, now_s):
            on_units(unit)
        if self._on_dropped is not None and receiver.depacketiser.dropped > dropped:
            self._on_dropped()

    def _take_rtcp(self, packet: bytes) -> None:
        if self._receiver and self._on_units and self._receiver.rtcp(packet, asyncio.get_running_loop().time()):
            raise StreamError(StreamFault.UNREACHABLE, "the camera ended the stream (RTCP BYE)")

    def _bad_packet(self, kind: str, where: str) -> None:
        _faults(kind, self._name or f"the camera at {self._address}", where)

    async def _run(self, dialogue: Dialogue, track: VideoTrack, receiver: StreamReceiver) -> None:
        """Wait for the end while three timers run: silence, receiver reports, keep-alive."""
        loop = asyncio.get_running_loop()
        lost = dialogue.connection.lost
        keep_alive: asyncio.Task[None] | None = None
        report_at = loop.time() + _REPORT_EVERY_S
        alive_at = loop.time() + dialogue.session_s / 2
        try:
            while not lost.done():
                now_s = loop.time()
                silent_at = self._judge_silence(receiver, now_s)
                if now_s >= report_at:
                    if self._carrier:
                        self._carrier.send_rtcp(receiver.report(now_s, _CNAME))
                    if self._sound:
                        self._sound.report(now_s, _CNAME)
                    report_at = now_s + _REPORT_EVERY_S
                if now_s >= alive_at:
                    if keep_alive is None or keep_alive.done():
                        keep_alive = asyncio.create_task(dialogue.keep_alive(track.play_url))
                    alive_at = now_s + dialogue.session_s / 2
                wake_at = min(report_at, alive_at, silent_at)
                await asyncio.wait([lost], timeout=max(0.0, wake_at - now_s))
            await asyncio.shield(lost)
        finally:
            if keep_alive:
                keep_alive.cancel()
                await asyncio.gather(keep_alive, return_exceptions=True)

    def _judge_silence(self, receiver: StreamReceiver, now_s: float) -> float:
        """When the camera will have been silent for too long.

        Raises:
            StreamError: TIMEOUT, it has been.
        """
        carrier = self._carrier
        if isinstance(carrier, UdpCarrier) and receiver.packets == 0:
            until_s = self._last_packet_s + min(self._udp_timeout_s, self._idle_timeout_s)
            if now_s >= until_s:
                raise StreamError(StreamFault.TIMEOUT, self._blocked(carrier))
            return until_s
        until_s = self._last_packet_s + self._idle_timeout_s
        if now_s >= until_s:
            raise StreamError(StreamFault.TIMEOUT, f"no picture data for {self._idle_timeout_s:g} s")
        return until_s

    def _blocked(self, carrier: UdpCarrier) -> str:
        low, high = carrier.ports
        detail = (
            f"the camera agreed to send its video by UDP, but nothing came within {self._udp_timeout_s:g} s: "
            f"a firewall between {self._address} and UDP ports {low}-{high} of this machine is the likely reason"
        )
        if carrier.strangers:
            detail += f" ({carrier.strangers} packets came from other addresses and were not taken)"
        if self._wanted is Transport.UDP:
            return f"{detail}; open it, or set rtsp_transport to auto"
        return f"{detail}; open it, or let the camera send by TCP, which it refuses (SETUP, 461)"


def _check(track: VideoTrack) -> None:
    codec = codec_of(track.format.codec)
    if track.clock_hz != VIDEO_CLOCK_HZ:
        raise StreamError(StreamFault.PROTOCOL, f"{codec.name} with a clock of {track.clock_hz} Hz")
    if track.is_reordered:
        detail = f"the camera sends {codec.words} in an interleaved order ({codec.orders[0]}), which is not supported"
        raise StreamError(StreamFault.PROTOCOL, detail)


def _target(url: str) -> _Target:
    """The URL as it is requested, without user info and fragment, and where that is.

    Raises:
        StreamError: PROTOCOL, when it is no rtsp:// or rtsps:// URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
        is_usable = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname)
    except ValueError:
        is_usable = False
    if not is_usable or re.search(r"[\x00-\x20\x7f]", url):
        raise StreamError(StreamFault.PROTOCOL, "the stream's address is no rtsp:// or rtsps:// URL")
    host = parts.netloc.rpartition("@")[2]
    clean = parts._replace(netloc=host, fragment="").geturl()
    return _Target(clean, parts.hostname or "", port, parts.scheme == "rtsps")
