"""The pure parts of the media benchmarks: delays, freezes, quality, encoded loops, Janus' files, ways in JSON."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bench import janus, ways
from bench.frames import Frame, ages_ms, behind_ms, first_of_height, frozen_share
from bench.lag import lags
from bench.loop import FPS, MAIN, SUB, encode, size_of

WRAP = 1 << 32


def stream(offset: int, delay_ms: float, key_packets: int = 20) -> tuple[list[int], list[int]]:
    """A viewer's timestamps and arrivals of `PICTURES`, all packets of a picture `delay_ms` after it was sent."""
    timestamps, arrivals = [], []
    for timestamp, at_ns, is_key in PICTURES:
        count = key_packets if is_key else 2
        timestamps += [(timestamp + offset) % WRAP] * count
        arrivals += [at_ns + round(delay_ms * 1e6)] * count
    return timestamps, arrivals


PICTURES = [(3600 * number, 40_000_000 * number, number % 10 == 0) for number in range(25)]


def of(viewers: list[tuple[list[int], list[int]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    numbers = [number for number, (timestamps, _) in enumerate(viewers) for _ in timestamps]
    timestamps = [each for timestamps, _ in viewers for each in timestamps]
    arrivals = [each for _, arrivals in viewers for each in arrivals]
    return np.array(numbers), np.array(timestamps), np.array(arrivals)


@pytest.mark.parametrize("offset", [0, 12345, WRAP - 3600 * 5])
def test_delays_are_found_whatever_a_viewers_timestamps_begin_at(offset: int) -> None:
    found = lags(PICTURES, *of([stream(offset, 3.0), stream(offset + 99, 130.0)]))
    assert found.unmatched == 0
    assert sorted(set(np.round(found.ms, 6).tolist())) == [3.0, 130.0]
    assert found.percentile_ms(0.5) == pytest.approx(3.0)


def test_a_viewer_without_a_key_picture_is_not_guessed_at() -> None:
    found = lags(PICTURES, *of([stream(7, 3.0), stream(7, 3.0, key_packets=2)]))
    assert found.unmatched == 2 * len(PICTURES)
    assert len(found.ms) == 3 * 20 + 22 * 2


def test_pictures_that_the_camera_did_not_send_are_told() -> None:
    timestamps, arrivals = stream(7, 3.0)
    found = lags(PICTURES, *of([([*timestamps, 8 + 3600], [*arrivals, arrivals[-1]])]))
    assert found.unmatched == 1


def shown(*moments_ms: float, height: int = 720) -> list[Frame]:
    return [Frame(moment, height, moment - 100) for moment in moments_ms]


def test_smooth_pictures_are_not_frozen_and_gaps_count_whole() -> None:
    assert frozen_share(shown(*range(0, 1001, 40)), 0, 1000) == 0
    assert frozen_share(shown(*range(0, 401, 40), *range(700, 1001, 40)), 0, 1000) == pytest.approx(0.3)
    assert frozen_share(shown(*range(0, 401, 40), *range(590, 1001, 40)), 0, 1000) == 0  # 190 ms


def test_a_screen_that_stays_dark_or_still_at_the_end_is_frozen() -> None:
    assert frozen_share([], 0, 1000) == 1
    assert frozen_share(shown(*range(0, 501, 50)), 0, 1000) == pytest.approx(0.5)
    assert frozen_share(shown(*range(0, 2001, 50)), 500, 1500) == 0


def test_how_far_behind_live_the_screen_is() -> None:
    frames = [Frame(1000, 720, 900), Frame(1040, 720, 930), Frame(1080, 720, None), Frame(2000, 720, 1900)]
    assert behind_ms(frames, 1060) == 130
    assert behind_ms(frames, 1500) == 570  # it has stood still meanwhile
    assert math.isnan(behind_ms(frames, 900))
    assert ages_ms(frames) == [100, 110, 100]


def test_a_change_of_quality_is_seen_by_the_height() -> None:
    frames = [*shown(0, 40, 80), *shown(120, 160, height=360), *shown(200, 240)]
    assert first_of_height(frames, 360, 30) == 90
    assert first_of_height(frames, 720, 130) == 70
    assert math.isnan(first_of_height(frames, 1080, 0))


@pytest.mark.parametrize(("recipe", "key_kb", "kbps"), [(MAIN, (50, 65), (1900, 2100)), (SUB, (9, 14), (270, 330))])
def test_loops_are_as_large_as_a_streets_pictures(
    recipe: object, key_kb: tuple[int, int], kbps: tuple[int, int]
) -> None:
    pictures = encode(recipe, 2.0)  # type: ignore[arg-type]  # a Recipe
    assert len(pictures) == 2 * FPS
    kinds = [nal[0] & 0x1F for nal in pictures[0]]
    assert {7, 8, 5} <= set(kinds)
    assert not any(nal[0] & 0x1F == 5 for picture in pictures[1:] for nal in picture)
    assert key_kb[0] <= size_of(pictures[0]) / 1000 <= key_kb[1]
    assert kbps[0] <= sum(map(size_of, pictures)) * 8 * FPS / len(pictures) / 1000 <= kbps[1]


def test_janus_files() -> None:
    assert "event_loops = 1;" in janus.settings(Path("/usr/lib/janus"), 1)
    assert "event_loops" not in janus.settings(Path("/usr/lib/janus"), 0)
    camera = janus.mountpoint("rtsp://bench:word@127.0.0.1:554/main")
    assert 'url = "rtsp://127.0.0.1:554/main"' in camera
    assert 'rtsp_user = "bench"; rtsp_pwd = "word";' in camera
    assert "rtsp_user" not in janus.mountpoint("rtsp://127.0.0.1:554/main")


@pytest.mark.parametrize(
    "way", [ways.Whep("http://a/whep", {"authorization": "Bearer x"}), ways.Janus("http://a/janus")]
)
def test_ways_travel_as_json(way: ways.Whep | ways.Janus) -> None:
    assert ways.from_json(ways.to_json(way)) == way
