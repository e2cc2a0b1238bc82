"""The service dies by SIGKILL while a camera that ignores its Timeout turns: the stopper ends it within 1.5 s."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import psutil
import pytest

from tests.support.control import Phone
from tests.support.demo import Demo, running

pytestmark = pytest.mark.system


def stoppers(demo: Demo) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(demo.ready["pid"]).children():
        with contextlib.suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if "camctl.stopper" in " ".join(child.cmdline()):
                found.append(child)
    return found


def test_a_killed_service_leaves_no_camera_turning() -> None:
    with running("--cameras", "2", "--quirk", "ignores-timeout") as demo:
        [stopper] = stoppers(demo)
        cameras = demo.ready["cameras"]
        phones = [Phone(demo.api, c["id"], demo.person("operator")["token"]) for c in cameras]
        with phones[0] as first, phones[1] as second:
            for _ in range(5):
                first.send("move", pan=0.2)
                second.send("move", tilt=0.1)
                time.sleep(0.1)
            assert all(demo.is_moving(camera) for camera in cameras)
            # Held still, the demo cannot end the street: its motors are watched after the service's death.
            os.kill(demo.process.pid, signal.SIGSTOP)
            try:
                killed = time.monotonic()
                os.kill(demo.ready["pid"], signal.SIGKILL)
                for camera in cameras:
                    demo.wait_still(camera, 1.5)
                assert time.monotonic() - killed <= 1.5
                stopper.wait(10)
            finally:
                os.kill(demo.process.pid, signal.SIGCONT)
        assert demo.process.wait(20) != 0


def test_a_stopper_that_dies_is_replaced_and_knows_what_moves() -> None:
    with running("--cameras", "1", "--quirk", "ignores-timeout") as demo:
        camera = demo.camera()
        [before] = stoppers(demo)
        before.kill()
        demo.wait(lambda: [p for p in stoppers(demo) if p.pid != before.pid], 10.0, "no new stopper")
        time.sleep(2.0)  # it learns the camera
        with Phone(demo.api, camera["id"], demo.person("operator")["token"]) as phone:
            phone.drag(0.5, pan=0.2)
            os.kill(demo.process.pid, signal.SIGSTOP)
            try:
                os.kill(demo.ready["pid"], signal.SIGKILL)
                demo.wait_still(camera, 1.5)
            finally:
                os.kill(demo.process.pid, signal.SIGCONT)


def test_an_orderly_end_stops_the_camera_too() -> None:
    with running("--cameras", "1", "--quirk", "ignores-timeout") as demo:
        camera = demo.camera()
        with Phone(demo.api, camera["id"], demo.person("operator")["token"]) as phone:
            phone.drag(0.5, pan=0.2)
            os.kill(demo.process.pid, signal.SIGSTOP)
            try:
                os.kill(demo.ready["pid"], signal.SIGTERM)
                demo.wait_still(camera, 1.5)
            finally:
                os.kill(demo.process.pid, signal.SIGCONT)
