"""What of a changed configuration is taken up at once, and what is said to wait for the next start."""

from __future__ import annotations

from typing import Any

import pytest

from camctl.cameras.model import CameraPolicy
from camctl.config import Config
from camctl.config_changes import config_changes, policy_of, told

CAMERA: dict[str, Any] = {"name": "Gang", "area": "31.71", "owner": "PT Contoh", "rtsp": {"main": "rtsp://10.0.0.9/"}}


def config(*cameras: dict[str, Any], **sections: Any) -> Config:
    named = [{"id": f"cam-{number}", **CAMERA, **camera} for number, camera in enumerate(cameras)]
    rest = {"approved_networks": ["10.0.0.0/8"], **sections.pop("cameras", {})}
    return Config.model_validate({"cameras": {"items": named, **rest}, **sections})


def running(started: Config) -> dict[str, CameraPolicy]:
    return {camera.id: policy_of(camera) for camera in started.cameras.items}


@pytest.mark.parametrize(
    ("key", "value"), [("name", "Jalan"), ("area", "31.74"), ("owner", "PT Lain"), ("emergency_only", True)]
)
def test_each_field_of_the_policy_is_taken_up_for_its_camera_alone(key: str, value: object) -> None:
    started = config({}, {})
    changes = config_changes(started, config({}, {key: value}), running(started))
    assert changes.later == ()
    [(camera, policy)] = changes.policies.items()
    assert camera == "cam-1"
    assert told(running(started)["cam-1"], policy) == {key: (CAMERA.get(key, False), value)}


def test_nothing_changed_is_nothing() -> None:
    started = config({}, {})
    changes = config_changes(started, config({}, {}), running(started))
    assert (changes.policies, changes.later) == ({}, ())


def test_what_was_taken_up_is_no_news_and_can_be_taken_back() -> None:
    started = config({})
    shut = config({"emergency_only": True})
    now = {"cam-0": config_changes(started, shut, running(started)).policies["cam-0"]}
    assert config_changes(started, shut, now).policies == {}
    assert config_changes(started, started, now).policies == running(started)


def test_the_rest_waits_for_the_next_start_and_is_named_without_its_values() -> None:
    started = config({"username": "a", "password": "rahasia-1"}, {})
    wanted = config(
        {"username": "b", "password": "rahasia-2", "rtsp": {"main": "rtsp://10.0.0.8/"}, "emergency_only": True},
        cameras={"approved_networks": ["192.0.2.0/24"]},
        server={"port": 8089},
    )
    changes = config_changes(started, wanted, running(started))
    assert list(changes.policies) == ["cam-0"]
    assert changes.later == (
        "server.port", "cameras.approved_networks", "camera cam-1 (removed)",
        "camera cam-0: rtsp", "camera cam-0: username", "camera cam-0: password",
    )  # fmt: skip
    assert "rahasia" not in repr(changes)
    assert config_changes(wanted, started, running(wanted)).later[2] == "camera cam-1 (new)"
