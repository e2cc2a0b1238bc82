"""FFmpeg and GStreamer play our server, over TCP and UDP, with and without a password."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from streams.rtsp.server import RtspServer
from tests.support.rtsp_kit import HEIGHT, WIDTH, LoopSource, serving, until

pytestmark = pytest.mark.peer

LOGIN = {"admin": "hunter2"}
FRAMES = 30
FRAME_BYTES = WIDTH * HEIGHT * 3 // 2


async def run(*command: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


def url_of(server: RtspServer, password: str = "hunter2") -> str:
    return f"rtsp://admin:{password}@127.0.0.1:{server.port}/main"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("schemes", [("digest", "basic"), ("digest-sha256", "digest"), ("basic",)])
async def test_ffprobe_names_the_stream(transport: str, schemes: tuple[str, ...]) -> None:
    source = LoopSource(in_band=False)
    async with serving(source, speed=2, credentials=LOGIN, schemes=schemes) as server:
        command = [
            "ffprobe",
            "-v",
            "error",
            "-rtsp_transport",
            transport,
            "-of",
            "json",
            "-show_streams",
            url_of(server),
        ]
        status, output, errors = await run(*command)
        await until(lambda: not source.subscriptions)
    assert (status, errors) == (0, "")
    (stream,) = json.loads(output)["streams"]
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", WIDTH, HEIGHT)
    assert stream["profile"] == "Constrained Baseline"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", ["H264", "H265"])
async def test_ffmpeg_decodes_without_complaint(transport: str, codec: str) -> None:
    async with serving(LoopSource(codec=codec), speed=2) as server:
        status, output, errors = await run(
            *("ffmpeg", "-v", "warning", "-xerror", "-rtsp_transport", transport, "-i", url_of(server)),
            *("-frames:v", str(FRAMES), "-f", "framemd5", "-"),
        )
    assert status == 0, errors
    assert sum(not line.startswith("#") for line in output.splitlines()) == FRAMES


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("schemes", [("digest", "basic"), ("digest-sha256", "digest"), ("basic",)])
async def test_gstreamer_decodes(transport: str, schemes: tuple[str, ...], tmp_path: Path) -> None:
    pictures = tmp_path / "pictures.yuv"
    source = LoopSource()
    async with serving(source, speed=2, credentials=LOGIN, schemes=schemes) as server:
        _, _, errors = await run(
            *("gst-launch-1.0", "-q", "rtspsrc", f"location={url_of(server)}", f"protocols={transport}", "latency=0"),
            *("!", "rtph264depay", "!", "avdec_h264", "!", "identity", f"eos-after={FRAMES}"),
            *("!", "filesink", f"location={pictures}"),
        )
        await until(lambda: not source.subscriptions)
    # Not by its exit code: rtspsrc 1.22 now and then fails to send its own PAUSE at the end of a stream.
    size = pictures.stat().st_size
    assert size % FRAME_BYTES == 0, errors
    assert size // FRAME_BYTES >= FRAMES - 1, errors


async def test_players_are_refused_with_a_wrong_password() -> None:
    async with serving(LoopSource(), credentials=LOGIN) as server:
        status, _, errors = await run("ffprobe", "-v", "error", url_of(server, "wrong"))
        assert status != 0
        assert "401" in errors
        await until(lambda: server.client_count == 0)
