"""A running `camctl demo`, as the tests use it: the real service and simulated cameras in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.support.ports import free_tcp_port, free_udp_ports

ROOT = Path(__file__).parents[2]
READY_S = 90.0


@dataclass
class Demo:
    """The ready file's content and the process behind it."""

    ready: dict[str, Any]
    process: subprocess.Popen[str]
    log: Path

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    @property
    def api(self) -> str:
        return f"{self.url}/api/v1"

    def person(self, role: str, area: str | None = None) -> dict[str, Any]:
        return next(p for p in self.ready["people"] if p["role"] == role and area in {None, p["area"]})

    def camera(self, area: str = "31") -> dict[str, Any]:
        return next(c for c in self.ready["cameras"] if c["area"] == area or c["area"].startswith(area + "."))

    def client(self, role: str, area: str | None = None) -> httpx.Client:
        token = self.person(role, area)["token"]
        return httpx.Client(base_url=self.api, headers={"Authorization": f"Bearer {token}"}, timeout=15)

    def truth(self, camera: dict[str, Any]) -> dict[str, Any]:
        """The simulated camera's own state: not what it says over ONVIF, but where its motors are."""
        answer = httpx.get(_simulator(camera, "state"), timeout=5)
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state

    def motor_log(self, camera: dict[str, Any]) -> list[dict[str, Any]]:
        answer = httpx.get(_simulator(camera, "motor-log"), timeout=5)
        answer.raise_for_status()
        body = answer.json()
        events: list[dict[str, Any]] = body["events"] if isinstance(body, dict) else body
        return events

    def faults(self, camera: dict[str, Any], **faults: object) -> None:
        httpx.post(_simulator(camera, "faults"), json=faults, timeout=5).raise_for_status()

    def is_moving(self, camera: dict[str, Any]) -> bool:
        return bool(self.truth(camera)["moving"])

    def wait_still(self, camera: dict[str, Any], within_s: float) -> float:
        """Seconds until the motors stand; fails when that takes longer than `within_s`."""
        return self.wait(lambda: not self.is_moving(camera), within_s, f"{camera['id']} still turns")

    def wait_moving(self, camera: dict[str, Any], within_s: float) -> float:
        return self.wait(lambda: self.is_moving(camera), within_s, f"{camera['id']} does not turn")

    @staticmethod
    def wait(condition: Any, within_s: float, otherwise: str) -> float:
        started = time.monotonic()
        while not condition():
            assert time.monotonic() - started < within_s, f"{otherwise} after {within_s} s"
            time.sleep(0.02)
        return time.monotonic() - started

    def processes(self) -> list[int]:
        """The demo's process and everything below it."""
        root = psutil.Process(self.process.pid)
        return [root.pid, *(child.pid for child in root.children(recursive=True))]


def _simulator(camera: dict[str, Any], what: str) -> str:
    base = "/".join(camera["onvif_url"].split("/")[:3])
    return f"{base}/simulator/{what}"


def start(arguments: Sequence[str], folder: Path) -> Demo:
    """Start a demo on free ports and wait until it says that everything answers."""
    ready_file = folder / "ready.json"
    log = folder / "demo.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "camctl", "demo", "--port", str(free_tcp_port()),
                "--udp-port", str(free_udp_ports(4)), "--ready-file", str(ready_file), *arguments,
            ],
            cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + READY_S
    while not ready_file.exists():
        assert process.poll() is None, f"the demo ended with {process.returncode}:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"the demo was not ready in {READY_S} s:\n{log.read_text()}"
        time.sleep(0.05)
    return Demo(json.loads(ready_file.read_text()), process, log)


def stop(demo: Demo) -> int:
    """Ctrl-C, as a person would; returns the exit code."""
    if demo.process.poll() is None:
        os.kill(demo.process.pid, signal.SIGINT)
    return demo.process.wait(timeout=30)


@contextmanager
def running(*arguments: str) -> Iterator[Demo]:
    """A demo for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="camctl-test-") as folder:
        demo = start(arguments, Path(folder))
        try:
            yield demo
        finally:
            stop(demo)
            text = demo.log.read_text()
            assert "Traceback" not in text, text
