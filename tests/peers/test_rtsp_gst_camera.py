"""Our client pulls from gst-rtsp-server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streams.errors import StreamError, StreamFault
from streams.rtp.frames import AccessUnit
from streams.rtp.nal import PPS, SPS, nal_type
from streams.rtsp.client import RtspClient
from tests.support.rtsp_kit import decode_count, until

pytestmark = pytest.mark.peer

CAMERA = Path(__file__).with_name("gst_rtsp_camera.py")
LOGIN = ("--user", "admin", "--password", "hunter2")


@asynccontextmanager
async def camera(*options: str) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/python3", str(CAMERA), *options, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        yield int(line)
    finally:
        process.kill()
        await process.communicate()


def client_of(port: int, path: str = "cam", username: str = "", password: str = "") -> RtspClient:
    return RtspClient(f"rtsp://127.0.0.1:{port}/{path}", "127.0.0.1", username, password)


async def pull(client: RtspClient, count: int) -> list[AccessUnit]:
    units: list[AccessUnit] = []
    playing = asyncio.create_task(client.play(units.append))
    await until(lambda: len(units) >= count or playing.done(), 15)
    await client.close()
    await playing
    return units


@pytest.mark.parametrize(("profile", "profile_bytes"), [("constrained-baseline", "42"), ("main", "4d"), ("high", "64")])
async def test_h264_of_every_profile_is_pulled_and_decodes(profile: str, profile_bytes: str) -> None:
    async with camera("--profile", profile) as port:
        client = client_of(port)
        video = await client.open()
        units = await pull(client, 60)
    assert video.codec == "H264"
    assert (video.profile_level_id or "").startswith(profile_bytes)
    keys = [unit for unit in units if unit.is_key]
    assert units[0].is_key
    assert len(keys) >= 2
    assert all({SPS, PPS} <= {nal_type(nal) for nal in unit.nals} for unit in keys)
    assert decode_count(units) == len(units)
    assert client.counters.lost == 0


@pytest.mark.parametrize("scheme", ["digest", "basic"])
async def test_a_password_is_given_and_a_wrong_one_named(scheme: str) -> None:
    async with camera(*LOGIN, "--auth", scheme) as port:
        client = client_of(port, "cam", "admin", "hunter2")
        await client.open()
        assert await pull(client, 5)
        for username, password in (("admin", "wrong"), ("", "")):
            with pytest.raises(StreamError) as caught:
                await client_of(port, "cam", username, password).open()
            assert caught.value.fault is StreamFault.BAD_CREDENTIALS
            assert not password or password not in repr(caught.value)


async def test_an_unknown_path_is_named() -> None:
    async with camera() as port:
        with pytest.raises(StreamError) as caught:
            await client_of(port, "nothing").open()
    assert caught.value.fault is StreamFault.NOT_FOUND


async def test_an_h265_camera_is_recognised() -> None:
    async with camera("--codec", "h265") as port:
        client = client_of(port)
        video = await client.open()
        with pytest.raises(StreamError) as caught:
            await client.play(lambda _: None)
        await client.close()
    assert video.codec == "H265"
    assert len(video.parameter_sets) == 3
    assert (caught.value.fault, caught.value.codec) == (StreamFault.CODEC, "H265")
