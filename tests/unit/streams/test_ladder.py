"""Which of a camera's streams a viewer can be shown."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from streams.errors import StreamError, StreamFault
from streams.hub import Hub
from streams.ladder import find_ladder, hold_needed
from streams.quality import Demand, Quality, Wish
from streams.rtp.frames import VideoFormat
from tests.unit.streams.hub_kit import H264, Street

MAIN, SUB = Quality.MAIN, Quality.SUB
H265 = VideoFormat("H265")


class Camera:
    def __init__(self) -> None:
        self.streets: dict[Quality, Street] = {}
        self.hubs: dict[Quality, Hub] = {}
        self.all: list[Hub] = []

    def has(self, main: VideoFormat | StreamFault, sub: VideoFormat | StreamFault | None = None) -> None:
        for quality, outcome in ((MAIN, main), (SUB, sub)):
            if outcome is not None:
                self.streets[quality] = Street(outcome)
                self.hubs[quality] = self.streets[quality].hub()
                self.all.append(self.hubs[quality])

    async def ladder(self, *takes: str, demand: Demand | None = None) -> tuple[set[Quality], str]:
        demand = demand or Demand()
        self.holds = hold_needed(self.hubs, demand)
        found = await find_ladder(self.hubs, demand, lambda codec: codec in takes, 1.0)
        return set(found.hubs), found.video.codec


@pytest_asyncio.fixture
async def camera() -> AsyncIterator[Camera]:
    camera = Camera()
    yield camera
    for hub in camera.all:
        await hub.close()


async def test_both_streams_of_one_codec_are_a_ladder(camera: Camera) -> None:
    camera.has(H264, H264)
    assert await camera.ladder("H264", "H265") == ({MAIN, SUB}, "H264")


async def test_a_viewer_that_does_not_take_the_main_streams_codec_gets_the_sub_stream(camera: Camera) -> None:
    camera.has(H265, H264)
    assert await camera.ladder("H264") == ({SUB}, "H264")


async def test_a_viewer_that_takes_both_codecs_stays_on_the_better_stream(camera: Camera) -> None:
    camera.has(H265, H264)
    assert await camera.ladder("H264", "H265") == ({MAIN}, "H265")


async def test_what_the_camera_sends_is_named_when_the_viewer_takes_none_of_it(camera: Camera) -> None:
    camera.has(H265, H265)
    with pytest.raises(StreamError, match=r"sends H\.265") as caught:
        await camera.ladder("H264")
    assert (caught.value.fault, caught.value.codec) == (StreamFault.CODEC, "H265")


async def test_a_codec_that_nobody_relays_is_the_cameras_own_fault_unless_the_sub_stream_helps(camera: Camera) -> None:
    camera.has(VideoFormat("JPEG"))
    with pytest.raises(StreamError) as caught:
        await camera.ladder("H264")
    assert (caught.value.fault, caught.value.codec) == (StreamFault.CODEC, "JPEG")
    camera.has(VideoFormat("JPEG"), H264)
    assert await camera.ladder("H264") == ({SUB}, "H264")


async def test_a_camera_that_cannot_be_had_says_why(camera: Camera) -> None:
    camera.has(StreamFault.BAD_CREDENTIALS, StreamFault.BAD_CREDENTIALS)
    with pytest.raises(StreamError) as caught:
        await camera.ladder("H264")
    assert caught.value.fault is StreamFault.BAD_CREDENTIALS


async def test_a_sub_stream_that_does_not_answer_does_not_hold_the_answer_up(camera: Camera) -> None:
    camera.has(H264, H264)
    camera.streets[SUB].gate.clear()
    assert await camera.ladder("H264") == ({MAIN}, "H264")


@pytest.mark.parametrize("demand", [Demand(Wish.SUB), Demand(height_px=120)])
async def test_who_wants_the_sub_stream_only_does_not_make_the_camera_send_both(camera: Camera, demand: Demand) -> None:
    camera.has(H264, H264)
    assert await camera.ladder("H264", demand=demand) == ({MAIN, SUB}, "H264")
    assert set(camera.holds) == {MAIN, SUB}, "nobody knew yet what they send"
    for hold in camera.holds.values():
        hold.release()
    assert await camera.ladder("H264", demand=demand) == ({MAIN, SUB}, "H264")
    assert set(camera.holds) == {SUB}
