"""Requests that would be right, for tests that spoil one thing of them; and a watch over the motors meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.demo import Demo

FIRST, SECOND = "31.71", "31.74"
OFFER = (Path(__file__).parents[1] / "fixtures/offers/chromium.sdp").read_text()
SDP = {"Content-Type": "application/sdp"}
JSON = {"Content-Type": "application/json"}


@contextmanager
def no_motor_turns(demo: Demo) -> Iterator[None]:
    """Nothing but Stops reaches any camera of the demo in this block."""
    before = {camera["id"]: len(demo.motor_log(camera)) for camera in demo.ready["cameras"]}
    yield
    for camera in demo.ready["cameras"]:
        told = [event for event in demo.motor_log(camera)[before[camera["id"]] :] if event["kind"] != "stop"]
        assert told == [], "wrong input reached a motor"
