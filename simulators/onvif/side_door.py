"""What tests ask a simulated camera on its ONVIF port, beside ONVIF: the truth, the motor log, and troubles to have."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from pydantic import ValidationError

from simulators.onvif.device import Device
from simulators.onvif.http import Exchange, json_reply
from simulators.onvif.soap import Reply

PREFIX = "/simulator/"
_BODY_LIMIT = 16 * 1024


async def serve(device: Device, exchange: Exchange) -> Reply:
    """Answer one request below /simulator/."""
    asked = (exchange.method, exchange.path.removeprefix(PREFIX))
    if asked == ("GET", "state"):
        return json_reply(state(device))
    if asked == ("GET", "motor-log"):
        return _motor_log(device, exchange.query)
    if asked == ("GET", "faults"):
        return json_reply(device.endpoint.faults.now.model_dump())
    if asked == ("POST", "faults"):
        return _faults(device, await exchange.body(_BODY_LIMIT))
    return json_reply({"error": "there are GET state, GET motor-log?since=, GET and POST faults"}, 404)


def state(device: Device) -> dict[str, Any]:
    """Where the camera really looks and how fast it really turns, and who watches."""
    camera, motors = device.camera, device.camera.motors
    pose, speeds = motors.pose(), motors.speeds()
    return {
        "name": camera.config.name,
        "at_s": device.now_s,
        "wall_s": camera.clock.wall(),
        "camera_wall_s": device.wall_s,
        "pan_deg": pose.pan,
        "tilt_deg": pose.tilt,
        "zoom_x": motors.zoom_x(),
        "pan_deg_per_s": speeds.pan,
        "tilt_deg_per_s": speeds.tilt,
        "zoom_travel_per_s": speeds.zoom,
        "moving": motors.moving(),
        "watchers": camera.main.watchers + camera.sub.watchers,
        "key_frames": camera.main.key_frames + camera.sub.key_frames,
        "streams": {
            name: {"watchers": stream.watchers, "key_frames": stream.key_frames, "encoded": stream.encoded}
            for name, stream in (("main", camera.main), ("sub", camera.sub))
        },
        "aux": dict(camera.aux),
        "quirks": list(device.quirks.names),
    }


def _motor_log(device: Device, query: str) -> Reply:
    """Events later than `since` (seconds of the camera's monotonic clock), oldest first."""
    try:
        since = float(parse_qs(query).get("since", ["-inf"])[-1])
    except ValueError:
        return json_reply({"error": "since must be a number"}, 400)
    events = [event.as_json() for event in device.camera.motor_log if event.at_s > since]
    return json_reply({"now_s": device.now_s, "events": events})


def _faults(device: Device, document: bytes) -> Reply:
    try:
        return json_reply(device.endpoint.faults.change(document).model_dump())
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors()]
        return json_reply({"error": problems}, 422)
