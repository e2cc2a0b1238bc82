"""The sound of one camera's stream: to its listeners in their own time, and to nobody while pictures are withheld."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from streams.keys import Curtain
from streams.rtp.audio import AUDIO_CLOCK_HZ, AudioClock, AudioFormat, AudioPacket
from streams.rtp.blocks import Receiver
from streams.rtp.fanout import Fanout
from streams.taps import Tap


class Sound:
    """Beside the pictures of a hub, and behind the same curtain. `format` is that of the last pull.

    Listeners are viewers; takers, by `tap`, are servers of ours, which get whole packets.
    """

    def __init__(self, pictures: Fanout, curtain: Curtain) -> None:
        self.format: AudioFormat | None = None
        self._fanout = pictures.beside(clock_hz=AUDIO_CLOCK_HZ, marks_end=False)
        self._curtain = curtain
        self._clock = AudioClock()
        self._taps: dict[Tap[AudioPacket], None] = {}
        self._codecs: dict[Receiver, str] = {}  # that the listeners were told

    @property
    def listeners(self) -> int:
        """How many there are."""
        return len(self._codecs)

    def opened(self, audio: AudioFormat | None) -> None:
        """A new pull brings this."""
        self.format = audio
        self._clock.restart()
        for receiver, codec in self._codecs.items():
            if audio and audio.codec != codec:
                self._fanout.leave(receiver)  # it would hear noise, and loud

    def take(self, packet: AudioPacket) -> None:
        """Send the camera's next packet to all."""
        timestamp = self._clock.at(packet)
        if not self._curtain.lets(packet.arrived_s):
            return
        self._fanout.push((packet.payload,), timestamp, is_key=True, arrived_s=packet.arrived_s)
        if self._taps:
            moved = replace(packet, timestamp=timestamp)
            for tap in tuple(self._taps):
                tap.give(moved)

    def tap(self, sink: Callable[[AudioPacket], None]) -> Tap[AudioPacket]:
        """Give `sink` every packet from now on; only a hold of the hub keeps them coming."""
        return Tap(sink, self._taps)

    def hide(self) -> None:
        """Send nothing of what waits."""
        self._fanout.discard()

    def join(self, receiver: Receiver, codec: str) -> None:
        """Send to this listener, which was told the sound's codec, from the next packet on."""
        self._codecs[receiver] = codec
        if self.format is None or self.format.codec == codec:
            self._fanout.join(receiver, cached=False)

    def part(self, receiver: Receiver) -> None:
        """Send to it no more; it goes on with another stream's sound, or with none. Idempotent."""
        self._codecs.pop(receiver, None)
        self._fanout.part(receiver)

    def media_time(self, receiver: Receiver, now_s: float) -> int | None:
        """The listener's RTP timestamp of now; None before any sound."""
        return self._fanout.media_time(receiver, now_s)
