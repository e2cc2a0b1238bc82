"""Patrols and events over real processes: service, control process, and the cameras' motors, which are the truth.

Each test has a camera of its own, so that none finds what another left.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from camctl.egress import EgressPolicy
from camctl.onvif.driver import OnvifDrivers
from tests.support.commands import wait_until
from tests.support.control import Phone
from tests.support.demo import Demo
from tests.support.trials import Town, town

pytestmark = pytest.mark.system

LEASE_IDLE_S, PATROL_IDLE_S = 1.0, 2.0
# A restart on a busy machine: the process, its cameras, the first station.
AGAIN_S = 40.0
TRAVEL_S = 10.0
# The simulator's own presets by where they look, in the generic space.
PAN_OF = {"1": 0.0, "2": -48 / 170, "3": 62 / 170}
CAMERAS = ("running", "paused", "stopped", "event", "off", "refused", "window", "killed", "restarted", "idle")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("patrols")
    control = {
        "lease_idle_s": LEASE_IDLE_S,
        "patrol_idle_s": PATROL_IDLE_S,
        "journal": str(folder / "control.journal"),
    }
    with town(folder, {name: {} for name in CAMERAS}, control=control) as made:
        made.start()
        yield made


class Visit:
    """The operator at one camera."""

    def __init__(self, place: Town, camera: str) -> None:
        self.place = place
        self.camera = camera
        self.began_s = time.monotonic()

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.place.token}"}
        url = f"{self.place.api()}/cameras/{self.camera}{path}"
        answer = httpx.request(method, url, json=body, headers=headers, timeout=20)
        assert answer.is_success, answer.text
        return answer

    def patrol(self, *presets: str, dwell_s: float = 1.0, **more: Any) -> str:
        stops = [{"preset": preset, "dwell_s": dwell_s} for preset in presets]
        made = self.call("POST", "/patrols", {"name": "Keliling", "stops": stops, "enabled": True, **more})
        return str(made.json()["id"])

    def state(self) -> dict[str, Any]:
        """The camera's control state, as the control socket tells it."""
        found: dict[str, Any] = self.call("GET", "/control").json()
        return found

    def travels(self, since_s: float | None = None) -> list[str]:
        """The presets that the camera was sent to, by what its motors were told."""
        events = self.place.motor_log(self.camera, self.began_s if since_s is None else since_s)
        pans = [event.pan for event in events if event.kind == "preset"]
        assert all(pan is not None for pan in pans)
        return [min(PAN_OF, key=lambda token: abs(PAN_OF[token] - (pan or 0.0))) for pan in pans]

    def wait(self, condition: Callable[[], object], within_s: float = TRAVEL_S) -> None:
        wait_until(condition, within_s, lambda: f"{self.travels()}; {self.state()}; {self.place.tail()}")

    def phone(self) -> Phone:
        return Phone(self.place.api(), self.camera, self.place.token)


def test_a_patrol_goes_its_round_and_everyone_sees_it(place: Town) -> None:
    visit = Visit(place, "running")
    with visit.phone() as phone:
        patrol_id = visit.patrol("1", "2", "3")
        second = phone.state(lambda s: s["patrol"] and s["patrol"]["stop"] == 1 and s["holder"], TRAVEL_S)
        assert (second["patrol"]["id"], second["patrol"]["state"], second["patrol"]["stops"]) == (
            patrol_id,
            "running",
            3,
        )
        assert (second["holder"]["kind"], second["holder"]["name"]) == ("patrol", "Keliling")
        assert second["may_take"], "it gives way to a person"
        visit.wait(lambda: len(visit.travels()) >= 4, 4 * TRAVEL_S)
    assert visit.travels()[:4] == ["1", "2", "3", "1"]
    assert visit.call("GET", f"/patrols/{patrol_id}").json()["round"]["state"] == "running"
    visit.call("POST", f"/patrols/{patrol_id}/stop")


def test_a_finger_pauses_it_and_it_goes_on_at_its_station_after_the_idle_time(place: Town) -> None:
    visit = Visit(place, "paused")
    visit.patrol("2", "3", dwell_s=30)
    visit.wait(lambda: visit.travels() == ["2"] and not visit.state()["moving"])
    with visit.phone() as phone:
        phone.drag(0.5, tilt=0.3, gesture=1)
        paused = phone.state(lambda s: s["holder"] and s["holder"]["you"] and s["patrol"]["state"] == "paused")
        assert (paused["patrol"]["stop"], paused["moving"]) == (0, True)
        assert phone.ask("stop")["type"] == "ack"
        phone.state(lambda s: s["holder"] is None, LEASE_IDLE_S + 3)
        free_s = time.monotonic()
        resting = phone.state(lambda s: s["patrol"]["state"] == "resting", 1.0)
        assert resting["holder"] is None
        assert 0 < resting["patrol"]["resumes_in_ms"] <= PATROL_IDLE_S * 1000
        assert visit.travels() == ["2"]
        phone.state(lambda s: s["patrol"]["state"] == "running", PATROL_IDLE_S + 3)
    visit.wait(lambda: visit.travels() == ["2", "2"])
    again = [event for event in place.motor_log(visit.camera, free_s) if event.kind == "preset"]
    assert again[0].at_s - free_s >= PATROL_IDLE_S - 0.5, "it must leave people their time"


def test_a_persons_stop_on_the_way_stays_a_stop(place: Town) -> None:
    visit = Visit(place, "stopped")
    visit.patrol("2", "3", dwell_s=1.0)
    place.wait_moving([visit.camera])
    visit.call("POST", "/ptz/stop")
    stopped_s = time.monotonic()
    wait_until(lambda: not place.moving([visit.camera]), 1.0, lambda: "it still turns")
    while time.monotonic() < stopped_s + LEASE_IDLE_S + PATROL_IDLE_S - 0.5:
        assert not place.moving([visit.camera])
        time.sleep(0.1)
    visit.wait(lambda: visit.travels(stopped_s) != [])


def test_an_event_interrupts_a_patrol_which_then_goes_on(place: Town) -> None:
    visit = Visit(place, "event")
    visit.patrol("1", "2", dwell_s=60)
    visit.wait(lambda: visit.travels() == ["1"] and not visit.state()["moving"])
    with visit.phone() as phone:
        visit.call("POST", "/events", {"preset": "3", "hold_s": 2, "reason": "Banjir di Kampung Melayu"})
        shown = phone.state(lambda s: s["holder"] and s["holder"]["kind"] == "event")
        assert shown["holder"]["name"] == "Banjir di Kampung Melayu"
        phone.state(lambda s: s["patrol"]["kind"] == "patrol" and s["patrol"]["state"] == "running", 3 * TRAVEL_S)
    visit.wait(lambda: len(visit.travels()) == 3)
    assert visit.travels() == ["1", "3", "1"]


def test_switching_a_patrol_off_stops_the_camera_and_frees_it(place: Town) -> None:
    visit = Visit(place, "off")
    patrol_id = visit.patrol("2", "3")
    place.wait_moving([visit.camera])
    visit.call("POST", f"/patrols/{patrol_id}/stop")
    wait_until(lambda: not place.moving([visit.camera]), 1.0, lambda: "it still turns")
    visit.wait(lambda: visit.state()["holder"] is None)
    assert visit.state()["patrol"] is None
    before = visit.travels()
    time.sleep(PATROL_IDLE_S + 1)
    assert visit.travels() == before


def test_a_preset_that_the_camera_has_not_is_refused_with_those_it_has(place: Town) -> None:
    with httpx.Client(headers={"Authorization": f"Bearer {place.token}"}, timeout=20) as client:
        plan = {"name": "Salah", "stops": [{"preset": "9", "dwell_s": 1}]}
        answer = client.post(f"{place.api()}/cameras/refused/patrols", json=plan)
    assert answer.status_code == 422
    assert "'1' (Simpang)" in answer.json()["detail"]


def test_a_station_that_vanished_from_the_camera_is_skipped_and_said(place: Town) -> None:
    visit = Visit(place, "refused")
    patrol_id = visit.patrol("1", "2", "3", enabled=False)
    asyncio.run(forget_preset(place, visit.camera, "2"))
    with visit.phone() as phone:
        visit.call("POST", f"/patrols/{patrol_id}/start")
        skipped = phone.state(lambda s: s["patrol"] and s["patrol"]["detail"], 2 * TRAVEL_S)
        assert skipped["patrol"]["detail"].startswith("station 2: ")
        visit.wait(lambda: len(visit.travels()) >= 3, 3 * TRAVEL_S)
    assert visit.travels()[:3] == ["1", "3", "1"]
    visit.call("POST", f"/patrols/{patrol_id}/stop")


async def forget_preset(place: Town, camera: str, token: str) -> None:
    """As with another program, beside the service."""
    simulated = place._simulated[camera]
    drivers = OnvifDrivers(EgressPolicy((ip_network("127.0.0.0/8"),)))
    driver = drivers.create(simulated["onvif_url"], simulated["username"], simulated["password"])
    try:
        await driver.connect()
        await driver.remove_preset(token)
    finally:
        await driver.close()
        await drivers.close()


def test_a_patrol_outside_its_hours_does_not_run_and_one_within_does(place: Town) -> None:
    visit = Visit(place, "window")
    now = datetime.now(ZoneInfo("Asia/Jakarta"))
    later = now + timedelta(hours=2)
    closed = {"days": [later.weekday()], "from": f"{later:%H:%M}", "to": f"{later + timedelta(hours=1):%H:%M}"}
    whole_day = {"days": [0, 1, 2, 3, 4, 5, 6], "from": "00:00", "to": "24:00"}
    visit.patrol("2", windows=[closed])
    time.sleep(1)
    assert visit.state()["patrol"] is None
    visit.patrol("3", windows=[whole_day])
    visit.wait(lambda: visit.travels()[:1] == ["3"])


def test_it_survives_the_death_of_the_control_process(place: Town) -> None:
    visit = Visit(place, "killed")
    patrol_id = visit.patrol("1", "2", dwell_s=1.0)
    visit.wait(lambda: len(visit.travels()) >= 2)
    with visit.phone() as phone:
        killed_s = place.kill("camctl.control")
        phone.state(lambda s: s["camera"]["state"] != "live" or s["patrol"] is None, AGAIN_S)
        phone.state(lambda s: s["patrol"] and s["patrol"]["state"] == "running" and s["holder"], AGAIN_S)
    visit.wait(lambda: len(visit.travels(killed_s + 0.5)) >= 2, AGAIN_S)
    visit.call("POST", f"/patrols/{patrol_id}/stop")


def test_it_survives_a_restart_of_the_whole_service(place: Town) -> None:
    on, off = Visit(place, "restarted"), Visit(place, "idle")
    patrol_id = on.patrol("2", "3", dwell_s=1.0)
    off.patrol("2", "3", enabled=False)
    on.wait(lambda: len(on.travels()) >= 1)
    killed_s = place.kill_everything()
    place.start()
    on.wait(lambda: len(on.travels(killed_s + 0.5)) >= 2, AGAIN_S)
    assert on.state()["patrol"]["id"] == patrol_id
    assert off.travels() == []
    listed = off.call("GET", "/patrols").json()["items"]
    assert [(one["enabled"], one["updated_by"]) for one in listed] == [(False, "operator")]


@pytest.mark.nightly
def test_the_demo_has_a_patrol_that_waits_to_be_started(demo: Demo) -> None:
    camera = demo.ready["cameras"][0]
    with demo.client("operator") as client:
        path = f"/cameras/{camera['id']}/patrols"
        (example,) = client.get(path).json()["items"]
        assert not example["enabled"]
        assert not demo.is_moving(camera)
        client.post(f"{path}/{example['id']}/start").raise_for_status()
        demo.wait_moving(camera, 30)
        client.post(f"{path}/{example['id']}/stop").raise_for_status()
        demo.wait_still(camera, 1.5)
