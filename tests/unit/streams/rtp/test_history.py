from __future__ import annotations

from streams.rtp.gop import Frame
from streams.rtp.history import History


def frame(number: int, first: int, packets: int, size: int = 10) -> Frame:
    return Frame(number, first, (b"x" * size,) * packets, number * 3600, number == 0, number / 25)


def test_it_keeps_seconds_not_packets() -> None:
    history = History(keep_s=1.0)
    first = 0
    for number in range(2000):
        history.push(frame(number, first, 3))
        first += 3
    found = history.find(first - 1)
    assert found is not None
    assert (found[0].number, found[1]) == (1999, 2)
    kept = [index for index in range(first) if history.find(index) is not None]
    assert kept == list(range(first - 26 * 3, first)), "a second, and the frame that ends it"
    assert history.find(first) is None
    assert history.find(-1) is None


def test_its_bytes_are_bounded_however_fast_the_stream() -> None:
    history = History(keep_s=100.0, max_bytes=1000)
    for number in range(50):
        history.push(frame(number, number, 1, size=300))
    assert [index for index in range(50) if history.find(index)] == [47, 48, 49]
    history.push(frame(50, 50, 1, size=5000))
    assert history.find(50) is not None, "the newest one is kept whatever its size"


def test_gaps_and_an_empty_one_hold_nothing() -> None:
    history = History()
    assert history.find(0) is None
    history.push(frame(0, 5, 2))
    assert history.find(4) is None
    assert history.find(7) is None
    history.clear()
    assert history.find(5) is None
