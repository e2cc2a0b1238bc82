"""What the demo consists of."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from auth.roles import ROLES
from camctl.areas.tree import load_jakarta
from camctl.cameras.patrols import round_of
from camctl.config import Config, faults
from camctl.demo import plan
from simulators.config import CameraConfig as SimulatedCamera


def simulated(count: int) -> list[dict[str, str]]:
    return [{"onvif_url": f"http://127.0.0.1:{i}/", "username": "camctl", "password": "x"} for i in range(1, count + 1)]


def test_any_two_cameras_beside_each_other_lie_in_different_kota() -> None:
    areas = load_jakarta()
    kota = [plan.place_of(i).area[:5] for i in range(20)]
    assert all(first != second for first, second in itertools.pairwise(kota))
    assert all(plan.place_of(i).area in areas for i in range(20))
    assert len({plan.place_of(i).name for i in range(20)}) == 20


def test_people_are_of_every_role_and_two_officials_of_different_kota() -> None:
    assert {person.role for person in plan.PEOPLE} == set(ROLES)
    kota = {person.area for person in plan.PEOPLE if person.role == "official" and person.area.count(".") == 1}
    assert len(kota) == 2
    assert next(p for p in plan.PEOPLE if p.role == "operator").area == "31"


def test_the_service_configuration_is_right_and_approves_loopback_and_the_named_feeds_only() -> None:
    items = plan.camera_items(simulated(3), ["rtsp://viewer:p%40ss@10.1.2.3:8554/live"])
    config = plan.service(
        items,
        port=1,
        udp_port=2,
        store_url="sqlite:///x.db",
        journal="x.journal",
        audit="audit",
        log_level="info",
        feed_addresses=["10.1.2.3"],
    )
    assert faults(config) == []
    parsed = Config.model_validate(config)
    assert [str(n) for n in parsed.cameras.networks] == ["127.0.0.0/8", "::1/128", "10.1.2.3/32"]
    assert parsed.media.sessions_per_person == 500
    feed = parsed.cameras.items[-1]
    assert feed.rtsp is not None
    assert (feed.rtsp.main, feed.username, feed.password.get_secret_value()) == (
        "rtsp://10.1.2.3:8554/live",
        "viewer",
        "p@ss",
    )
    assert Config().cameras.networks == ()


def test_one_camera_of_four_is_the_partners_for_emergencies_only() -> None:
    assert not any(item["emergency_only"] for item in plan.camera_items(simulated(3), []))
    shut = [item for item in plan.camera_items(simulated(8), []) if item["emergency_only"]]
    assert [(item["id"], item["owner"]) for item in shut] == [(plan.EMERGENCY_ONLY, plan.PARTNER_ORGANISATION)]
    opens = next(person for person in plan.PEOPLE if person.username == "walikota-selatan")
    assert shut[0]["area"].startswith(opens.area)


def test_the_example_patrol_is_off_and_goes_over_presets_that_a_simulated_camera_has() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    (patrol,) = plan.patrols(2, now)
    the_round = round_of(patrol)
    assert not the_round.enabled
    presets = SimulatedCamera(name="x", password="y").presets
    assert {stop.preset for stop in the_round.stops} == {str(number) for number in range(1, len(presets) + 1)}
    assert patrol.camera_id in {item["id"] for item in plan.camera_items(simulated(1), [])}
    assert plan.patrols(0, now) == []
