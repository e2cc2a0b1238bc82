"""The control process dies, hangs or is told to end while a camera turns: it stops, and the service goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.support.control import Phone
from tests.support.demo import Demo, running
from tests.support.trials import town

pytestmark = pytest.mark.system


def control_of(demo: Demo) -> psutil.Process | None:
    for child in psutil.Process(demo.ready["pid"]).children():
        with contextlib.suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if "camctl.control" in child.cmdline():
                return child
    return None


def control(demo: Demo) -> psutil.Process:
    process = control_of(demo)
    assert process is not None
    return process


def phone(demo: Demo, camera: dict[str, Any], role: str = "operator") -> Phone:
    return Phone(demo.api, camera["id"], demo.person(role)["token"])


def problems(demo: Demo) -> list[str]:
    answer = httpx.get(f"{demo.url}/readyz", timeout=5)
    return [] if answer.status_code == 200 else [answer.text]


def wait_ready(demo: Demo, within_s: float = 15.0) -> None:
    demo.wait(lambda: not problems(demo), within_s, "the service is not ready again")


@pytest.fixture(scope="module")
def shared() -> Iterator[Demo]:
    with running("--cameras", "1", "--quirk", "ignores-timeout") as demo:
        yield demo


@pytest.fixture
def demo(shared: Demo) -> Demo:
    """A demo whose control works; tests kill it and the next finds another."""
    wait_ready(shared, 20.0)
    return shared


def test_a_killed_control_process_stops_its_camera_and_comes_back_with_who_held_it(demo: Demo) -> None:
    camera = demo.camera()
    with phone(demo, camera) as holder:
        assert holder.ask("reserve", reason="kecelakaan", limit_s=300)["type"] == "ack"
        holder.drag(0.5, pan=0.2)
        fence = holder.state(lambda state: state["holder"] and state["moving"])["fence"]
        assert demo.is_moving(camera)
        before = control(demo)
        before.send_signal(signal.SIGKILL)
        demo.wait_still(camera, 1.5)
        assert problems(demo)
        wait_ready(demo)
        assert control(demo).pid != before.pid
        # The same socket, the same lease: who it was when nobody could be asked is who it is now.
        state = holder.state(lambda state: state["holder"] and state["holder"]["reserved"], 10.0)
        assert state["holder"]["you"]
        assert state["fence"] == fence
        with phone(demo, camera, "official") as other:
            assert other.ask("move", pan=0.2)["code"] == "reserved"
        demo.wait(lambda: holder.ask("stop")["type"] == "ack", 10.0, "it cannot be stopped again")
        holder.drag(0.3, pan=0.2)
        assert demo.is_moving(camera)
        assert holder.ask("stop")["type"] == "ack"
        assert holder.ask("unreserve")["type"] == "ack"
    assert not demo.is_moving(camera)


def test_a_stop_while_control_is_away_waits_for_it_and_is_carried_out(demo: Demo) -> None:
    camera = demo.camera()
    with phone(demo, camera) as holder:
        holder.drag(0.3, pan=0.2)
        control(demo).send_signal(signal.SIGKILL)
        demo.wait(lambda: problems(demo), 2.0, "nobody noticed")
        refused = holder.ask("move", pan=0.2)
        assert refused["type"] == "error"
        assert "restarted" in refused["detail"]
        asked = time.monotonic()
        seq = holder.send("stop")
        answer = holder.wait_for(lambda message: message.get("seq") == seq, 8.0)
        assert "restarted" not in answer.get("detail", ""), answer
        assert time.monotonic() - asked < 6.0
        demo.wait_still(camera, 1.0)


def test_a_control_process_that_hangs_is_ended_and_its_camera_stopped(demo: Demo) -> None:
    camera = demo.camera()
    with phone(demo, camera) as holder:
        holder.drag(0.5, pan=0.05)
        before = control(demo)
        before.send_signal(signal.SIGSTOP)
        demo.wait(lambda: (now := control_of(demo)) is not None and now.pid != before.pid, 15.0, "it hangs on")
        demo.wait_still(camera, 1.5)
        wait_ready(demo)


@pytest.mark.nightly
def test_control_that_is_asked_to_end_stops_its_camera_first_and_is_restarted(demo: Demo) -> None:
    camera = demo.camera()
    with phone(demo, camera) as holder:
        holder.drag(0.5, pan=0.2)
        before = control(demo)
        before.send_signal(signal.SIGTERM)
        demo.wait_still(camera, 1.0)
        demo.wait(lambda: (now := control_of(demo)) is not None and now.pid != before.pid, 15.0, "no new one")
        wait_ready(demo)


@pytest.mark.nightly
def test_ctrl_c_of_the_terminal_is_the_parents_affair(demo: Demo) -> None:
    process = control(demo)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.is_running()
    assert not problems(demo)


def test_when_the_service_is_killed_control_stops_the_camera_and_ends() -> None:
    with running("--cameras", "1", "--quirk", "ignores-timeout") as demo:
        camera = demo.camera()
        process = control(demo)
        stopper = next(child for child in process.children() if "camctl.stopper" in child.cmdline())
        with phone(demo, camera) as holder:
            holder.drag(0.5, pan=0.2)
            os.kill(demo.process.pid, signal.SIGSTOP)  # else the demo ends the street with its motors
            try:
                os.kill(demo.ready["pid"], signal.SIGKILL)
                demo.wait_still(camera, 1.5)
                psutil.wait_procs([process, stopper], timeout=15)
                assert not process.is_running()
                assert not stopper.is_running()
            finally:
                os.kill(demo.process.pid, signal.SIGCONT)


@pytest.mark.nightly
def test_without_its_journal_nothing_is_moved_everything_is_stopped_and_it_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    with town(tmp_path, {"one": {}}, control={"journal": str(folder / "control.journal")}) as place:
        place.start()
        with Phone(place.api(), "one", place.token) as holder:
            assert holder.ask("move", pan=0.1)["type"] == "ack"
            assert '"name":"operator"' in (folder / "control.journal").read_text(), "before the camera was told"
            shutil.rmtree(folder)
            folder.write_text("no folder any more")
            place.kill("camctl.control")
            readyz = f"{place.api().removesuffix('/api/v1')}/readyz"
            Demo.wait(lambda: "journal" in httpx.get(readyz, timeout=5).text, 15.0, "nobody says that it fails")
            Demo.wait(lambda: holder.ask("stop")["type"] == "ack", 10.0, "it cannot be stopped")
            before = len(place.motor_log("one"))
            refused = holder.ask("move", pan=0.2)
            assert refused["type"] == "error"
            assert "record of who controls" in refused["detail"]
            time.sleep(1.0)
            assert not [event for event in place.motor_log("one")[before:] if not event.is_halt]
            folder.unlink()
            assert holder.ask("move", pan=0.3)["type"] == "ack"
            Demo.wait(lambda: httpx.get(readyz, timeout=5).status_code == 200, 5.0, "it is not ready again")
            assert holder.ask("stop")["type"] == "ack"
