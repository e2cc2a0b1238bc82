from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from simulators import encoder as encoders
from simulators.clock import SystemClock
from simulators.config import CameraConfig, StreamConfig
from simulators.encoder import VideoSource, next_due
from simulators.h264 import EncoderSetting, H264Encoder, access_unit, parameter_sets
from streams.errors import StreamError
from streams.rtp.frames import AccessUnit, VideoFormat

SMALL = StreamConfig(width=160, height=90, fps=20, bitrate_kbps=200)


class Grey:
    """Pictures that grow brighter."""

    def picture(self, at_s: float, number: int) -> np.ndarray:
        return np.full((SMALL.height, SMALL.width, 3), (number * 5) % 255, np.uint8)


class Broken:
    def picture(self, at_s: float, number: int) -> np.ndarray:
        if number > 2:
            raise OSError("the lens fell off")
        return Grey().picture(at_s, number)


def make(pictures: object = None, **settings: object) -> VideoSource:
    config = CameraConfig.model_validate({"name": "Uji", "password": "x", "idr_interval_s": 60.0, **settings})
    return VideoSource("Uji/sub", SMALL, config, pictures or Grey(), SystemClock())  # type: ignore[arg-type]


async def until(condition: Callable[[], bool], limit_s: float = 10.0) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - what the thread does raises no event
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("profile", "idc"), [("constrained-baseline", (0x42, 0xC0)), ("main", (0x4D, 0x40)), ("high", (0x64, 0x00))]
)
async def test_it_is_described_by_its_parameter_sets_without_running(profile: str, idc: tuple[int, int]) -> None:
    source = make(h264_profile=profile)
    described = await source.describe()
    assert described.profile_level_id is not None
    wanted = bytes.fromhex(described.profile_level_id)
    assert wanted[0] == idc[0]
    assert wanted[1] & idc[1] == idc[1]
    assert not source.running
    assert source.encoded == 0


async def test_the_headers_in_the_stream_are_those_described() -> None:
    source = make()
    units: list[AccessUnit] = []
    source.subscribe(units.append)
    await until(lambda: len(units) >= 1)
    assert units[0].is_key
    assert units[0].nals[:2] == (await source.describe()).parameter_sets
    await source.close()


async def test_clients_share_one_encoder_and_a_join_makes_no_key_frame() -> None:
    source = make()
    first: list[AccessUnit] = []
    second: list[AccessUnit] = []
    source.subscribe(first.append)
    await until(lambda: len(first) >= 3)
    source.subscribe(second.append)
    assert source.watchers == 2
    await until(lambda: len(second) >= 5)
    assert not any(unit.is_key for unit in second)
    assert [unit.timestamp for unit in second[:5]] == [unit.timestamp for unit in first if unit in second[:5]]
    assert source.key_frames == 1
    source.request_key_frame()
    await until(lambda: any(unit.is_key for unit in second))
    assert source.key_frames == 2
    await source.close()


async def test_time_stamps_follow_the_clock_and_the_pace_is_kept() -> None:
    source = make()
    units: list[AccessUnit] = []
    source.subscribe(units.append)
    await until(lambda: len(units) >= 21)
    await source.close()
    stamps = [unit.timestamp for unit in units[:21]]
    assert all(later > earlier for earlier, later in itertools.pairwise(stamps))
    assert (stamps[-1] - stamps[0]) / 90_000 == pytest.approx(20 / SMALL.fps, rel=0.35)


async def test_the_encoder_outlives_its_last_watcher_by_a_grace_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "GRACE_S", 0.1)
    source = make()
    units: list[AccessUnit] = []
    subscription = source.subscribe(units.append)
    await until(lambda: len(units) >= 2)
    subscription.close()
    subscription.close()
    assert source.running
    again = source.subscribe(units.append)  # within the grace time: the same encoder goes on
    await asyncio.sleep(0.3)
    assert source.running
    assert source.key_frames == 1
    again.close()
    await until(lambda: not source.running)
    taken = source.encoded
    await asyncio.sleep(0.15)
    assert source.encoded - taken <= 1
    await source.close()


async def test_an_encoder_that_dies_is_reported_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    source, failures = make(Broken()), []
    source.failed = failures.append
    source.subscribe(lambda unit: None)
    await until(lambda: bool(failures))
    assert "the lens fell off" in caplog.text
    with pytest.raises(StreamError, match="the lens fell off"):
        await source.describe()
    assert not source.running
    await source.close()


async def test_a_watcher_that_fails_does_not_harm_the_others(caplog: pytest.LogCaptureFixture) -> None:
    source = make()
    units: list[AccessUnit] = []

    def bad(unit: AccessUnit) -> None:
        raise ValueError("full")

    source.subscribe(bad)
    source.subscribe(units.append)
    await until(lambda: len(units) >= 3)
    assert source.watchers == 1
    assert "full" in caplog.text
    await source.close()


async def test_a_stuck_event_loop_makes_no_heap_of_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "MAX_BACKLOG", 4)
    source = make()
    units: list[AccessUnit] = []
    source.subscribe(units.append)
    await until(lambda: len(units) >= 1)
    time.sleep(0.6)  # noqa: ASYNC251 - blocking the loop is the test
    assert source.encoded <= len(units) + 4
    assert source.skipped > 0
    await source.close()


async def test_closing_ends_the_thread() -> None:
    source = make()
    source.subscribe(lambda unit: None)
    await until(lambda: source.encoded > 0)
    await source.close()
    await source.close()
    assert (source.running, source.watchers) == (False, 0)


def test_a_late_encoder_skips_and_never_hurries() -> None:
    assert next_due(1.04, 1.0, 0.04) == (1.04, 0)
    assert next_due(1.04, 1.05, 0.04) == (1.04, 0)
    due, missed = next_due(1.04, 1.21, 0.04)
    assert missed == 4
    assert due == pytest.approx(1.20)


@pytest.mark.parametrize("profile", ["constrained-baseline", "main", "high"])
def test_key_frames_come_at_the_interval_in_one_slice_and_without_b_frames(profile: str) -> None:
    setting = EncoderSetting(320, 180, 10, 300, profile, 1.0)  # type: ignore[arg-type]
    encoder, decoder = H264Encoder(setting), av.CodecContext.create("h264", "r")
    noise = np.random.default_rng(1).integers(0, 255, (180, 320, 3), dtype=np.uint8)
    keys, shown = [], 0
    for number in range(30):
        unit = encoder.encode(np.roll(noise, number, axis=1), number * 9000)
        assert unit is not None
        keys.append(unit.is_key)
        assert sum(1 for nal in unit.nals if nal[0] & 0x1F in (1, 5)) == 1
        frames = decoder.decode(av.Packet(b"".join(b"\0\0\0\1" + nal for nal in unit.nals)))
        shown += len(frames)
        assert all(PictureType(frame.pict_type).name in "IP" for frame in frames)
    assert [index for index, key in enumerate(keys) if key] == [0, 10, 20]
    assert shown >= 29


def test_the_bit_rate_is_kept() -> None:
    setting = EncoderSetting(640, 360, 15, 400, "constrained-baseline", 4.0)
    encoder, rng = H264Encoder(setting), np.random.default_rng(1)
    base = rng.integers(0, 255, (90, 160, 3), dtype=np.uint8)
    sizes = []
    for number in range(90):
        picture = np.kron(np.roll(base, number, axis=1), np.ones((4, 4, 1), np.uint8))
        unit = encoder.encode(picture, number * 6000)
        sizes.append(unit.size if unit else 0)
    assert sum(sizes) * 8 / 6 / 1000 < 400 * 1.3


def test_nothing_out_is_no_access_unit() -> None:
    assert access_unit(b"", 0) is None
    assert access_unit(b"\0\0\0\1\x06sei", 0) is None


def test_parameter_sets_are_made_once() -> None:
    setting = EncoderSetting(160, 90, 5, 100, "high", 2.0)
    assert parameter_sets(setting) is parameter_sets(setting)
    assert VideoFormat("H264", parameter_sets(setting)).profile_level_id is not None
