"""The demo's promises to whoever starts it by a program: what the ready file says, and how everything ends together."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np
import psutil
import pytest

from tests.support import demo as demos
from tests.support.control import Phone
from tests.support.demo import Demo
from tests.support.problems import problem
from tests.support.processes import media_workers

pytestmark = pytest.mark.system

GST_CAMERA = Path(__file__).parents[1] / "peers/gst_rtsp_camera.py"
FIRST = "31.71"


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Demo]:
    """A demo of one camera that the test may kill; nothing of it is left afterwards, however the test went."""
    demo = demos.start(["--cameras", "1"], tmp_path)
    everything = processes(demo)
    yield demo
    for process in everything:
        if process.is_running():
            process.kill()
    demo.process.wait(5)


def processes(demo: Demo) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in demo.processes()]


def command(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def one(found: list[psutil.Process], word: str) -> psutil.Process:
    [process] = [process for process in found if word in command(process)]
    return process


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def all_gone(demo: Demo, everything: list[psutil.Process], within_s: float) -> None:
    demo.wait(lambda: all(is_gone(process) for process in everything), within_s, "processes are left")


# The ready file ------------------------------------------------------------------------------------------------------


def test_the_ready_file_has_exactly_what_was_agreed(demo: Demo) -> None:
    ready = demo.ready
    assert set(ready) == {"url", "udp_port", "pid", "cameras", "people"}
    assert re.fullmatch(r"http://localhost:\d+", ready["url"])
    assert ready["url"].endswith(f":{_option(demo, '--port')}")
    assert str(ready["udp_port"]) == _option(demo, "--udp-port")
    for camera in ready["cameras"]:
        assert set(camera) == {"id", "name", "area", "onvif_url", "rtsp_url", "username", "password"}
        assert all(isinstance(value, str) and value for value in camera.values())
    for person in ready["people"]:
        assert set(person) == {"role", "area", "username", "password", "token"}
        assert all(isinstance(value, str) and value for value in person.values())
        assert re.fullmatch(r"\d+(\.\d+)*", person["area"])
    assert len({camera["id"] for camera in ready["cameras"]}) == 2


def _option(demo: Demo, name: str) -> str:
    arguments = list(map(str, demo.process.args))  # type: ignore[arg-type]
    return arguments[arguments.index(name) + 1]


def test_the_ready_file_is_its_owners_alone(demo: Demo) -> None:
    path = Path(_option(demo, "--ready-file"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir() if "ready" in entry.name] == ["ready.json"]
    assert json.loads(path.read_text()) == demo.ready


def test_everybody_that_was_promised_is_there(demo: Demo) -> None:
    areas: dict[str, list[str]] = {}
    for person in demo.ready["people"]:
        areas.setdefault(person["role"], []).append(person["area"])
    assert len(areas["admin"]) >= 1
    assert "31" in areas["operator"]
    assert len({area for area in areas["official"] if area.count(".") == 1}) >= 2
    assert len(areas["partner"]) >= 1
    assert {".".join(camera["area"].split(".")[:2]) for camera in demo.ready["cameras"]} == {"31.71", "31.74"}


def test_everybodys_token_and_password_work_and_each_sees_something(demo: Demo) -> None:
    for person in demo.ready["people"]:
        with httpx.Client(base_url=demo.api, headers={"Authorization": f"Bearer {person['token']}"}) as client:
            me = client.get("/me").json()
            assert (me["username"], me["role"], me["areas"]) == (person["username"], person["role"], [person["area"]])
            mine = {camera["id"] for camera in client.get("/cameras").json()["items"]}
            inside = {c["id"] for c in demo.ready["cameras"] if f"{c['area']}.".startswith(f"{person['area']}.")}
            assert mine == inside
        signed = {"username": person["username"], "password": person["password"]}
        assert httpx.post(f"{demo.api}/auth/login", json=signed).status_code == 200


def test_everything_answers_when_the_file_is_there(demo: Demo) -> None:
    assert httpx.get(f"{demo.url}/readyz").status_code == 200
    with demo.client("operator") as client:
        for camera in demo.ready["cameras"]:
            shown = client.get(f"/cameras/{camera['id']}").json()
            assert (shown["state"], shown["name"]) == ("live", camera["name"])
            assert shown["steerable"] is True


def test_the_pid_is_the_services_with_its_workers_below_and_no_simulator(demo: Demo) -> None:
    root = psutil.Process(demo.ready["pid"])
    assert "camctl serve" in command(root)
    below = root.children(recursive=True)
    assert not any("simulators" in command(process) for process in below)
    assert len(media_workers(root.pid)) == len(os.sched_getaffinity(0))
    assert one(processes(demo), "simulators").ppid() == demo.process.pid


def test_each_worker_has_its_udp_port(demo: Demo) -> None:
    found = sorted(
        connection.laddr.port
        for worker in media_workers(demo.ready["pid"])
        for connection in worker.net_connections(kind="udp4")
    )
    first = demo.ready["udp_port"]
    assert found == list(range(first, first + len(found)))


SOAP = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    '<GetDeviceInformation xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)


def test_the_cameras_own_address_and_account_answer(demo: Demo) -> None:
    for camera in demo.ready["cameras"]:
        assert urlsplit(camera["onvif_url"]).path == "/onvif/device_service"
        headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
        right = httpx.DigestAuth(camera["username"], camera["password"])
        answer = httpx.post(camera["onvif_url"], content=SOAP, headers=headers, auth=right)
        assert answer.status_code == 200, answer.text
        assert "GetDeviceInformationResponse" in answer.text
        wrong = httpx.DigestAuth(camera["username"], "wrong")
        assert httpx.post(camera["onvif_url"], content=SOAP, headers=headers, auth=wrong).status_code in {400, 401}


@pytest.mark.peer
def test_ffprobe_plays_the_cameras_own_rtsp_address(demo: Demo) -> None:
    for camera in demo.ready["cameras"]:
        assert "@" not in camera["rtsp_url"]
        url = camera["rtsp_url"].replace("rtsp://", f"rtsp://{camera['username']}:{camera['password']}@")
        probe = subprocess.run(
            ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-of", "json", "-show_streams", url],
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        stream, *sounds = json.loads(probe.stdout)["streams"]
        assert [sound["codec_name"] for sound in sounds] == (["pcm_alaw"] if camera["id"] == "cam-1" else [])
        assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 1280, 720)


@pytest.mark.nightly
def test_its_configuration_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    demo = demos.start(["--cameras", "1"], tmp_path)
    try:
        arguments = psutil.Process(demo.ready["pid"]).cmdline()
        config = Path(arguments[arguments.index("--config") + 1])
        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
        everything = processes(demo)
        assert len(everything) >= 4
    finally:
        started = time.monotonic()
        code = demos.stop(demo)
    assert code == 0
    assert time.monotonic() - started < 8
    all_gone(demo, everything, 1.0)
    assert not config.parent.exists()
    said = demo.log.read_text()
    assert "Traceback" not in said
    assert demo.ready["url"] in said
    assert all(person["username"] in said for person in demo.ready["people"])


# Its end -------------------------------------------------------------------------------------------------------------


def test_killed_it_takes_everything_with_it(lone: Demo) -> None:
    everything = processes(lone)
    lone.process.kill()
    all_gone(lone, everything, 5.0)


@pytest.mark.nightly
@pytest.mark.parametrize("part", ["simulators", "camctl serve"])
def test_a_part_that_dies_ends_it_with_the_reason(lone: Demo, part: str) -> None:
    everything = processes(lone)
    one(everything, part).kill()
    assert lone.process.wait(15) not in {0, None}
    all_gone(lone, everything, 5.0)
    last = lone.log.read_text().strip().splitlines()[-1]
    assert re.match(r"camctl demo: the (service|simulated street) was killed by signal 9", last), last


def test_terminated_it_ends_as_by_ctrl_c(lone: Demo) -> None:
    everything = processes(lone)
    lone.process.terminate()
    assert lone.process.wait(15) == 0
    all_gone(lone, everything, 2.0)


def test_a_media_worker_that_is_killed_is_replaced_and_the_service_stays(demo: Demo) -> None:
    service, camera = demo.ready["pid"], demo.camera(FIRST)
    before, pan_deg = {worker.pid for worker in media_workers(service)}, demo.truth(camera)["pan_deg"]
    with demo.client("official", FIRST) as client:
        assert client.get(f"/cameras/{camera['id']}/snapshot.jpg").status_code == 200
        for worker in media_workers(service):
            worker.kill()
        assert client.post(f"/cameras/{camera['id']}/ptz/move", json={"pan": 0.3}).status_code == 202
        # By where it gets to: one move lives for half a second, which a busy machine may look away for.
        demo.wait(lambda: abs(demo.truth(camera)["pan_deg"] - pan_deg) > 0.2, 3.0, "it does not turn")
        demo.wait(lambda: len({w.pid for w in media_workers(service)} - before) == len(before), 10, "no new workers")
        demo.wait(lambda: httpx.get(f"{demo.url}/readyz").status_code == 200, 10, "not ready again")
        assert client.get(f"/cameras/{camera['id']}/snapshot.jpg").status_code == 200
        client.post(f"/cameras/{camera['id']}/ptz/stop").raise_for_status()
    assert before.isdisjoint({worker.pid for worker in media_workers(service)})
    assert demo.ready["pid"] == service
    assert psutil.pid_exists(service)
    assert demo.process.poll() is None


# Its choices ---------------------------------------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.peer
def test_a_plain_feed_is_shown_and_not_steered(tmp_path: Path) -> None:
    options = ["--user", "pemberi", "--password", "sandi:p@kai%tanda"]
    gst = subprocess.Popen(["/usr/bin/python3", str(GST_CAMERA), *options], stdout=subprocess.PIPE)
    try:
        assert gst.stdout
        url = f"rtsp://pemberi:sandi%3Ap%40kai%25tanda@127.0.0.1:{int(gst.stdout.readline())}/cam"
        with demos.running("--cameras", "1", "--rtsp", url) as demo:
            [feed] = [camera for camera in demo.ready["cameras"] if camera["onvif_url"] is None]
            assert (feed["username"], feed["password"]) == ("pemberi", "sandi:p@kai%tanda")
            assert "@" not in feed["rtsp_url"]
            with demo.client("operator") as client:
                look_at(client, feed)
            assert "sandi:p@kai" not in demo.log.read_text()
            assert "sandi%3Ap" not in demo.log.read_text()
    finally:
        gst.kill()
        gst.communicate()


def look_at(client: httpx.Client, feed: dict[str, Any]) -> None:
    picture = client.get(f"/cameras/{feed['id']}/snapshot.jpg")
    assert picture.status_code == 200, picture.text
    decoded = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (180, 320, 3)
    shown = client.get(f"/cameras/{feed['id']}").json()
    assert (shown["state"], shown["steerable"]) == ("live", False)
    for path, body in (("move", {"pan": 0.5}), ("stop", None), ("goto", {"home": True})):
        problem(client.post(f"/cameras/{feed['id']}/ptz/{path}", json=body), 409, "cannot-steer")


@pytest.mark.nightly
def test_feeds_alone_are_a_demo_too(tmp_path: Path) -> None:
    with demos.running("--cameras", "0", "--rtsp", "rtsp://127.0.0.1:9/a", "rtsp://127.0.0.1:9/b") as demo:
        assert [camera["rtsp_url"][-1] for camera in demo.ready["cameras"]] == ["a", "b"]
        assert not any("simulators" in command(process) for process in processes(demo))
        with demo.client("operator") as client:
            answer = client.get(f"/cameras/{demo.ready['cameras'][0]['id']}/snapshot.jpg")
            assert problem(answer, 409, "not-live")["fault"] == "unreachable"


@pytest.mark.nightly
def test_a_camera_that_ignores_its_timeout_is_stopped_by_the_service() -> None:
    with demos.running("--cameras", "1", "--quirk", "ignores-timeout") as demo:
        [camera] = demo.ready["cameras"]
        assert demo.truth(camera)["quirks"] == ["ignores-timeout"]
        with Phone(demo.api, camera["id"], demo.person("operator")["token"]) as phone:
            phone.drag(0.5, pan=0.3)
            assert demo.is_moving(camera)
            assert demo.wait_still(camera, 1.0) <= 1.0
            phone.drag(0.5, pan=-0.3)
            assert demo.is_moving(camera)
        assert demo.wait_still(camera, 1.0) <= 1.0
        time.sleep(1.5)  # longer than any Timeout that was sent: it stands because it was stopped
        assert not demo.is_moving(camera)


def test_without_the_quirk_there_is_none(demo: Demo) -> None:
    assert [demo.truth(camera)["quirks"] for camera in demo.ready["cameras"]] == [[], []]


def test_ctrl_c_before_it_is_ready_leaves_nothing(tmp_path: Path) -> None:
    log = tmp_path / "demo.log"
    arguments = [sys.executable, "-m", "camctl", "demo", "--cameras", "1"]
    ports = ["--port", str(demos.free_tcp_port()), "--udp-port", str(demos.free_udp_ports(4))]
    with log.open("wb") as out:
        process = subprocess.Popen([*arguments, *ports], cwd=demos.ROOT, stdout=out, stderr=out, start_new_session=True)
    started = psutil.Process(process.pid)
    deadline = time.monotonic() + 30
    while not started.children():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    below = started.children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0, log.read_text()
    assert all(is_gone(child) for child in below)
    assert "Traceback" not in log.read_text()
