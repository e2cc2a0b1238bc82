"""ffprobe and GStreamer play the demo's simulated cameras, by the address and account of the ready file."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.support.demo import Demo

pytestmark = pytest.mark.peer


def with_account(camera: dict[str, Any], stream: str) -> str:
    base = camera["rtsp_url"].rpartition("/")[0].removeprefix("rtsp://")
    return f"rtsp://{camera['username']}:{camera['password']}@{base}/{stream}"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(("stream", "width", "height", "rate"), [("main", 1280, 720, 25), ("sub", 640, 360, 15)])
def test_ffprobe(demo: Demo, transport: str, stream: str, width: int, height: int, rate: int) -> None:
    command = [
        "ffprobe", "-v", "error", "-rtsp_transport", transport, "-print_format", "json", "-count_packets",
        "-read_intervals", "%+#320", "-show_streams", with_account(demo.camera(), stream),
    ]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, timeout=40, check=True)
    video, sound = json.loads(found.stdout)["streams"]
    assert (sound["codec_name"], sound["sample_rate"], sound["channels"]) == ("pcm_alaw", "8000", 1)
    assert (video["codec_name"], video["width"], video["height"]) == ("h264", width, height)
    assert video["profile"] == "Constrained Baseline"
    numerator, denominator = map(int, video["avg_frame_rate"].split("/"))
    assert denominator == 0 or numerator / denominator == pytest.approx(rate, abs=1)
    assert int(video["nb_read_packets"]) >= 15


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_gstreamer(demo: Demo, transport: str) -> None:
    """Thirty decoded pictures; how gst-launch ends afterwards is its own affair."""
    camera = demo.camera()
    address = camera["rtsp_url"]
    pipeline = (
        f"rtspsrc location={address} user-id={camera['username']} user-pw={camera['password']} protocols={transport}"
        " latency=100 ! rtph264depay ! h264parse ! avdec_h264 ! identity eos-after=40 silent=false name=eye ! fakesink"
    )
    found = subprocess.run(
        ["gst-launch-1.0", "-v", *pipeline.split()], capture_output=True, text=True, timeout=40, check=False
    )
    assert found.stdout.count("eye: last-message = chain") >= 30, found.stdout[-2000:] + found.stderr


def test_wrong_password_is_refused(demo: Demo) -> None:
    camera = demo.camera()
    wrong = with_account({**camera, "password": "wrong"}, "main")
    found = subprocess.run(["ffprobe", "-v", "error", wrong], capture_output=True, text=True, timeout=20, check=False)
    assert found.returncode != 0
    assert "401" in found.stderr
