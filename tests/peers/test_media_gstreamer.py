from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from streams.pool import MediaPool
from tests.system.media_scene import HEIGHT, WIDTH, camera, encoded_loop, source_of

PYTHON = "/usr/bin/python3"  # the system's: it has GObject introspection
VIEWER = Path(__file__).with_name("gstreamer_viewer.py")


def has_webrtcbin() -> bool:
    if not shutil.which("gst-inspect-1.0"):
        return False
    return all(
        subprocess.run(["gst-inspect-1.0", name], check=False, capture_output=True).returncode == 0
        for name in ("webrtcbin", "nicesrc", "avdec_h264")
    )


pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not has_webrtcbin(), reason="GStreamer's webrtcbin is not installed"),
]
CAPS = "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000"


@pytest.mark.parametrize(
    ("more", "left_out"),
    [("", ""), (",packetization-mode=(string)1,profile-level-id=(string)42e01f", ""), ("", "udp")],
    ids=["plain", "profile", "over TCP"],
)
async def test_webrtcbin_decodes_the_picture(more: str, left_out: str) -> None:
    encoded_loop()
    async with camera() as (server, _):
        pool = MediaPool(1, "::", 0, ["auto"], tcp=True)  # libnice checks no loopback addresses
        await pool.start()
        process = await asyncio.create_subprocess_exec(
            PYTHON, str(VIEWER), CAPS + more, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdin
        assert process.stdout
        try:
            async with asyncio.timeout(25):
                offer = json.loads(await process.stdout.readline())["offer"]
                lines = (await pool.open_session("s", source_of(server), offer)).sdp.splitlines(keepends=True)
                answer = "".join(line for line in lines if not left_out or f" 1 {left_out} " not in line)
                process.stdin.write(json.dumps({"answer": answer}).encode() + b"\n")
                seen = json.loads(await process.stdout.readline())
            assert seen == {"frames": 20, "width": WIDTH, "height": HEIGHT}
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await pool.close()
