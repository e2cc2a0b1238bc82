"""ffmpeg and GStreamer pull the re-stream of an H.265 camera that is gst-rtsp-server."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.placement import place
from tests.support.gst_camera import gst_camera
from tests.support.ports import free_tcp_port, free_udp_ports
from tests.support.service import running, write_config

pytestmark = pytest.mark.peer

# One that the second worker pulls, so that the pictures go from worker to worker before they leave.
CAMERA = next(name for name in (f"gang-{number}" for number in range(99)) if place(f"{name}/main", 2) == 1)
WIDTH, HEIGHT = 320, 180
FRAMES = 40  # more than the second between two key pictures


@pytest.fixture(scope="module")
def camera_port() -> Iterator[int]:
    with gst_camera("--codec", "h265") as port:
        yield port


@pytest.fixture(scope="module")
def address(camera_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The re-stream's host, port and path, and the secret of account nvr-1."""
    folder = tmp_path_factory.mktemp("restream-h265")
    port = free_tcp_port()
    feed = {"main": f"rtsp://127.0.0.1:{camera_port}/cam"}
    camera = {"id": CAMERA, "name": "Gang", "area": "31.71.07.1002", "rtsp": feed}
    media = {"workers": 2, "udp_port": free_udp_ports(2)}
    restream = {"enabled": True, "host": "127.0.0.1", "port": port}
    config = write_config(folder, [camera], media=media, restream=restream)
    with running(folder, config, {"budi": ["--role", "operator", "--area", "31"]}) as service:
        secret = service.user("restream", "add", "budi", "--name", "nvr-1", "--camera", CAMERA)
        time.sleep(1.0)  # by then the service has heard of it
        yield f"127.0.0.1:{port}/{CAMERA}/main", secret


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_ffmpeg_decodes_without_complaint(address: tuple[str, str], transport: str) -> None:
    place_, secret = address
    url = f"rtsp://nvr-1:{secret}@{place_}"
    shown = run("ffprobe", "-v", "error", "-rtsp_transport", transport, "-show_entries", "stream=codec_name", url)
    assert "codec_name=hevc" in shown.stdout, shown.stderr
    done = run(
        *("ffmpeg", "-v", "warning", "-xerror", "-rtsp_transport", transport, "-i", url),
        *("-frames:v", str(FRAMES), "-f", "framemd5", "-"),
    )
    assert done.returncode == 0, done.stderr
    pictures = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert f"{WIDTH}x{HEIGHT}" in done.stdout
    assert len(pictures) == FRAMES
    assert len({line.rsplit(",", 1)[1] for line in pictures}) > FRAMES // 2, "GStreamer's ball flies"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_gstreamer_decodes(address: tuple[str, str], transport: str, tmp_path: Path) -> None:
    place_, secret = address
    pictures = tmp_path / "pictures.yuv"
    done = run(
        *("gst-launch-1.0", "-q", "rtspsrc", f"location=rtsp://{place_}", f"protocols={transport}", "latency=200"),
        *("user-id=nvr-1", f"user-pw={secret}", "!", "rtph265depay", "!", "h265parse", "!", "avdec_h265"),
        *("!", "identity", f"eos-after={FRAMES}", "!", "filesink", f"location={pictures}"),
    )
    # Not by its exit code: rtspsrc 1.22 now and then fails to send its own PAUSE at the end of a stream.
    assert pictures.stat().st_size // (WIDTH * HEIGHT * 3 // 2) >= FRAMES - 1, done.stderr
