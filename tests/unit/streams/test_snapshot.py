from __future__ import annotations

import asyncio

import av
import pytest

from streams import snapshot
from streams.errors import StreamError, StreamFault
from streams.rtp.frames import AccessUnit
from streams.snapshot import SnapshotCache, render_jpeg
from tests.support.rtsp_kit import encoded_units
from tests.system.media_scene import HEIGHT, WIDTH, encoded_loop


def key_unit() -> AccessUnit:
    return AccessUnit(encoded_loop()[0], 0, is_key=True)


def test_a_key_unit_becomes_a_jpeg_of_its_size() -> None:
    jpeg = render_jpeg(key_unit())
    assert jpeg[:2] == b"\xff\xd8"
    decoder = av.CodecContext.create("mjpeg", "r")
    (picture,) = decoder.decode(av.Packet(jpeg))
    assert isinstance(picture, av.VideoFrame)
    assert (picture.width, picture.height) == (WIDTH, HEIGHT)
    red, green, _ = picture.to_ndarray(format="rgb24")[100, 60]
    assert int(red) > 150 > 90 > int(green)  # the red block of the scene


def test_an_h265_key_unit_becomes_a_jpeg_too() -> None:
    assert render_jpeg(encoded_units(30, "H265")[0])[:2] == b"\xff\xd8"


@pytest.mark.parametrize("nals", [(b"\x65garbage",), (b"",), (b"\x67\x42", b"\x68", b"\x65" + b"\0" * 100)])
def test_what_cannot_be_decoded_is_said_so(nals: tuple[bytes, ...]) -> None:
    with pytest.raises(StreamError) as caught:
        render_jpeg(AccessUnit(nals, 0, is_key=True))
    assert caught.value.fault is StreamFault.PROTOCOL


class Camera:
    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    async def unit(self) -> AccessUnit:
        self.asked += 1
        await asyncio.sleep(0)
        if self.fails:
            raise StreamError(StreamFault.TIMEOUT, "no key picture")
        return key_unit()


async def test_pictures_are_kept_a_while_and_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "render_jpeg", lambda unit, size: b"jpeg")
    now_s, camera = 100.0, Camera()
    cache = SnapshotCache(keep_s=1.0, clock=lambda: now_s)
    pictures = await asyncio.gather(*(cache.get("cam-1/main", camera.unit) for _ in range(5)))
    assert pictures == [b"jpeg"] * 5
    assert camera.asked == 1
    await cache.get("cam-2/main", camera.unit)
    assert camera.asked == 2
    now_s += 1.5
    await cache.get("cam-1/main", camera.unit)
    assert camera.asked == 3


async def test_a_failure_reaches_everybody_and_is_not_kept() -> None:
    camera = Camera()
    camera.fails = True
    cache = SnapshotCache()
    results = await asyncio.gather(*(cache.get("x", camera.unit) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [StreamError] * 3
    assert camera.asked == 1
    camera.fails = False
    assert (await cache.get("x", camera.unit))[:2] == b"\xff\xd8"


async def test_a_forgotten_picture_is_not_given_out_even_when_it_was_being_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "render_jpeg", lambda unit, size: b"jpeg")
    camera, cache = Camera(), SnapshotCache()
    asking = asyncio.create_task(cache.get("cam-1/main", camera.unit))
    await asyncio.sleep(0)
    cache.forget("cam-1/main")
    cache.forget("cam-2/main")
    await asyncio.gather(asking, cache.get("cam-1/main", camera.unit))
    assert camera.asked == 2
    cache.forget("cam-1/main")
    await cache.get("cam-1/main", camera.unit)
    assert camera.asked == 3
