"""ffmpeg, GStreamer and Janus pull a service's re-stream, with an account that the command line made."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from streams.placement import place
from tests.support.commands import process, street, wait_until
from tests.support.ports import free_tcp_port, free_udp_ports
from tests.support.service import Service, running, write_config

pytestmark = pytest.mark.peer

# One that the second worker pulls, so that the pictures go from worker to worker before they leave.
CAMERA = next(name for name in (f"gang-{number}" for number in range(99)) if place(f"{name}/main", 2) == 1)
ACCOUNT = {"username": "camctl", "password": "rahasia-kamera-1"}
WIDTH, HEIGHT = 640, 360  # of the sub stream
FRAMES = 20


@dataclass
class Place:
    service: Service
    port: int
    secret: str
    truth: Callable[[], dict[str, Any]]

    def address(self, *, login: bool = True, secret: str = "", path: str = f"{CAMERA}/sub") -> str:
        account = f"nvr-1:{secret or self.secret}@" if login else ""
        return f"rtsp://{account}127.0.0.1:{self.port}/{path}"


@pytest.fixture(scope="module")
def place_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("restream")
    port = free_tcp_port()
    cameras = [{"name": "Gang", **ACCOUNT}, {"name": "Gang suara", "sound": "PCMU", **ACCOUNT}]
    with street(folder, cameras) as [simulated, talking]:
        camera = {"id": CAMERA, "name": "Gang", "area": "31.71.07.1002", "onvif": simulated["onvif_url"], **ACCOUNT}
        heard = {**camera, "id": "suara", "onvif": talking["onvif_url"], "audio": True}
        media = {"workers": 2, "udp_port": free_udp_ports(2)}
        restream = {"enabled": True, "host": "127.0.0.1", "port": port}
        config = write_config(folder, [camera, heard], media=media, restream=restream)
        base = "/".join(simulated["onvif_url"].split("/")[:3])
        with running(folder, config, {"budi": ["--role", "operator", "--area", "31"]}) as service:
            with service.client("budi") as client:
                wait_until(lambda: client.get(f"/cameras/{CAMERA}").json()["steerable"], 20.0, service.log.read_text)
            named = ("--camera", CAMERA, "--camera", "suara")
            secret = service.user("restream", "add", "budi", "--name", "nvr-1", *named)
            time.sleep(1.0)  # by then the service has heard of it
            yield Place(service, port, secret, lambda: dict(httpx.get(f"{base}/simulator/state", timeout=5).json()))
            assert secret not in service.log.read_text()


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_ffmpeg_decodes_without_complaint(place_: Place, transport: str) -> None:
    done = run(
        *("ffmpeg", "-v", "warning", "-xerror", "-rtsp_transport", transport, "-i", place_.address()),
        *("-frames:v", str(FRAMES), "-f", "framemd5", "-"),
    )
    assert done.returncode == 0, done.stderr
    assert f"{WIDTH}x{HEIGHT}" in done.stdout
    assert sum(not line.startswith("#") for line in done.stdout.splitlines()) == FRAMES
    assert place_.truth()["watchers"] == 1, "the camera sees one pull"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_ffmpeg_hears_a_camera_whose_owner_lets_it_be_heard(place_: Place, transport: str) -> None:
    done = run(
        *("ffmpeg", "-v", "info", "-rtsp_transport", transport, "-i", place_.address(path="suara/sub"), "-t", "3"),
        *("-map", "0:a", "-af", "volumedetect", "-f", "null", "-"),
    )
    assert done.returncode == 0, done.stderr
    assert "pcm_mulaw" in done.stderr
    loudest = re.search(r"max_volume: (-?[\d.]+) dB", done.stderr)
    assert loudest is not None, done.stderr
    assert -12 < float(loudest[1]) < -4, "it beeps at 0.4 of what is loudest"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_gstreamer_decodes(place_: Place, transport: str, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures.yuv"
    done = run(
        *("gst-launch-1.0", "-q", "rtspsrc", f"location={place_.address(login=False)}", f"protocols={transport}"),
        *("latency=200", "user-id=nvr-1", f"user-pw={place_.secret}", "!", "rtph264depay", "!", "avdec_h264"),
        *("!", "identity", f"eos-after={FRAMES}", "!", "filesink", f"location={pictures}"),
    )
    # Not by its exit code: rtspsrc 1.22 now and then fails to send its own PAUSE at the end of a stream.
    frame_bytes = WIDTH * HEIGHT * 3 // 2
    assert pictures.stat().st_size // frame_bytes >= FRAMES - 1, done.stderr


def test_strangers_and_other_streams_are_refused(place_: Place) -> None:
    for address, status in (
        (place_.address(secret="salah"), "401"),
        (place_.address(login=False), "401"),
        (place_.address(path="gang-none/main"), "404"),
    ):
        done = run("ffprobe", "-v", "error", address)
        assert done.returncode != 0
        assert status in done.stderr


JANUS = """
general: {{ plugins_folder = "/usr/lib/x86_64-linux-gnu/janus/plugins"
  transports_folder = "/usr/lib/x86_64-linux-gnu/janus/transports"
  configs_folder = "{folder}", interface = "127.0.0.1", debug_level = 4, session_timeout = 60 }}
media: {{ rtp_port_range = "{media}" }}
plugins: {{ disable = "{others}" }}
"""
MOUNTPOINT = """
gang: {{ type = "rtsp", id = 1, audio = false, video = true, url = "{url}", rtsp_user = "nvr-1", rtsp_pwd = "{secret}"
  rtsp_timeout = 20 }}
"""


def ask_janus(port: int, **body: Any) -> dict[str, Any]:
    path = "".join(f"/{body.pop(key)}" for key in ("session", "handle") if key in body)
    answer = httpx.post(f"http://127.0.0.1:{port}/janus{path}", json={"transaction": "t", **body}, timeout=10)
    return dict(answer.json())


def test_janus_takes_it_over_udp(place_: Place, tmp_path: Path) -> None:
    port, media = free_tcp_port(), free_udp_ports(40)
    names = ("audiobridge", "videoroom", "sip", "nosip", "lua", "duktape", "voicemail", "recordplay", "textroom")
    others = ",".join(f"libjanus_{name}.so" for name in names)
    (tmp_path / "janus.jcfg").write_text(JANUS.format(folder=tmp_path, media=f"{media}-{media + 39}", others=others))
    http = f'general: {{ json = "compact", http = true, port = {port}, ip = "127.0.0.1", https = false }}\n'
    (tmp_path / "janus.transport.http.jcfg").write_text(http)
    mountpoint = MOUNTPOINT.format(url=place_.address(login=False), secret=place_.secret)
    (tmp_path / "janus.plugin.streaming.jcfg").write_text(mountpoint)
    log = tmp_path / "janus.log"
    with process(log, "/usr/bin/janus", "-F", str(tmp_path), "-C", str(tmp_path / "janus.jcfg"), "-N"):

        def is_up() -> bool:
            try:
                return bool(httpx.get(f"http://127.0.0.1:{port}/janus/info", timeout=5).json())
            except httpx.TransportError:
                return False

        wait_until(is_up, 20.0, log.read_text)
        session = ask_janus(port, janus="create")["data"]["id"]
        attached = ask_janus(port, session=session, janus="attach", plugin="janus.plugin.streaming")
        handle = attached["data"]["id"]

        def ages_ms() -> list[int]:
            """How long ago each of the mountpoint's streams got a packet, in ms."""
            body = {"request": "info", "id": 1}
            found = ask_janus(port, session=session, handle=handle, janus="message", body=body)
            media = found["plugindata"]["data"].get("info", {}).get("media", [])
            return [item["age_ms"] for item in media if "age_ms" in item]

        wait_until(lambda: any(age < 1000 for age in ages_ms()), 20.0, lambda: log.read_text()[-3000:])
        time.sleep(1.5)
        assert min(ages_ms()) < 1000, "the pictures stopped"
