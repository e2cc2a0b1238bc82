from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest

from bench import report
from bench.capacity import verdict
from bench.join import step_s
from bench.relays import Plateau, memory_per_viewer_kb
from bench.tally import Count, FirstKey, Heads, Tally, is_rtp
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


def heads(*packets: tuple[int, int, int], ssrc: int = 1, size: int = 20) -> Heads:
    """RTP headers of (viewer, sequence, SSRC or 0 for the usual one)."""
    rows = [list(rtp(sequence, other or ssrc)[:12]) for _, sequence, other in packets]
    viewers = np.array([viewer for viewer, _, _ in packets], dtype=np.int64)
    return Heads(viewers, np.array(rows, dtype=np.uint8).reshape(-1, 12), np.full(len(packets), size, dtype=np.int64))


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
@pytest.mark.parametrize("at_once", [1, 10])
def test_loss_by_sequence_numbers_however_packets_come_in_batches(
    sequences: list[int], lost: int, at_once: int
) -> None:
    tally = Tally(3)
    packets = [(viewer, sequence, 0) for sequence in sequences for viewer in (0, 2)]
    for start in range(0, len(packets), at_once):
        tally.add(heads(*packets[start : start + at_once]))
    assert tally.packets.tolist() == [len(sequences), 0, len(sequences)]
    assert tally.lost.tolist() == [lost, 0, lost]
    assert tally.count.lost == 2 * lost


def test_only_the_first_stream_of_a_viewer_counts() -> None:
    tally = Tally(2)
    is_main = tally.add(heads((0, 10, 7), (1, 500, 8), (0, 900, 9), (0, 11, 7), size=100))
    assert is_main.tolist() == [True, True, False, True]
    assert tally.count == Count(packets=3, expected=3, bytes=300)
    assert tally.count - Count(1, 1, 100) == Count(2, 2, 200)
    assert (tally.ssrc(0), tally.ssrc(1)) == (7, 8)
    assert Tally(1).ssrc(0) is None


def test_rtp_is_told_apart_in_a_batch_as_it_is_one_by_one() -> None:
    datagrams = [rtp(1), bytes([0x80, 200]) + bytes(20), bytes([22, 254, 253]) + bytes(20), bytes([0, 1]) + bytes(20)]
    rows = np.array([list(each[:12]) for each in datagrams], dtype=np.uint8)
    batch = Heads(np.zeros(4, dtype=np.int64), rows, np.array([len(each) for each in datagrams]))
    assert batch.are_rtp.tolist() == [is_rtp(each) for each in datagrams] == [True, False, False, False]


def test_the_first_key_picture_is_the_first_large_one_that_is_whole() -> None:
    def picture(sequences: list[int], timestamp: int) -> list[bytes]:
        packets = [bytearray(rtp(sequence)) for sequence in sequences]
        for packet in packets:
            packet[4:8] = timestamp.to_bytes(4, "big")
        packets[-1][1] |= 0x80
        return [bytes(packet) for packet in packets]

    seen = FirstKey(least_packets=3)
    for now_s, packet in enumerate([
        *picture([1, 2], 100),  # small
        *picture([3, 4, 6], 200),  # 5 is missing
        *picture([65535, 0, 1], 300),
        *picture([2, 3, 4], 400),
    ]):  # fmt: skip
        seen.add(packet, float(now_s))
    assert seen.at_s == 7.0


def test_a_plateau_counts_what_it_cost() -> None:
    windows = [
        {"packets": 1000, "lost": 0, "cpu_ns": 5e6, "wall_s": 1.0},
        {"packets": 1000, "lost": 500, "cpu_ns": 15e6, "wall_s": 1.0},
    ]
    many = Plateau("camctl", 10, windows, 30_000_000)
    assert many.per_packet_us == [5, 15]
    assert many.per_viewer_percent == pytest.approx(0.1)
    assert many.packets_per_viewer_s == pytest.approx(100)
    assert many.lost_percent == pytest.approx(20)
    assert memory_per_viewer_kb([Plateau("camctl", 1, windows, 12_000_000), many]) == pytest.approx(2000)
    assert memory_per_viewer_kb([many]) == 0


def plateau_of(viewers: int, **changed: float) -> Plateau:
    window = {"packets": 100 * viewers, "lost": 0, "dropped": 0, "silent": 0, "wall_s": 1.0, "load_cpu_ns": 5e8}
    return Plateau("camctl", viewers, [{**window, **changed}], 0)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, None),
        ({"lost": 300}, "lost"),
        ({"dropped": 1}, "load"),
        ({"load_cpu_ns": 9.9e8}, "load"),
        ({"silent": 1}, "nothing at all"),
        ({"packets": 28_000}, "93 %"),
    ],
)
def test_a_ramp_ends_where_anything_is_missing(changed: dict[str, float], why: str | None) -> None:
    found = verdict(plateau_of(300, **changed), plateau_of(100))
    assert (found is None) if why is None else (found is not None and why in found)


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
