"""The PTZ service (ver20): moves that do not block, stops, status, presets, home, auxiliary commands."""

from __future__ import annotations

import asyncio

from simulators.camera import PresetsFullError
from simulators.drive import Generic
from simulators.onvif import ptz_documents as documents
from simulators.onvif import ptz_vectors as vectors
from simulators.onvif import tokens
from simulators.onvif.auth import Access
from simulators.onvif.device import Call, Device, Service
from simulators.onvif.events import preset_invoked
from simulators.onvif.media import profile_of
from simulators.onvif.soap import SoapFaultError, action_failed, action_not_supported, invalid_argument
from simulators.onvif.values import optional_text, parse_bool, parse_duration, required_text
from simulators.onvif.xml import Xml, el

_SLOW_STATUS_S = 3.0
_MAX_NAME = 64
NOTHING = Xml("")


class CrashError(Exception):
    """The camera's ONVIF daemon dies of this request: no answer, and the connection is gone."""


def capabilities(_device: Device) -> Xml:
    """What GetServiceCapabilities and GetServices tell."""
    return el(
        "tptz:Capabilities",
        EFlip=False,
        Reverse=False,
        GetCompatibleConfigurations=True,
        MoveStatus=True,
        StatusPosition=True,
    )


SERVICE = Service("tptz", "/onvif/ptz_service", (2, 60), capabilities, lambda device: device.has_ptz)
operation = SERVICE.operation


@operation("GetServiceCapabilities", Access.PRE_AUTH)
def get_service_capabilities(call: Call) -> Xml:
    """PTZ GetServiceCapabilities."""
    return capabilities(call.device)


def _require_nodes(call: Call) -> None:
    if call.device.quirks.no_nodes:
        raise action_not_supported(call.request.operation[1])


@operation("GetNodes", Access.READ_MEDIA)
def get_nodes(call: Call) -> Xml:
    """The one node."""
    _require_nodes(call)
    return documents.node(call.device, "tptz:PTZNode")


@operation("GetNode", Access.READ_MEDIA)
def get_node(call: Call) -> Xml:
    """The node by token."""
    _require_nodes(call)
    if required_text(call.body, "tptz:NodeToken") != tokens.PTZ_NODE:
        raise invalid_argument("the node does not exist", "NoEntity")
    return documents.node(call.device, "tptz:PTZNode")


@operation("GetConfigurations", Access.READ_MEDIA)
def get_configurations(call: Call) -> Xml:
    """The one configuration."""
    return documents.configuration(call.device, "tptz:PTZConfiguration")


@operation("GetCompatibleConfigurations", Access.READ_MEDIA)
def get_compatible_configurations(call: Call) -> Xml:
    """The configurations that a profile could have."""
    _profile(call)
    return documents.configuration(call.device, "tptz:PTZConfiguration")


def _require_configuration(token: str) -> None:
    if token != tokens.PTZ_CONFIGURATION:
        raise invalid_argument("the configuration does not exist", "NoConfig")


@operation("GetConfiguration", Access.READ_MEDIA)
def get_configuration(call: Call) -> Xml:
    """The configuration by token."""
    _require_configuration(required_text(call.body, "tptz:PTZConfigurationToken"))
    return documents.configuration(call.device, "tptz:PTZConfiguration")


@operation("GetConfigurationOptions", Access.READ_MEDIA)
def get_configuration_options(call: Call) -> Xml:
    """Spaces and timeouts."""
    _require_nodes(call)
    _require_configuration(required_text(call.body, "tptz:ConfigurationToken"))
    return documents.configuration_options(call.device)


def _profile(call: Call) -> None:
    profile_of(required_text(call.body, "tptz:ProfileToken"))


@operation("GetStatus", Access.READ_MEDIA)
async def get_status(call: Call) -> Xml:
    """Where it looks and whether it turns."""
    _profile(call)
    if call.device.quirks.status_slow:
        await asyncio.sleep(_SLOW_STATUS_S)
    return documents.status(call.device)


@operation("ContinuousMove", Access.ACTUATE)
def continuous_move(call: Call) -> Xml:
    """Turn until Stop, another move or the timeout; an axis that is left out goes on as it did, zero stops it."""
    _profile(call)
    device, quirks = call.device, call.device.quirks
    velocity = vectors.read(call.body, "tptz:Velocity", vectors.VELOCITY, documents.lens_of(device)).values
    timeout_s = _timeout_s(call)
    if quirks.pantilt_zoom_together_refused and velocity.pan is not None and velocity.zoom is not None:
        raise action_failed("PanTilt and Zoom at once are not possible")
    ignores_zero = quirks.zero_velocity_ignored or quirks.stop_per_axis_only or quirks.stop_relative_zero_only
    if ignores_zero or (_is_still(velocity) and device.endpoint.faults.ignores_stop()):
        velocity = Generic(*(value or None for value in velocity))
    if quirks.omitted_axis_stops:
        velocity = Generic(*(value or 0.0 for value in velocity))
    if quirks.reversed:
        velocity = velocity._replace(pan=_negated(velocity.pan), tilt=_negated(velocity.tilt))
    device.camera.continuous_move(velocity, None if quirks.ignores_timeout else timeout_s)
    return NOTHING


def _is_still(vector: Generic) -> bool:
    return not any(vector)


def _negated(value: float | None) -> float | None:
    return None if value is None else -value


def _timeout_s(call: Call) -> float:
    """The Timeout of a request, or the configured default."""
    text = optional_text(call.body, "tptz:Timeout")
    quirks, (low, high) = call.device.quirks, call.device.camera.config.ptz_timeout_range_s
    if text is None:
        return documents.default_timeout_s(call.device)
    seconds = parse_duration(text)
    if quirks.timeout_rejected:
        raise invalid_argument("a timeout is not supported", "TimeoutNotSupported")
    if quirks.fractional_timeout_crash and seconds != int(seconds):
        raise CrashError
    if seconds <= 0 or (not low <= seconds <= high and not quirks.timeout_range_zero):
        raise invalid_argument("the timeout is out of range", "TimeoutNotSupported")
    return seconds


@operation("AbsoluteMove", Access.ACTUATE)
def absolute_move(call: Call) -> Xml:
    """Go to a position."""
    _profile(call)
    lens = documents.lens_of(call.device)
    position = vectors.read(call.body, "tptz:Position", vectors.POSITION, lens).values
    call.device.camera.absolute_move(position, vectors.read_speed(call.body, "tptz:Speed", lens))
    return NOTHING


@operation("RelativeMove", Access.ACTUATE)
def relative_move(call: Call) -> Xml:
    """Go by a translation, in the generic space or in that of the picture."""
    _profile(call)
    device, quirks, lens = call.device, call.device.quirks, documents.lens_of(call.device)
    camera = device.camera
    translation = vectors.read(call.body, "tptz:Translation", vectors.TRANSLATION, lens)
    speed = vectors.read_speed(call.body, "tptz:Speed", lens)
    if quirks.relative_move_dead:
        return NOTHING
    ignores_zero = quirks.stop_per_axis_only or quirks.stop_zero_velocity_only
    if _is_still(translation.values) and (ignores_zero or device.endpoint.faults.ignores_stop()):
        return NOTHING
    if translation.in_view:
        camera.move_in_view(translation.values, speed)
    else:
        camera.relative_move(translation.values, speed)
    return NOTHING


@operation("Stop", Access.ACTUATE)
def stop(call: Call) -> Xml:
    """Stop the axes that are named true; all when none is named."""
    device, quirks = call.device, call.device.quirks
    if quirks.stop_unimplemented:
        raise action_not_supported("Stop")
    _profile(call)
    pan_tilt, zoom = (_flag(call, f"tptz:{name}") for name in ("PanTilt", "Zoom"))
    if quirks.stop_refuses_addressing and (call.request.addressing("Action") or call.request.addressing("To")):
        raise SoapFaultError("Sender", "WellFormed", reason="unexpected header")
    if device.endpoint.faults.now.refuse_stop:
        raise action_failed("the motor does not answer")
    if quirks.stop_refuses_both and pan_tilt and zoom:
        raise action_failed("PanTilt and Zoom at once are not possible")
    if _ignores_stop(device, names_one=bool(pan_tilt) != bool(zoom)):
        return NOTHING
    if pan_tilt is None and zoom is None:
        if not quirks.stop_needs_axes:
            device.camera.stop()
        return NOTHING
    device.camera.stop(bool(pan_tilt), bool(zoom))
    return NOTHING


def _ignores_stop(device: Device, *, names_one: bool) -> bool:
    """Whether a Stop that was accepted does nothing; `names_one`: it names one kind of axis alone."""
    quirks = device.quirks
    if quirks.stop_zero_velocity_only or quirks.stop_relative_zero_only:
        return True
    if quirks.stop_per_axis_only and not names_one:
        return True
    return device.endpoint.faults.ignores_stop()


def _flag(call: Call, path: str) -> bool | None:
    text = optional_text(call.body, path)
    return None if text is None else parse_bool(text)


@operation("GetPresets", Access.READ_MEDIA)
def get_presets(call: Call) -> Xml:
    """The stored views."""
    _profile(call)
    return documents.presets(call.device)


def _known_preset(call: Call) -> str:
    token = required_text(call.body, "tptz:PresetToken")
    if token not in call.device.camera.presets:
        raise invalid_argument("the preset does not exist", "NoToken")
    return token


@operation("SetPreset", Access.ACTUATE)
def set_preset(call: Call) -> Xml:
    """Store the present view: a new one, or over an old one."""
    _profile(call)
    camera = call.device.camera
    name = optional_text(call.body, "tptz:PresetName")
    asked = optional_text(call.body, "tptz:PresetToken")
    if asked is not None and call.device.quirks.setpreset_token_refused:
        raise invalid_argument("a token is not allowed", "NoToken")
    token = _known_preset(call) if asked is not None else None
    if name is not None and len(name) > _MAX_NAME:
        raise invalid_argument("the name is too long", "InvalidPresetName")
    if any(preset.name == name and each != token for each, preset in camera.presets.items()):
        raise invalid_argument("another preset has that name", "PresetExist")
    if camera.status().pan_tilt_moving or camera.status().zoom_moving:
        raise action_failed("the camera is moving", "MovingPTZ")
    try:
        return el("tptz:PresetToken", camera.set_preset(name, token))
    except PresetsFullError as error:
        raise action_failed("no room for another preset", "TooManyPresets") from error


@operation("GotoPreset", Access.ACTUATE)
def goto_preset(call: Call) -> Xml:
    """Go to a stored view."""
    _profile(call)
    token = _known_preset(call)
    speed = vectors.read_speed(call.body, "tptz:Speed", documents.lens_of(call.device))
    if speed is not None and call.device.quirks.gotopreset_speed_refused:
        raise invalid_argument("a speed is not supported", "SpaceNotSupported")
    call.device.camera.goto_preset(token, speed)
    call.device.pullpoints.publish(preset_invoked(call.device, token), call.device.now_s)
    return NOTHING


@operation("RemovePreset", Access.ACTUATE)
def remove_preset(call: Call) -> Xml:
    """Forget a stored view."""
    _profile(call)
    call.device.camera.remove_preset(_known_preset(call))
    return NOTHING


@operation("GotoHomePosition", Access.ACTUATE)
def goto_home_position(call: Call) -> Xml:
    """Go home."""
    _profile(call)
    call.device.camera.goto_home(vectors.read_speed(call.body, "tptz:Speed", documents.lens_of(call.device)))
    return NOTHING


@operation("SetHomePosition", Access.ACTUATE)
def set_home_position(call: Call) -> Xml:
    """Make the present view the home position."""
    _profile(call)
    call.device.camera.set_home()
    return NOTHING


@operation("SendAuxiliaryCommand", Access.ACTUATE)
def send_auxiliary_command(call: Call) -> Xml:
    """Wiper, washer and lamp: tt:Wiper|On and the like, as the node lists them."""
    _profile(call)
    data = required_text(call.body, "tptz:AuxiliaryData")
    name, _, state = data.removeprefix("tt:").partition("|")
    if state not in documents.AUXILIARY.get(name, ()):
        raise invalid_argument("the auxiliary command is not known")
    call.device.camera.aux[name.lower()] = state.lower()
    return el("tptz:AuxiliaryResponse", data)
