from __future__ import annotations

from streams.rtp.gop import Frame, GopCache, Squeeze


def frame(number: int, *, key: bool = False, size: int = 100) -> Frame:
    return Frame(number, number, (b"x" * size,), number * 3600, key)


def test_the_cache_begins_with_the_newest_key_frame() -> None:
    cache = GopCache()
    frames = [frame(0), frame(1, key=True), frame(2), frame(3, key=True), frame(4)]
    for item in frames:
        cache.push(item)
    assert list(cache.frames) == frames[3:]
    assert cache.size == 200


def test_a_gop_over_the_byte_cap_is_given_up_until_the_next_key_frame() -> None:
    cache = GopCache(max_bytes=250)
    for item in (frame(0, key=True), frame(1), frame(2), frame(3)):
        cache.push(item)
    assert list(cache.frames) == []
    assert cache.size == 0
    cache.push(frame(4, key=True))
    assert [item.number for item in cache.frames] == [4]


def test_a_gop_over_the_time_cap_is_given_up() -> None:
    cache = GopCache(max_s=0.1)
    for number in range(5):
        cache.push(frame(number, key=number == 0))
    assert list(cache.frames) == []


def test_squeezed_frames_end_at_the_live_edge_one_millisecond_apart() -> None:
    squeeze = Squeeze(edge_number=50, edge_timestamp=50 * 3600)
    times = [squeeze.timestamp(frame(number)) for number in (47, 48, 49, 50, 51, 52)]
    assert times == [180_000 - 270, 180_000 - 180, 180_000 - 90, 180_000, 183_600, 187_200]
