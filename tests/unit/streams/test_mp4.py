"""The MP4 that browsers get: decoded by ffmpeg picture by picture, and clocks that no player stumbles over."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from fractions import Fraction

import av
import pytest

from streams.errors import StreamError, StreamFault
from streams.mp4 import DecodeClock, Muxer, Piece, fragment
from streams.rtp.frames import AccessUnit
from streams.rtp.nal import AUD, split_annex_b
from tests.system.media_scene import FPS, encoded_loop

TICKS = 90_000 // FPS
START = 90_000


def units(loops: int = 1, start: int = 0) -> list[AccessUnit]:
    loop = encoded_loop()
    return [
        AccessUnit(loop[number % len(loop)], start + number * TICKS, number % len(loop) == 0)
        for number in range(loops * len(loop))
    ]


def pieces(source: Iterable[AccessUnit]) -> list[Piece]:
    muxer = Muxer()
    return [piece for unit in source for piece in muxer.push("H264", unit)]


def hashes(frames: Iterable[av.VideoFrame]) -> list[str]:
    return [hashlib.sha1(frame.to_ndarray().tobytes(), usedforsecurity=False).hexdigest() for frame in frames]


def plain_hashes(source: Iterable[AccessUnit]) -> list[str]:
    decoder = av.CodecContext.create("h264", "r")
    frames = []
    for unit in source:
        frames += decoder.decode(av.Packet(b"".join(b"\0\0\0\1" + nal for nal in unit.nals)))
    return hashes(frames + decoder.decode(None))


def test_every_picture_comes_out_as_it_went_in() -> None:
    source = units(2, start=2**33)
    made = pieces(source)
    assert [piece.is_init for piece in made].count(True) == 1
    assert made[0].codecs == "avc1.42C01E"
    assert [number for number, piece in enumerate(made) if piece.is_key] == [1, 1 + FPS * 2]
    with av.open(io.BytesIO(b"".join(piece.data for piece in made))) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (640, 360)
        packets = list(container.demux(stream))[:-1]
        assert [packet.is_keyframe for packet in packets] == [unit.is_key for unit in source]
        assert [packet.dts for packet in packets] == [START + number * TICKS for number in range(len(source))]
        assert [packet.pts for packet in packets] == [packet.dts for packet in packets]
    with av.open(io.BytesIO(b"".join(piece.data for piece in made))) as container:
        assert hashes(container.decode(video=0)) == plain_hashes(source)


def test_who_comes_in_the_middle_needs_the_init_segment_and_a_key_piece() -> None:
    source = units(2)
    made = pieces(source)
    late = [made[0], *made[1 + FPS * 2 :]]
    with av.open(io.BytesIO(b"".join(piece.data for piece in late))) as container:
        assert hashes(container.decode(video=0)) == plain_hashes(source[FPS * 2 :])


def test_delimiters_and_known_parameter_sets_are_not_in_samples() -> None:
    unit = units()[0]
    with_delimiter = AccessUnit((bytes([AUD, 0x10]), *unit.nals), 0, is_key=True)
    assert pieces([with_delimiter])[1].data == pieces([unit])[1].data
    sets = [nal for nal in unit.nals if nal[0] & 0x1F in (7, 8)]
    assert all(nal in pieces([unit])[0].data for nal in sets)
    assert not any(nal in pieces([unit])[1].data for nal in sets)


def test_another_format_begins_with_another_init_segment() -> None:
    small = av.CodecContext.create("libx264", "w")
    small.width, small.height, small.pix_fmt, small.time_base = 320, 180, "yuv420p", Fraction(1, FPS)
    frame = av.VideoFrame(320, 180, "yuv420p")
    frame.pts = 0
    data = b"".join(map(bytes, [*small.encode(frame), *small.encode(None)]))
    other = AccessUnit(tuple(split_annex_b(data)), FPS * 2 * TICKS, is_key=True)
    made = pieces([*units(), other])
    assert [piece.is_init for piece in made].count(True) == 2
    second = b"".join(piece.data for piece in made[-2:])
    with av.open(io.BytesIO(second)) as container:
        assert [(f.width, f.height) for f in container.decode(video=0)] == [(320, 180)]


def test_nothing_comes_before_the_first_key_unit() -> None:
    assert pieces(units()[1:]) == []


@pytest.mark.parametrize(("codec", "fault"), [("H265", StreamFault.CODEC), ("H264", StreamFault.PROTOCOL)])
def test_what_cannot_be_put_into_mp4_is_said(codec: str, fault: StreamFault) -> None:
    broken = AccessUnit((b"\x67\x42", b"\x68\xce", b"\x65\x88"), 0, is_key=True)
    with pytest.raises(StreamError) as caught:
        list(Muxer().push(codec, broken))
    assert caught.value.fault is fault
    assert (caught.value.codec == codec) is (fault is StreamFault.CODEC)


def test_the_clock_keeps_true_time_where_a_player_bears_it() -> None:
    clock = DecodeClock()
    times = [5_000, 8_600, 12_300, 15_700, 19_400]
    assert [clock.at(time)[0] - START for time in times] == [0, 3_600, 7_300, 10_700, 14_400]


def test_the_clock_leaves_out_what_a_player_would_not_bear() -> None:
    clock = DecodeClock()
    last, allowed = START, 3_600
    for number, time in enumerate([0, 3_600, 7_200, 907_200, 910_800, 950_000, 1_000_000, 1_050_000]):
        decode_time, offset, duration = clock.at(time)
        assert offset == 0
        assert decode_time - last <= 2 * allowed, f"picture {number} would be taken for a break"
        last, allowed = decode_time, duration
    assert last - START < 300_000


def test_reordered_pictures_keep_their_own_times() -> None:
    clock = DecodeClock()
    shown = [0, 10_800, 3_600, 7_200, 21_600, 14_400, 18_000]
    told = [clock.at(time) for time in shown]
    decode_times = [at for at, _, _ in told]
    assert decode_times == sorted(set(decode_times))
    assert [at + offset - START for at, offset, _ in told] == shown


def test_a_fragment_says_how_long_it_is() -> None:
    data = fragment(2**32 + 5, 2**40, 3_600, -1, b"sample", is_key=False)
    size = int.from_bytes(data[:4], "big")
    assert data[size + 4 : size + 8] == b"mdat"
    assert data[size + 8 :] == b"sample"
    at = data.index(b"trun") + 4
    assert int.from_bytes(data[at + 8 : at + 12], "big") == size + 8
