"""Patrols and events over HTTP, with a real database and a camera that tells its presets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from camctl.cameras.model import CameraState, Health
from camctl.cameras.patrols import MOST_PER_CAMERA, load_patrols
from camctl.control import codec
from camctl.ptz.events import SourceKind
from camctl.ptz.model import Preset
from camctl.ptz.ports import CameraError, CameraFault
from camctl.ptz.rounds import Round, RoundStop, RoundView, Window
from camctl.store.engine import StoreError
from camctl.store.patrols import PatrolStore, StoredPatrol
from tests.unit.camctl.api.api_kit import FEED, FIRST, SECOND, House

PLAN: dict[str, Any] = {
    "name": "Keliling malam",
    "stops": [{"preset": "1", "dwell_s": 15}, {"preset": "2", "dwell_s": 5.5, "speed": 0.5}],
    "windows": [{"days": [4, 6], "from": "22:00", "to": "05:00"}],
}


class Street:
    """What the cameras were asked and told."""

    def __init__(self) -> None:
        self.presets = [Preset("1", "Simpang"), Preset("2", "Halte")]
        self.failing: CameraError | None = None
        self.events: list[tuple[str, Round]] = []
        self.patrols: dict[str, tuple[Round, ...]] = {}

    async def ask(self, kind: str, camera_id: str, blob: bytes = b"") -> bytes:
        if self.failing is not None:
            raise self.failing
        if kind == codec.PRESETS:
            return codec.encode(self.presets, list[Preset])
        assert kind == codec.EVENT
        self.events.append((camera_id, codec.decode(Round, blob)))
        return b""

    def say(self, kind: str, payload: Any, blob: bytes = b"") -> bool:
        assert kind == codec.PATROLS
        self.patrols[payload["camera"]] = codec.decode(tuple[Round, ...], blob)
        return True


@pytest.fixture
def street(house: House, monkeypatch: pytest.MonkeyPatch) -> Street:
    made = Street()
    monkeypatch.setattr(house.control, "ask", made.ask)
    monkeypatch.setattr(house.control, "say", made.say)
    return made


async def call(
    house: House, method: str, path: str = "", body: Any = None, *, who: str = "operator", camera: str = FIRST
) -> httpx.Response:
    async with house.client(who) as client:
        return await client.request(method, f"/cameras/{camera}/patrols{path}", json=body)


async def added(house: House, **changes: Any) -> dict[str, Any]:
    answer = await call(house, "POST", body=PLAN | changes)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def shown(house: House, body: Any, *, who: str = "operator", camera: str = FIRST) -> httpx.Response:
    async with house.client(who) as client:
        return await client.post(f"/cameras/{camera}/events", json=body)


async def test_a_new_patrol_is_stored_off_and_told_to_the_camera(house: House, street: Street) -> None:
    made = await added(house)
    assert (made["enabled"], made["priority"], made["order"]) == (False, 10, 0)
    assert made["updated_by"] == "Operator"
    assert made["windows"] == PLAN["windows"]
    assert made["round"] is None
    stops = (RoundStop("1", 15.0), RoundStop("2", 5.5, 0.5))
    windows = (Window(frozenset({4, 6}), 22 * 60, 5 * 60),)
    assert street.patrols[FIRST] == (
        Round(made["id"], "Keliling malam", SourceKind.PATROL, 10, stops, windows, enabled=False),
    )
    listed = (await call(house, "GET")).json()
    assert listed == {"items": [made], "time_zone": "Asia/Jakarta"}
    assert (await call(house, "GET", f"/{made['id']}")).json() == made


async def test_starting_and_stopping_keep_the_rest_and_note_who_did(house: House, street: Street) -> None:
    made = await added(house)
    started = (await call(house, "POST", f"/{made['id']}/start", who="admin")).json()
    assert started["enabled"]
    assert started["updated_by"] == "Admin"
    assert started["stops"] == made["stops"]
    assert street.patrols[FIRST][0].enabled
    assert not (await call(house, "POST", f"/{made['id']}/stop")).json()["enabled"]
    assert not street.patrols[FIRST][0].enabled


async def test_a_patrol_is_replaced_and_removed(house: House, street: Street) -> None:
    made = await added(house, enabled=True)
    changed = await call(house, "PUT", f"/{made['id']}", {"name": "Pagi", "stops": [{"preset": "2", "dwell_s": 60}]})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["enabled"], changed.json()["windows"]) == ("Pagi", False, [])
    assert street.patrols[FIRST][0].stops == (RoundStop("2", 60.0),)
    assert (await call(house, "DELETE", f"/{made['id']}")).status_code == 204
    assert street.patrols[FIRST] == ()
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/stop")):
        gone = await call(house, method, f"/{made['id']}{path}", PLAN if method == "PUT" else None)
        assert gone.status_code == 404, (method, path)


async def test_the_running_order_is_the_order_of_definition_unless_it_is_said(house: House, street: Street) -> None:
    for name in ("first", "second"):
        await added(house, name=name)
    last = await added(house, name="third")
    assert [one.name for one in street.patrols[FIRST]] == ["first", "second", "third"]
    await call(house, "PUT", f"/{last['id']}", PLAN | {"name": "third", "order": 0})
    assert {one.name for one in street.patrols[FIRST][:2]} == {"first", "third"}
    assert street.patrols[FIRST][2].name == "second"


async def test_a_patrol_of_one_camera_is_none_of_another(house: House, street: Street) -> None:
    made = await added(house)
    for method, body in (("GET", None), ("PUT", PLAN), ("DELETE", None)):
        assert (await call(house, method, f"/{made['id']}", body, camera=SECOND)).status_code == 404
    assert (await call(house, "GET", f"/{made['id']}")).status_code == 200


async def test_the_camera_s_round_is_shown_with_its_patrol(house: House, street: Street) -> None:
    made = await added(house)
    camera = house.control.get(FIRST)
    assert camera is not None
    view = RoundView(made["id"], "Keliling malam", SourceKind.PATROL, "paused", stop=1, stops=2)
    house.control.show(FIRST, replace(camera.view, round=view))
    shown_round = (await call(house, "GET", f"/{made['id']}")).json()["round"]
    assert (shown_round["state"], shown_round["stop"]) == ("paused", 1)


@pytest.mark.parametrize("who", ["walikota", "camat", "partner"])
async def test_who_may_see_the_camera_may_read_but_not_write(house: House, street: Street, who: str) -> None:
    made = await added(house)
    assert (await call(house, "GET", who=who)).status_code == 200
    assert (await call(house, "POST", body=PLAN, who=who)).status_code == 403
    assert (await call(house, "PUT", f"/{made['id']}", PLAN, who=who)).status_code == 403
    assert (await call(house, "POST", f"/{made['id']}/start", who=who)).status_code == 403
    assert (await call(house, "DELETE", f"/{made['id']}", who=who)).status_code == 403
    assert (await shown(house, {"preset": "1", "hold_s": 5, "reason": "banjir"}, who=who)).status_code == 403
    assert street.events == []


async def test_a_camera_that_one_may_not_know_of_has_no_patrols(house: House, street: Street) -> None:
    assert (await call(house, "GET", who="camat", camera=SECOND)).status_code == 404


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"stops": []}, "stops"),
        ({"stops": [{"preset": "1", "dwell_s": 5}] * 65}, "stops"),
        ({"stops": [{"preset": "1", "dwell_s": 0.5}]}, "stops.0.dwell_s"),
        ({"stops": [{"preset": "1", "dwell_s": 86_401}]}, "stops.0.dwell_s"),
        ({"stops": [{"preset": "1", "dwell_s": "5"}]}, "stops.0.dwell_s"),
        ({"stops": [{"preset": "1", "dwell_s": 5, "speed": 0.01}]}, "stops.0.speed"),
        ({"stops": [{"preset": "1", "dwell_s": 5, "speed": 1.5}]}, "stops.0.speed"),
        ({"stops": [{"preset": "", "dwell_s": 5}]}, "stops.0.preset"),
        ({"stops": [{"preset": "1", "dwell_s": 5, "note": "x"}]}, "stops.0.note"),
        ({"windows": [{"days": [], "from": "01:00", "to": "02:00"}]}, "windows.0.days"),
        ({"windows": [{"days": [7], "from": "01:00", "to": "02:00"}]}, "windows.0.days.0"),
        ({"windows": [{"days": [1, 1], "from": "01:00", "to": "02:00"}]}, "windows.0"),
        ({"windows": [{"days": [1], "from": "1:00", "to": "02:00"}]}, "windows.0.from"),
        ({"windows": [{"days": [1], "from": "24:00", "to": "02:00"}]}, "windows.0"),
        ({"windows": [{"days": [1], "from": "01:00", "to": "01:00"}]}, "windows.0"),
        ({"priority": 101}, "priority"),
        ({"order": -1}, "order"),
        ({"enabled": 1}, "enabled"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_stored(
    house: House, street: Street, changes: dict[str, Any], where: str
) -> None:
    answer = await call(house, "POST", body=PLAN | changes)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert where in [fault["where"] for fault in answer.json()["faults"]]
    assert (await call(house, "GET")).json()["items"] == []
    assert street.patrols == {}


async def test_a_preset_that_the_camera_has_not_is_refused_with_those_it_has(house: House, street: Street) -> None:
    answer = await call(
        house, "POST", body=PLAN | {"stops": [{"preset": "1", "dwell_s": 5}, {"preset": "9", "dwell_s": 5}]}
    )
    assert answer.status_code == 422
    assert answer.json()["faults"] == [{"where": "stops.1.preset", "what": "the camera has no preset '9'"}]
    assert "'2' (Halte)" in answer.json()["detail"]


async def test_presets_of_a_camera_that_cannot_be_asked_are_taken_as_they_are(house: House, street: Street) -> None:
    street.failing = CameraError(CameraFault.TIMEOUT, "The camera did not answer in time.")
    await added(house, stops=[{"preset": "9", "dwell_s": 5}])
    street.failing = AssertionError("a camera that is away must not be asked")  # type: ignore[assignment]
    camera = house.control.get(FIRST)
    assert camera is not None
    house.control.show(FIRST, replace(camera.view, health=Health(CameraState.OFFLINE, "away")))
    await added(house, stops=[{"preset": "9", "dwell_s": 5}])


async def test_a_patrol_comes_after_whoever_writes_it(house: House, street: Street) -> None:
    too_high = await call(house, "POST", body=PLAN | {"priority": 40})
    assert too_high.status_code == 422
    assert "which is 40" in too_high.json()["detail"]
    assert (await added(house, priority=39))["priority"] == 39


async def test_an_operator_may_correct_a_patrol_of_higher_priority_without_raising_it(
    house: House, street: Street
) -> None:
    made = (await call(house, "POST", body=PLAN | {"priority": 60}, who="admin")).json()
    same = await call(house, "PUT", f"/{made['id']}", PLAN | {"name": "Pagi", "priority": 60})
    assert (same.status_code, same.json()["priority"]) == (200, 60)
    kept = await call(house, "PUT", f"/{made['id']}", PLAN)
    assert (kept.status_code, kept.json()["priority"]) == (200, 60)
    assert (await call(house, "PUT", f"/{made['id']}", PLAN | {"priority": 61})).status_code == 422


async def test_a_feed_that_cannot_be_steered_has_no_patrols(house: House, street: Street) -> None:
    answer = await call(house, "POST", body=PLAN, camera=FEED)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:camctl:problem:cannot-steer")
    event = await shown(house, {"preset": "1", "hold_s": 5, "reason": "banjir"}, camera=FEED)
    assert event.status_code == 409


async def test_a_camera_has_so_many_patrols_and_no_more(house: House, street: Street) -> None:
    for _ in range(MOST_PER_CAMERA):
        await added(house)
    answer = await call(house, "POST", body=PLAN)
    assert answer.status_code == 422
    assert "delete one first" in answer.json()["detail"]


async def test_without_the_database_it_says_so(house: House, street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: PatrolStore, _camera_id: str) -> list[StoredPatrol]:
        raise StoreError("The database of patrols does not answer; try again shortly.")

    monkeypatch.setattr(PatrolStore, "of_camera", broken)
    answer = await call(house, "GET")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:camctl:problem:unavailable")


async def test_an_event_goes_to_the_camera_with_its_reason_as_its_name(house: House, street: Street) -> None:
    answer = await shown(house, {"preset": "2", "hold_s": 60, "reason": "Banjir di Kampung Melayu"})
    assert answer.status_code == 202, answer.text
    made = answer.json()
    stops = (RoundStop("2", 60.0),)
    assert street.events == [(FIRST, Round(made["id"], "Banjir di Kampung Melayu", SourceKind.EVENT, 30, stops))]
    assert (await call(house, "GET")).json()["items"] == [], "an event is not kept"


@pytest.mark.parametrize(
    "changes", [{"hold_s": 0}, {"hold_s": 3601}, {"reason": " "}, {"preset": "9"}, {"priority": 40}, {"x": 1}]
)
async def test_a_wrong_event_is_refused(house: House, street: Street, changes: dict[str, Any]) -> None:
    answer = await shown(house, {"preset": "2", "hold_s": 60, "reason": "Banjir"} | changes)
    assert answer.status_code == 422, answer.text
    assert street.events == []


async def test_an_event_while_steering_is_being_restarted_is_an_error_of_the_camera(
    house: House, street: Street
) -> None:
    street.failing = CameraError(CameraFault.UNREACHABLE, "steering is being restarted; try again in a second")
    answer = await shown(house, {"preset": "2", "hold_s": 60, "reason": "Banjir"})
    assert answer.status_code == 502
    assert "try again" in answer.json()["detail"]


async def test_after_a_restart_the_service_finds_what_was_told(house: House, street: Street) -> None:
    await added(house, name="first", enabled=True)
    await added(house, name="second")
    store = house.services.patrols._store
    assert load_patrols(store) == {FIRST: list(street.patrols[FIRST])}
