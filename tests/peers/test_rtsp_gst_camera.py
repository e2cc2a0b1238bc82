"""Our client pulls from gst-rtsp-server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streams.errors import StreamError, StreamFault
from streams.rtp import h265
from streams.rtp.codecs import codec_of
from streams.rtp.frames import AccessUnit
from streams.rtp.nal import PPS, SPS, nal_type
from streams.rtp.order import PictureOrder
from streams.rtsp.client import RtspClient
from tests.support.certificates import self_signed
from tests.support.rtsp_kit import decode_count, play

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
    return await play(client, count, 15)


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


async def test_h265_is_pulled_and_decodes() -> None:
    async with camera("--codec", "h265") as port:
        client = client_of(port)
        video = await client.open()
        units = await pull(client, 60)
    assert video.codec == "H265"
    assert len(video.parameter_sets) == 3
    keys = [unit for unit in units if unit.is_key]
    assert units[0].is_key
    assert len(keys) >= 2
    assert all({h265.VPS, h265.SPS, h265.PPS} <= {h265.nal_type(nal) for nal in unit.nals} for unit in keys)
    assert decode_count(units) == len(units)
    assert client.counters.lost == 0


@pytest.mark.parametrize("codec", ["h264", "h265"])
async def test_a_camera_that_sends_by_udp_only_is_found_out_and_pulled(codec: str) -> None:
    async with camera("--codec", codec, "--udp-only") as port:
        client = client_of(port)
        await client.open()
        units = await pull(client, 40)
    assert client.carrier == "RTP over UDP"
    assert client.counters.lost == 0
    assert decode_count(units) == len(units)


@pytest.mark.parametrize("transport", [(), ("--udp-only",)])
async def test_key_frames_of_4k_come_whole(transport: tuple[str, ...]) -> None:
    # Noise, so that they are large; slowly, because the encoder has the processor for itself only in part.
    options = ("--size", "3840x2160", "--fps", "2", "--kbps", "16000", "--pattern", "snow")
    async with camera(*options, *transport) as port:
        client = client_of(port)
        await client.open()
        units = await pull(client, 2)
    assert units[0].is_key
    assert units[0].size > 300_000
    assert decode_count(units) == len(units)
    assert max(map(len, codec_of("H264").packetise(units[0].nals))) <= 1188
    assert client.counters.lost == 0


async def test_a_pinned_certificate_is_trusted_and_another_one_is_not(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "127.0.0.1")
    files = ("--certificate", str(certificate.chain), "--key", str(certificate.key))
    async with camera(*files, *LOGIN, "--auth", "basic") as port:
        url = f"rtsps://127.0.0.1:{port}/cam"
        client = RtspClient(url, "127.0.0.1", "admin", "hunter2", tls_fingerprint=certificate.fingerprint)
        await client.open()
        assert await pull(client, 10)
        with pytest.raises(StreamError) as caught:
            await RtspClient(url, "127.0.0.1", "admin", "hunter2").open()
    assert caught.value.fault is StreamFault.CERTIFICATE


async def test_a_camera_that_describes_audio_too_is_asked_for_its_video() -> None:
    async with camera("--audio") as port:
        client = client_of(port)
        await client.open()
        units = await pull(client, 40)
    assert decode_count(units) == len(units)
    assert client.counters.lost == 0


@pytest.mark.parametrize(("count", "found"), [(0, False), (2, True)])
async def test_b_frames_are_noticed(count: int, found: bool) -> None:
    async with camera("--bframes", str(count), "--profile", "main") as port:
        client = client_of(port)
        await client.open()
        units = await pull(client, 40)
    order = PictureOrder()
    for unit in units:
        order.note(unit.timestamp, unit.arrived_s)
    assert order.has_b_frames is found
