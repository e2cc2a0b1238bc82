"""`python -m simulators`: a street from a file, seen through RTSP, ended by a signal or by its parent's end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
import yaml

from simulators import strip
from simulators.camera import SimulatedCamera
from simulators.config import StreetConfig
from simulators.drive import Generic
from simulators.loading import load_street
from simulators.street import Street, StreetError, run_street

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "reference" / "street-example.yaml"
STREET = {
    "first_onvif_port": 0,
    "first_rtsp_port": 0,
    "cameras": [
        {"name": "Satu", "username": "admin", "password": "kunci-1", "seed": 1},
        {"name": "Dua", "username": "admin", "password": "kunci-2", "seed": 2, "h264_profile": "high"},
    ],
}


def start(path: Path, *arguments: str, **settings: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "simulators", str(path), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings)  # type: ignore[call-overload, no-any-return]


def wait_for(file: Path, process: subprocess.Popen[str]) -> dict:
    deadline = time.monotonic() + 20
    while not file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "not ready in time"
        time.sleep(0.02)
    return json.loads(file.read_text())


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


def write(path: Path, document: object) -> Path:
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_street_starts_on_free_ports_says_so_and_ends_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    ready = tmp_path / "ready.json"
    with ended(start(write(tmp_path / "street.yaml", STREET), "--ready-file", str(ready))) as process:
        cameras = wait_for(ready, process)["cameras"]
        assert [camera["name"] for camera in cameras] == ["Satu", "Dua"]
        assert len({camera[key] for camera in cameras for key in ("onvif_url", "rtsp_url")}) == 4
        state_url = cameras[1]["onvif_url"].replace("/onvif/device_service", "/simulator/state")
        with urllib.request.urlopen(state_url, timeout=5) as reply:
            assert json.load(reply)["name"] == "Dua"
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert process.returncode == 0, err
        assert f"Satu: {cameras[0]['onvif_url']} {cameras[0]['rtsp_url']}" in out
        assert "kunci" not in out + err + ready.read_text()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    ready = tmp_path / "ready.json"
    path = write(tmp_path / "street.yaml", STREET)
    process = start(path, "--ready-file", str(ready), "--lifeline-fd", str(ours), pass_fds=(ours,))
    os.close(ours)
    with ended(process):
        wait_for(ready, process)
        os.close(theirs)
        assert process.wait(timeout=10) == 0


def test_a_bad_file_ends_with_2_and_names_every_fault(tmp_path: Path) -> None:
    bad = {"cameras": [{"name": "A", "password": "x", "seeds": 1, "daylight": "dusk", "quirks": ["none-such"]}]}
    with ended(start(write(tmp_path / "street.yaml", bad))) as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "cameras[0].seeds" in err
    assert "cameras[0].daylight" in err
    assert "Traceback" not in err


def test_a_port_in_use_ends_with_2_and_names_the_key(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for key in ("first_onvif_port", "first_rtsp_port"):
            street = {**STREET, key: taken.getsockname()[1]}
            with ended(start(write(tmp_path / "street.yaml", street))) as process:
                _, err = process.communicate(timeout=20)
            assert process.returncode == 2
            assert f"{key}: port {taken.getsockname()[1]}" in err
            assert "Traceback" not in err


async def test_the_example_runs() -> None:
    config = load_street(EXAMPLE).model_copy(update={"first_onvif_port": 0, "first_rtsp_port": 0})
    street = await run_street(config)
    try:
        assert [endpoint.camera.config.name for endpoint in street.endpoints] == ["Simpang Harmoni", "Halte Sarinah"]
        assert all(endpoint.onvif_port and endpoint.rtsp_port for endpoint in street.endpoints)
    finally:
        await street.close()
    await street.close()


async def test_ports_are_consecutive_and_given_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        first = probe.getsockname()[1] - 3
    config = StreetConfig.model_validate({**STREET, "first_onvif_port": first})
    for _ in range(2):
        try:
            street = await run_street(config)
        except StreetError as error:
            pytest.skip(f"somebody else took a port: {error}")
        assert [endpoint.onvif_port for endpoint in street.endpoints] == [first, first + 1]
        await street.close()


async def test_a_dead_encoder_ends_the_street(monkeypatch: pytest.MonkeyPatch) -> None:
    street = await run_street(StreetConfig.model_validate(STREET))
    try:
        source = street.endpoints[0].camera.sub

        def fail(at_s: float, number: int) -> None:
            raise OSError("the lens fell off")

        monkeypatch.setattr(source._pictures, "picture", fail)
        source.subscribe(lambda unit: None)
        with pytest.raises(OSError, match="the lens fell off"):
            await asyncio.wait_for(street.failed(), 10)
    finally:
        await street.close()


class Viewer:
    """PyAV as an RTSP client over TCP, in a thread: the strips of what it decodes."""

    def __init__(self, street: Street, index: int, path: str) -> None:
        endpoint = street.endpoints[index]
        account = f"admin:{endpoint.camera.config.password.get_secret_value()}"
        self.url = f"rtsp://{account}@127.0.0.1:{endpoint.rtsp_port}/{path}"
        self.camera: SimulatedCamera = endpoint.camera
        self.readings: list[strip.Reading | None] = []

    def watch(self, seconds: float) -> None:
        options = {"rtsp_transport": "tcp", "analyzeduration": "100000"}
        with av.open(self.url, options=options, timeout=10) as container:
            start_s = time.monotonic()
            for frame in container.decode(video=0):
                self.readings.append(strip.read(frame.to_ndarray(format="bgr24")))
                if time.monotonic() > start_s + seconds:
                    break


@pytest.mark.parametrize(("index", "path"), [(0, "sub"), (1, "main")])
async def test_steering_right_is_seen_in_the_decoded_picture(index: int, path: str) -> None:
    street = await run_street(StreetConfig.model_validate(STREET))
    try:
        viewer = Viewer(street, index, path)
        watching = asyncio.create_task(asyncio.to_thread(viewer.watch, 3.0))
        async with asyncio.timeout(15):
            while not viewer.readings:  # noqa: ASYNC110 - the viewer is a thread
                await asyncio.sleep(0.02)
        viewer.camera.continuous_move(Generic(0.3, None, None), 2.0)
        await watching
        assert None not in viewer.readings
        seen = [reading for reading in viewer.readings if reading is not None]
        pans = [reading.pan_deg for reading in seen]
        assert pans == sorted(pans)
        assert pans[0] == 0.0
        assert 15 < pans[-1] <= 60.0
        assert all(later.frame > earlier.frame for earlier, later in itertools.pairwise(seen))
        assert abs(seen[-1].wall_ms / 1000 - time.time()) < 5
    finally:
        await street.close()
    assert not viewer.camera.main.running
    assert not viewer.camera.sub.running
