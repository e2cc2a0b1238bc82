"""Sound as cameras send it and browsers take it without being changed: G.711 (RFC 3551 section 4.5.14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.rtp.clock import Timeline, is_jump
from streams.rtp.receiver import Follower

AUDIO_CLOCK_HZ = 8000
PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8}  # fixed by RFC 3551; the codecs that every browser takes (RFC 7874)
MAX_PAYLOAD_BYTES = 1200  # 150 ms; what is longer would not pass to a viewer in one packet


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The description of one sound: `codec` is the RTP encoding name, one of `PAYLOAD_TYPES`; one channel, 8000 Hz."""

    codec: str


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """One packet's samples. `timestamp` is in 1/8000 s, unwrapped, without steps; `arrived_s` the monotonic clock."""

    payload: bytes
    timestamp: int
    arrived_s: float


class AudioReceiver(Follower):
    """Follows one sender of sound through packets, sender reports and changes of its SSRC; see `Follower`."""

    def __init__(self, payload_type: int, *, ssrc: int, on_bad: Callable[[str, str], None]) -> None:
        super().__init__(payload_type, ssrc=ssrc, on_bad=on_bad, clock_hz=AUDIO_CLOCK_HZ)
        self._timeline = Timeline(AUDIO_CLOCK_HZ)

    def restarted(self) -> None:
        """See Follower."""
        self._timeline.restart()

    def rtp(self, data: bytes, now_s: float) -> AudioPacket | None:
        """Take one RTP packet; its samples, unless it is none or too long. Never raises."""
        packet = self.take(data, now_s)
        if packet is None or not packet.payload:
            return None
        if len(packet.payload) > MAX_PAYLOAD_BYTES:
            self.ignore("sound in packets too long to pass on", f"{len(packet.payload)} bytes")
            return None
        return AudioPacket(packet.payload, self._timeline.at(packet.timestamp, now_s), now_s)


class AudioClock:
    """A sound's time for its viewers: goes on by our clock where the camera's was set, or where it began anew."""

    def __init__(self) -> None:
        self._timeline = Timeline(AUDIO_CLOCK_HZ)
        self._last: tuple[int, float] | None = None

    def restart(self) -> None:
        """The camera begins anew."""
        self._timeline.restart()
        self._last = None

    def at(self, packet: AudioPacket) -> int:
        """The packet's time, 1/8000 s, unwrapped."""
        moment = (packet.timestamp, packet.arrived_s)
        if self._last and is_jump(self._last, moment, AUDIO_CLOCK_HZ):
            self._timeline.restart()
        self._last = moment
        return self._timeline.at(packet.timestamp & 0xFFFF_FFFF, packet.arrived_s)
