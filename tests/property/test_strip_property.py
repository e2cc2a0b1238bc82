"""The strip comes back from decoded H.264 at the sub stream's bit rate, whatever it says."""

from __future__ import annotations

import av
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import scene, strip
from simulators.h264 import EncoderSetting, H264Encoder
from simulators.optics import look
from simulators.strip import Reading

SUB = EncoderSetting(640, 360, 15, 400, "constrained-baseline", 4.0)
readings = st.builds(
    Reading,
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**48 - 1),
    st.integers(-18_000, 18_000).map(lambda value: value / 100),
    st.integers(-9_000, 9_000).map(lambda value: value / 100),
    st.integers(100, 4_000).map(lambda value: value / 100),
)


@given(readings)
def test_bytes_round_trip(reading: Reading) -> None:
    assert strip.unpack(strip.pack(reading)) == reading


@settings(max_examples=12)
@given(st.lists(readings, min_size=8, max_size=8))
def test_it_survives_the_encoder(sequence: list[Reading]) -> None:
    encoder, decoder = H264Encoder(SUB), av.CodecContext.create("h264", "r")
    eye = scene.Eye(scene.world(1, "day"))
    seen = []
    for index, reading in enumerate(sequence):
        image = eye.see(
            look(index * 7.0, -4.0, 62.0, 640, 360), index / 15
        )  # turning at full speed: the hardest to code
        strip.burn(image, reading)
        unit = encoder.encode(image, index * 6000)
        assert unit is not None
        packet = av.Packet(b"".join(b"\0\0\0\1" + nal for nal in unit.nals))
        seen += [strip.read(frame.to_ndarray(format="bgr24")) for frame in decoder.decode(packet)]
    seen += [strip.read(np.asarray(frame.to_ndarray(format="gray"))) for frame in decoder.decode(None)]
    assert seen == sequence
