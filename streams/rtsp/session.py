"""One client's session on one source of our server: what it gets, from PLAY to TEARDOWN."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from streams.rtp.audio import AUDIO_CLOCK_HZ, PAYLOAD_TYPES, AudioFormat, AudioPacket
from streams.rtp.codecs import codec_of
from streams.rtp.frames import VIDEO_CLOCK_HZ, AccessUnit, VideoFormat
from streams.rtsp.outputs import Output, UdpOutput
from streams.rtsp.sdp import PAYLOAD_TYPE
from streams.rtsp.sender import RtpSender
from streams.rtsp.source import KeepingSource, MediaSource, SoundSource, Subscription
from streams.rtsp.transport import TransportSpec

_REPORT_EVERY_S = 5.0
_CNAME = "camctl"


class Packetiser:
    """Cuts every access unit of a source once, however many sessions send it; the last result is kept.

    Raises:
        StreamError: CODEC, the format cannot be sent.
    """

    def __init__(self, video: VideoFormat) -> None:
        self._codec = codec_of(video.codec)
        self._known = self._codec.parameter_sets(video.parameter_sets)
        self._unit: AccessUnit | None = None
        self._payloads: list[bytes] = []

    def payloads(self, unit: AccessUnit) -> list[bytes]:
        """The unit's RTP payloads; a key unit gets the parameter sets that it lacks."""
        if unit is not self._unit:
            for nal in unit.nals if unit.is_key else ():
                self._known.note(nal)
            nals = (self._known.complete(unit.nals) or unit.nals) if unit.is_key else unit.nals
            self._unit, self._payloads = unit, self._codec.packetise(tuple(nals))
        return self._payloads


class SoundTrack:
    """The sound of a session, as `audio` says; silent while the session does not play."""

    def __init__(self, source: SoundSource, audio: AudioFormat, output: Output) -> None:
        self.sender = _sender(PAYLOAD_TYPES[audio.codec], clock_hz=AUDIO_CLOCK_HZ, marks_end=False)
        self._source = source
        self._audio = audio
        self._output = output
        self._subscription: Subscription | None = None
        self._report_at_s = 0.0

    def play(self, now_s: float) -> None:
        """Send what is heard from now on."""
        self.sender.pause(now_s)
        self._report_at_s = 0.0
        self._subscription = self._source.subscribe_sound(self._deliver)

    def pause(self) -> None:
        """Stop sending; idempotent."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def close(self) -> None:
        """End for good; idempotent."""
        if self._subscription is not None:
            self.pause()
            self._output.send_rtcp(self.sender.bye())

    def _deliver(self, packet: AudioPacket) -> None:
        if self._source.audio != self._audio or not self._output.is_ready():
            return  # another codec than was described would be noise
        now_s = packet.arrived_s
        self._output.send_rtp(self.sender.packets([packet.payload], packet.timestamp, now_s))
        if now_s >= self._report_at_s:
            self._output.send_rtcp(self.sender.report(now_s, time.time()))
            self._report_at_s = now_s + _REPORT_EVERY_S


def _sender(payload_type: int, *, clock_hz: int = VIDEO_CLOCK_HZ, marks_end: bool = True) -> RtpSender:
    return RtpSender(
        payload_type,
        ssrc=secrets.randbits(32),
        sequence=secrets.randbits(16),
        rtp_time=secrets.randbits(32),
        cname=_CNAME,
        clock_hz=clock_hz,
        marks_end=marks_end,
    )


class Session:
    """A SETUP that may be played and paused, by `username` if anybody was asked.

    `skipped` counts the access units that a slow client did not get. `on_playing` hears when it begins to send (true)
    and when it no longer does.
    """

    def __init__(
        self,
        path: str,
        source: MediaSource,
        packetiser: Packetiser,
        output: Output,
        transport: TransportSpec,
        username: str = "",
        on_playing: Callable[[Session, bool], None] = lambda _session, _begins: None,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.path = path
        self.username = username
        self.transport = transport
        self.source = source
        self.packetiser = packetiser
        self.skipped = 0
        self.sender = _sender(PAYLOAD_TYPE)
        self.sound: SoundTrack | None = None
        self._output = output
        self._on_playing = on_playing
        self._clock: Callable[[], float] = time.monotonic
        self._subscription: Subscription | None = None
        self._needs_key = True
        self._report_at_s = 0.0
        self._seen_s = self._clock()

    @property
    def rtcp_address(self) -> tuple[str, int] | None:
        """Where this client's receiver reports come from, when it listens on UDP."""
        return self._output.rtcp_address if isinstance(self._output, UdpOutput) else None

    def play(self) -> None:
        """Send from the next key unit on; nothing changes when it plays already."""
        if self._subscription is None:
            self.sender.pause(self._clock())
            self._needs_key = True
            self._report_at_s = 0.0
            if not self.transport.is_tcp and isinstance(self.source, KeepingSource):
                # Seconds of pictures in one burst overflow the queues on the way and the socket's at its end.
                self._subscription = self.source.subscribe_from_next_key(self._deliver)
            else:
                self._subscription = self.source.subscribe(self._deliver)
            if self.sound:
                self.sound.play(self._clock())
            self._on_playing(self, True)

    @property
    def is_playing(self) -> bool:
        """Whether it sends."""
        return self._subscription is not None

    def pause(self) -> None:
        """Stop sending; the numbering goes on with the next `play`."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
            self._on_playing(self, False)
        if self.sound:
            self.sound.pause()

    def close(self) -> None:
        """End for good; idempotent."""
        if self.sound:
            self.sound.close()
        if self._subscription is not None:
            self.pause()
            self._output.send_rtcp(self.sender.bye())

    def seen(self) -> None:
        """The client gave a sign of life."""
        self._seen_s = self._clock()

    def silent_s(self) -> float:
        """Seconds since its last sign of life."""
        return self._clock() - self._seen_s

    def _deliver(self, unit: AccessUnit) -> None:
        if self._needs_key and not unit.is_key:
            self.skipped += 1
            return
        if not self._output.is_ready():
            self._needs_key = True
            self.skipped += 1
            return
        self._needs_key = False
        now_s = self._clock()
        if self.transport.is_tcp:
            self._seen_s = now_s  # it reads what was sent: the connection itself is the sign of life
        self._output.send_rtp(self.sender.packets(self.packetiser.payloads(unit), unit.timestamp, now_s))
        if now_s >= self._report_at_s:
            self._output.send_rtcp(self.sender.report(now_s, time.time()))
            self._report_at_s = now_s + _REPORT_EVERY_S
