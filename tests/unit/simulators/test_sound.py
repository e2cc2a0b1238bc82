"""The simulator's microphone: G.711 as FFmpeg reads it, and packets on time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import av
import numpy as np
import pytest

from simulators.clock import SystemClock
from simulators.sound import Microphone, _second, a_law, mu_law
from streams.rtp.audio import AudioPacket

DECODERS = {"PCMU": "pcm_mulaw", "PCMA": "pcm_alaw"}


def decoded(codec: str, data: bytes) -> np.ndarray:
    context = av.CodecContext.create(DECODERS[codec], "r")
    context.sample_rate, context.layout = 8000, "mono"  # type: ignore[attr-defined]
    frames = [*context.decode(av.Packet(data)), *context.decode(None)]  # type: ignore[attr-defined]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(int)


@pytest.mark.parametrize(("codec", "encode"), [("PCMU", mu_law), ("PCMA", a_law)])
def test_samples_are_what_ffmpeg_reads_within_the_steps_of_g711(codec: str, encode: object) -> None:
    samples = np.arange(-32_700, 32_700, 37)
    read = decoded(codec, bytes(encode(int(sample)) for sample in samples))  # type: ignore[operator]
    steps = np.maximum(16, np.abs(samples) / 16)
    assert np.all(np.abs(read - samples) <= steps)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_a_second_is_a_beep_and_a_silence(codec: str) -> None:
    sound = decoded(codec, _second(codec))  # type: ignore[arg-type]
    assert sound.size == 8000
    beep, silence = sound[:4000], sound[4000:]
    assert np.abs(beep).max() > 12_000
    assert np.abs(silence).max() < 20
    assert int(np.argmax(np.abs(np.fft.rfft(beep)))) == pytest.approx(440 * 0.5, abs=1)


async def test_packets_come_in_their_time_while_somebody_listens() -> None:
    microphone = Microphone("PCMA", SystemClock())
    heard: list[AudioPacket] = []
    taker = microphone.subscribe(heard.append)
    await asyncio.sleep(0.3)
    taker.close()
    count = len(heard)
    await asyncio.sleep(0.05)
    assert len(heard) == count
    assert 8 <= count <= 16
    assert {len(packet.payload) for packet in heard} == {160}
    assert {after.timestamp - before.timestamp for before, after in pairwise(heard)} == {160}
