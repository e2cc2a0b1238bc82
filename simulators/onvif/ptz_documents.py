"""What the PTZ service tells of itself: node, configuration, options, status, presets. Builds XML, changes nothing."""

from __future__ import annotations

from simulators.camera import CameraStatus, StoredPreset
from simulators.drive import Generic, specs_of
from simulators.onvif import tokens
from simulators.onvif.device import Device
from simulators.onvif.ptz_vectors import HUNDRED, Lens
from simulators.onvif.values import format_duration, format_time
from simulators.onvif.xml import Xml, el, join

MAX_PRESETS = 300
AUXILIARY = {"Wiper": ("On", "Off"), "Washer": ("On", "Off"), "IRLamp": ("On", "Off", "Auto")}
_DEFAULT_TIMEOUT_S = 10.0


def lens_of(device: Device) -> Lens:
    """How the camera reads vectors."""
    quirks = device.quirks
    unit = HUNDRED if quirks.ranges_of_100 else 1.0
    return Lens(device.has_zoom, unit, quirks.space_required, quirks.space_refused)


def default_timeout_s(device: Device) -> float:
    """What a ContinuousMove without Timeout gets."""
    low, high = device.camera.config.ptz_timeout_range_s
    return min(max(_DEFAULT_TIMEOUT_S, low), high)


def _range(tag: str, low: float, high: float) -> Xml:
    return el(tag, el("tt:Min", low), el("tt:Max", high))


def _plane(tag: str, uri: str, unit: float) -> Xml:
    return el(tag, el("tt:URI", uri), _range("tt:XRange", -unit, unit), _range("tt:YRange", -unit, unit))


def _line(tag: str, uri: str, low: float, high: float) -> Xml:
    return el(tag, el("tt:URI", uri), _range("tt:XRange", low, high))


def _spaces(device: Device, tag: str) -> Xml:
    unit = lens_of(device).unit
    zoom = device.has_zoom
    return el(
        tag,
        _plane("tt:AbsolutePanTiltPositionSpace", tokens.PAN_TILT_POSITION, unit),
        _line("tt:AbsoluteZoomPositionSpace", tokens.ZOOM_POSITION, 0.0, unit) if zoom else None,
        _plane("tt:RelativePanTiltTranslationSpace", tokens.PAN_TILT_TRANSLATION, unit),
        _plane("tt:RelativePanTiltTranslationSpace", tokens.PAN_TILT_FOV, unit),
        _line("tt:RelativeZoomTranslationSpace", tokens.ZOOM_TRANSLATION, -unit, unit) if zoom else None,
        _plane("tt:ContinuousPanTiltVelocitySpace", tokens.PAN_TILT_VELOCITY, unit),
        _line("tt:ContinuousZoomVelocitySpace", tokens.ZOOM_VELOCITY, -unit, unit) if zoom else None,
        _line("tt:PanTiltSpeedSpace", tokens.PAN_TILT_SPEED, 0.0, unit),
        _line("tt:ZoomSpeedSpace", tokens.ZOOM_SPEED, 0.0, unit) if zoom else None,
    )


def node(device: Device, tag: str) -> Xml:
    """The one PTZ node."""
    commands = [f"tt:{name}|{state}" for name, states in AUXILIARY.items() for state in states]
    return el(
        tag,
        el("tt:Name", "PTZ"),
        _spaces(device, "tt:SupportedPTZSpaces"),
        el("tt:MaximumNumberOfPresets", MAX_PRESETS),
        el("tt:HomeSupported", True),
        *(el("tt:AuxiliaryCommands", command) for command in commands),
        token=tokens.PTZ_NODE,
        FixedHomePosition=False,
    )


def configuration(device: Device, tag: str) -> Xml:
    """The one PTZ configuration, shared by both profiles."""
    unit, zoom = lens_of(device).unit, device.has_zoom
    speed = el(
        "tt:DefaultPTZSpeed",
        el("tt:PanTilt", x=unit, y=unit, space=tokens.PAN_TILT_SPEED),
        el("tt:Zoom", x=unit, space=tokens.ZOOM_SPEED) if zoom else None,
    )
    zoom_limits = el("tt:ZoomLimits", _line("tt:Range", tokens.ZOOM_POSITION, 0.0, unit))
    return el(
        tag,
        el("tt:Name", "PTZ"),
        el("tt:UseCount", len(tokens.PROFILES)),
        el("tt:NodeToken", tokens.PTZ_NODE),
        el("tt:DefaultAbsolutePantTiltPositionSpace", tokens.PAN_TILT_POSITION),
        el("tt:DefaultAbsoluteZoomPositionSpace", tokens.ZOOM_POSITION) if zoom else None,
        el("tt:DefaultRelativePanTiltTranslationSpace", tokens.PAN_TILT_TRANSLATION),
        el("tt:DefaultRelativeZoomTranslationSpace", tokens.ZOOM_TRANSLATION) if zoom else None,
        el("tt:DefaultContinuousPanTiltVelocitySpace", tokens.PAN_TILT_VELOCITY),
        el("tt:DefaultContinuousZoomVelocitySpace", tokens.ZOOM_VELOCITY) if zoom else None,
        speed,
        el("tt:DefaultPTZTimeout", format_duration(default_timeout_s(device))),
        el("tt:PanTiltLimits", _plane("tt:Range", tokens.PAN_TILT_POSITION, unit)),
        zoom_limits if zoom else None,
        token=tokens.PTZ_CONFIGURATION,
    )


def configuration_options(device: Device) -> Xml:
    """Spaces and the timeouts that are honoured."""
    low, high = (0.0, 0.0) if device.quirks.timeout_range_zero else device.camera.config.ptz_timeout_range_s
    timeout = el("tt:PTZTimeout", el("tt:Min", format_duration(low)), el("tt:Max", format_duration(high)))
    return el("tptz:PTZConfigurationOptions", _spaces(device, "tt:Spaces"), timeout)


def _vector(tag: str, position: Generic, unit: float, *, zoom: bool) -> Xml:
    pan, tilt, lens = (value or 0.0 for value in position)
    return el(
        tag,
        el("tt:PanTilt", x=pan * unit, y=tilt * unit, space=tokens.PAN_TILT_POSITION),
        el("tt:Zoom", x=lens * unit, space=tokens.ZOOM_POSITION) if zoom else None,
    )


def _move_status(device: Device, status: CameraStatus, *, zoom: bool) -> Xml:
    def word(moving: bool) -> str:
        return "MOVING" if moving or device.quirks.movestatus_stuck else "IDLE"

    if device.quirks.movestatus_bare:
        return el("tt:MoveStatus", word(status.pan_tilt_moving or status.zoom_moving))
    return el(
        "tt:MoveStatus",
        el("tt:PanTilt", word(status.pan_tilt_moving)),
        el("tt:Zoom", word(status.zoom_moving)) if zoom else None,
    )


def status(device: Device) -> Xml:
    """Where it looks, what moves, and the camera's time."""
    now = device.camera.status()
    zoom = device.has_zoom and not device.quirks.status_without_zoom
    position = _vector("tt:Position", now.position, lens_of(device).unit, zoom=zoom)
    return el(
        "tptz:PTZStatus",
        None if device.quirks.status_without_position else position,
        _move_status(device, now, zoom=zoom),
        el("tt:UtcTime", format_time(device.wall_s)),
    )


def presets(device: Device) -> Xml:
    """The stored views."""
    unit, zoom = lens_of(device).unit, device.has_zoom
    listed = [_preset(device, token, preset, unit, zoom=zoom) for token, preset in device.camera.presets.items()]
    if device.quirks.presets_of_255:
        free = (str(number) for number in range(1, 1000) if str(number) not in device.camera.presets)
        listed += [el("tptz:Preset", el("tt:Name", ""), token=next(free)) for _ in range(255 - len(listed))]
    return join(*listed)


def _preset(device: Device, token: str, preset: StoredPreset, unit: float, *, zoom: bool) -> Xml:
    specs = specs_of(device.camera.config)
    position = Generic(
        specs.pan.to_generic(preset.pose.pan, -1.0),
        specs.tilt.to_generic(preset.pose.tilt, -1.0),
        specs.zoom.to_generic(preset.pose.zoom, 0.0) if zoom else None,
    )
    return el(
        "tptz:Preset",
        el("tt:Name", f"{preset.name} é" if device.quirks.invalid_utf8 else preset.name),
        _vector("tt:PTZPosition", position, unit, zoom=zoom),
        token=None if device.quirks.presets_without_token else token,
    )
