from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from streams.errors import StreamError, StreamFault
from streams.pool import MediaPool, StreamSource
from tests.system.media_scene import HEIGHT, WIDTH, camera, encoded_loop, source_of

PYTHON = "/usr/bin/python3"  # the system's: it has GObject introspection
VIEWER = Path(__file__).with_name("gstreamer_viewer.py")


def has_webrtcbin() -> bool:
    if not shutil.which("gst-inspect-1.0"):
        return False
    return all(
        subprocess.run(["gst-inspect-1.0", name], check=False, capture_output=True).returncode == 0
        for name in ("webrtcbin", "nicesrc", "avdec_h264", "avdec_h265")
    )


pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not has_webrtcbin(), reason="GStreamer's webrtcbin is not installed"),
]
CAMERA = Path(__file__).with_name("gst_rtsp_camera.py")
H264 = "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000"
H265 = "application/x-rtp,media=video,encoding-name=H265,payload=98,clock-rate=90000"


async def watch(source: StreamSource, caps: str, left_out: str = "") -> tuple[str, dict[str, Any]]:
    """Our answer to an offer of these caps, and what the viewer says that it saw."""
    pool = MediaPool(1, "::", 0, ["auto"], tcp=True)  # libnice checks no loopback addresses
    await pool.start()
    try:
        async with program(VIEWER, caps) as viewer, asyncio.timeout(25):
            assert viewer.stdin
            assert viewer.stdout
            offer = json.loads(await viewer.stdout.readline())["offer"]
            lines = (await pool.open_session("s", source, offer)).sdp.splitlines(keepends=True)
            answer = "".join(line for line in lines if not left_out or f" 1 {left_out} " not in line)
            viewer.stdin.write(json.dumps({"answer": answer}).encode() + b"\n")
            return answer, json.loads(await viewer.stdout.readline())
    finally:
        await pool.close()


@asynccontextmanager
async def program(path: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """One of the scripts for the system's Python, for the length of a block."""
    process = await asyncio.create_subprocess_exec(
        PYTHON, str(path), *options, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize(
    ("more", "left_out"),
    [("", ""), (",packetization-mode=(string)1,profile-level-id=(string)42e01f", ""), ("", "udp")],
    ids=["plain", "profile", "over TCP"],
)
async def test_webrtcbin_decodes_the_picture(more: str, left_out: str) -> None:
    encoded_loop()
    async with camera() as (server, _):
        _, seen = await watch(source_of(server), H264 + more, left_out)
    assert seen == {"frames": 20, "width": WIDTH, "height": HEIGHT}


@asynccontextmanager
async def gst_camera(*options: str) -> AsyncIterator[StreamSource]:
    async with program(CAMERA, *options) as process:
        assert process.stdout
        port = int(await asyncio.wait_for(process.stdout.readline(), 20))
        yield StreamSource("cam-1/main", f"rtsp://127.0.0.1:{port}/cam", "127.0.0.1")


@pytest.mark.parametrize(
    ("caps", "attributes"),
    [
        (H265, ["a=rtpmap:98 H265/90000"]),
        (
            f"{H265},profile-id=(string)1,tx-mode=(string)SRST",
            ["a=rtpmap:98 H265/90000", "a=fmtp:98 profile-id=1;tx-mode=SRST"],
        ),
        (f"{H264};{H265}", ["a=rtpmap:98 H265/90000"]),
    ],
    ids=["plain", "parameters", "behind H.264"],
)
async def test_webrtcbin_decodes_h265_that_gst_rtsp_server_sends(caps: str, attributes: list[str]) -> None:
    async with gst_camera("--codec", "h265") as source:
        answer, seen = await watch(source, caps)
    assert [line for line in answer.splitlines() if line.startswith(("a=rtpmap:", "a=fmtp:"))] == attributes
    assert seen == {"frames": 20, "width": 320, "height": 180}


async def test_webrtcbin_without_h265_is_refused_by_its_name() -> None:
    async with gst_camera("--codec", "h265") as source:
        with pytest.raises(StreamError, match=r"sends H\.265, which this viewer does not take") as caught:
            await watch(source, H264)
    assert (caught.value.fault, caught.value.codec) == (StreamFault.CODEC, "H265")
