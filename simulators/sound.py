"""What a camera hears: beeps of a second each, as G.711 in packets of 20 ms; it listens while somebody takes it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Literal

from simulators.clock import Clock
from streams.rtp.audio import AUDIO_CLOCK_HZ, AudioFormat, AudioPacket

PACKET_S = 0.02
TONE_HZ, BEEP_S = 440.0, 0.5  # a beep in the first half of each second
_SAMPLES = round(AUDIO_CLOCK_HZ * PACKET_S)
_LOUDNESS = 0.4
_MAX_LATE = 5  # packets that are made up for when the machine was late; more are left out
_BIAS, _CLIP = 132, 32_635

Sink = Callable[[AudioPacket], None]


def mu_law(sample: int) -> int:
    """A 16-bit sample as ITU-T G.711 mu-law."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), _CLIP) + _BIAS
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> (exponent + 3) & 0x0F) & 0xFF


def a_law(sample: int) -> int:
    """A 16-bit sample as ITU-T G.711 A-law."""
    sign = 0x80 if sample >= 0 else 0
    magnitude = min(sample if sample >= 0 else ~sample, 0x7FFF) >> 4
    if magnitude < 32:
        return (sign | magnitude) ^ 0x55
    exponent = magnitude.bit_length() - 4
    return (sign | exponent << 4 | magnitude >> (exponent - 1) & 0x0F) ^ 0x55


def _second(codec: Literal["PCMU", "PCMA"]) -> bytes:
    encode = mu_law if codec == "PCMU" else a_law
    times = (number / AUDIO_CLOCK_HZ for number in range(AUDIO_CLOCK_HZ))
    beeps = (_LOUDNESS * math.sin(2 * math.pi * TONE_HZ * at) if at < BEEP_S else 0.0 for at in times)
    return bytes(encode(round(32_767 * value)) for value in beeps)


class Microphone:
    """A camera's sound for any number of takers; all methods belong to the event loop's thread."""

    def __init__(self, codec: Literal["PCMU", "PCMA"], clock: Clock) -> None:
        self.format = AudioFormat(codec)
        self._clock = clock
        self._second = _second(codec)
        self._takers: dict[_Taker, None] = {}
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None

    def subscribe(self, sink: Sink) -> _Taker:
        """Call `sink` with every packet from now on."""
        taker = _Taker(self, sink)
        self._takers[taker] = None
        if self._timer is None:
            self._number = self._due()
            self._wait()
        return taker

    def leave(self, taker: _Taker) -> None:
        """It takes no more; idempotent."""
        self._takers.pop(taker, None)
        if not self._takers and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> int:
        return math.floor(self._clock.monotonic() / PACKET_S)

    def _wait(self) -> None:
        delay_s = (self._number + 1) * PACKET_S - self._clock.monotonic()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, delay_s), self._hear)

    def _hear(self) -> None:
        self._number = max(self._number, self._due() - _MAX_LATE)
        while self._number < self._due():
            at = self._number * _SAMPLES
            start = at % len(self._second)
            packet = AudioPacket(self._second[start : start + _SAMPLES], at, self._clock.monotonic())
            self._number += 1
            for taker in tuple(self._takers):
                taker.offer(packet)
        if self._takers:
            self._wait()


class _Taker:
    """One taker's share."""

    def __init__(self, microphone: Microphone, sink: Sink) -> None:
        self._microphone = microphone
        self.offer = sink

    def close(self) -> None:
        """See streams.rtsp.source.Subscription."""
        self._microphone.leave(self)
