from __future__ import annotations

import asyncio
import math

import pytest

from bench import report
from bench.join import step_s
from bench.relay import Plateau, memory_per_viewer_mb
from bench.tally import Count, Tally, is_rtp
from bench.tap import read_message


def rtp(sequence: int, ssrc: int = 1, size: int = 20) -> bytes:
    return bytes([0x80, 96]) + sequence.to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big") + bytes(size - 12)


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [report.percentile(values, share) for share in report.SHARES] == [50, 95, 99]
    assert report.percentile([3.0, 1.0, 2.0], 0.5) == 2
    assert report.percentile([7.0], 0.99) == 7
    assert math.isnan(report.percentile([], 0.5))


def test_a_ratio_needs_both_figures() -> None:
    assert report.ratio(1.0, 4.0) == "0.25x"
    assert report.ratio(50.0, 2.0) == "25x"
    assert report.ratio(math.nan, 4.0) == report.ratio(1.0, 0.0) == report.ratio(1.0, math.nan) == "-"


def test_tables_line_up() -> None:
    lines = report.table("title", ("", "n"), [["long name", "1"], ["x", "100"]], ["a note"]).splitlines()
    assert lines[1] == "title"
    assert {len(line) for line in lines[3:7]} == {len("  long name  100")}
    assert lines[7] == "  a note"


def test_what_is_rtp() -> None:
    assert is_rtp(rtp(1))
    assert not is_rtp(bytes([0x80, 200]) + bytes(20))  # an RTCP sender report
    assert not is_rtp(bytes([22, 254, 253]) + bytes(20))  # DTLS
    assert not is_rtp(bytes([0, 1]) + bytes(20))  # STUN
    assert not is_rtp(b"\x80\x60")


@pytest.mark.parametrize(
    ("sequences", "lost"),
    [
        ([1, 2, 3], 0),
        ([1, 2, 5], 2),
        ([65534, 65535, 0, 1], 0),
        ([65535, 1], 1),
        ([1, 3, 2, 4], 0),
        ([3, 2], 0),
    ],
)
def test_loss_by_sequence_numbers(sequences: list[int], lost: int) -> None:
    tally = Tally()
    for sequence in sequences:
        tally.add(rtp(sequence))
    assert tally.count.packets == len(sequences)
    assert tally.count.lost == lost


def test_streams_of_one_socket_are_counted_apart() -> None:
    tally = Tally()
    for sequence, ssrc in ((10, 1), (40_000, 2), (11, 1), (40_003, 2)):
        tally.add(rtp(sequence, ssrc, size=100))
    assert tally.count == Count(packets=4, expected=6, bytes=400)
    assert tally.count - Count(1, 1, 100) + Count(1, 1, 100) == tally.count


def test_a_plateau_counts_what_it_cost() -> None:
    windows = [
        {"packets": 1000, "lost": 0, "cpu_ns": 5e6, "wall_s": 1.0},
        {"packets": 1000, "lost": 500, "cpu_ns": 15e6, "wall_s": 1.0},
    ]
    many = Plateau("camctl", 10, windows, 30_000_000)
    assert many.per_packet_us == [5, 15]
    assert many.per_viewer_percent == pytest.approx(0.1)
    assert many.lost_percent == pytest.approx(20)
    assert memory_per_viewer_mb([Plateau("camctl", 1, windows, 12_000_000), many]) == pytest.approx(2)
    assert memory_per_viewer_mb([many]) == 0


@pytest.mark.parametrize(("interval_s", "runs"), [(4.0, 20), (1.5, 3), (2.0, 6), (0.3, 20)])
def test_joins_meet_every_part_of_the_interval(interval_s: float, runs: int) -> None:
    step = step_s(interval_s, runs)
    assert step >= 0.5
    phases = sorted(round(index * step / interval_s * runs) % runs for index in range(runs))
    assert phases == list(range(runs))


async def test_the_tap_reads_whole_messages() -> None:
    reader = asyncio.StreamReader()
    first, second = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"GET / HTTP/1.1\r\n\r\n"
    reader.feed_data(first + second + b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\ncut")
    reader.feed_eof()
    assert [await read_message(reader) for _ in range(3)] == [first, second, None]
