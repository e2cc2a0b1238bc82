"""The Imaging service (ver20): levels that show in the picture, focus, infrared cut filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeVar

from lxml import etree

from simulators.imaging import ImagingSettings
from simulators.onvif.auth import Access
from simulators.onvif.device import Call, Device, Service
from simulators.onvif.soap import invalid_argument, invalid_arguments
from simulators.onvif.tokens import VIDEO_SOURCE
from simulators.onvif.values import child, optional_text, parse_float, required_child, required_text
from simulators.onvif.xml import Xml, el

_FOCUS_MODES: dict[str, Literal["AUTO", "MANUAL"]] = {"AUTO": "AUTO", "MANUAL": "MANUAL"}
_FILTERS: dict[str, Literal["ON", "OFF", "AUTO"]] = {"ON": "ON", "OFF": "OFF", "AUTO": "AUTO"}
Mode = TypeVar("Mode")
NOTHING = Xml("")


def capabilities(_device: Device) -> Xml:
    """What GetServiceCapabilities and GetServices tell."""
    return el("timg:Capabilities", ImageStabilization=False)


SERVICE = Service("timg", "/onvif/imaging_service", (2, 60), capabilities)
operation = SERVICE.operation


@operation("GetServiceCapabilities", Access.PRE_AUTH)
def get_service_capabilities(call: Call) -> Xml:
    """Imaging GetServiceCapabilities."""
    return capabilities(call.device)


def _source(call: Call) -> None:
    if required_text(call.body, "timg:VideoSourceToken") != VIDEO_SOURCE:
        raise invalid_argument("the video source does not exist", "NoSource")


@operation("GetImagingSettings", Access.READ_MEDIA)
def get_imaging_settings(call: Call) -> Xml:
    """The present levels."""
    _source(call)
    now = call.device.camera.imaging
    return el(
        "timg:ImagingSettings",
        el("tt:Brightness", now.brightness),
        el("tt:ColorSaturation", now.saturation),
        el("tt:Contrast", now.contrast),
        el("tt:Focus", el("tt:AutoFocusMode", now.focus_mode)),
        el("tt:IrCutFilter", now.ir_cut_filter),
        el("tt:Sharpness", now.sharpness),
    )


@operation("SetImagingSettings", Access.ACTUATE)
def set_imaging_settings(call: Call) -> Xml:
    """Change the levels that are named; all or none."""
    _source(call)
    wanted = required_child(call.body, "timg:ImagingSettings")
    call.device.camera.imaging = _changed(call.device.camera.imaging, wanted)
    return NOTHING


def _changed(settings: ImagingSettings, wanted: etree._Element) -> ImagingSettings:
    def level(element: str, present: float) -> float:
        text = optional_text(wanted, f"tt:{element}")
        return present if text is None else _within(parse_float(text), 0.0, 100.0)

    mode = optional_text(wanted, "tt:Focus/tt:AutoFocusMode")
    cut = optional_text(wanted, "tt:IrCutFilter")
    return replace(
        settings,
        brightness=level("Brightness", settings.brightness),
        saturation=level("ColorSaturation", settings.saturation),
        contrast=level("Contrast", settings.contrast),
        sharpness=level("Sharpness", settings.sharpness),
        focus_mode=settings.focus_mode if mode is None else _known(mode, _FOCUS_MODES),
        ir_cut_filter=settings.ir_cut_filter if cut is None else _known(cut, _FILTERS),
    )


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise invalid_argument("the value is out of range", "SettingsInvalid")
    return value


def _known(text: str, modes: Mapping[str, Mode]) -> Mode:
    if text not in modes:
        raise invalid_argument(f"must be one of {', '.join(modes)}", "SettingsInvalid")
    return modes[text]


def _range(tag: str, low: float, high: float) -> Xml:
    return el(tag, el("tt:Min", low), el("tt:Max", high))


@operation("GetOptions", Access.READ_MEDIA)
def get_options(call: Call) -> Xml:
    """What may be set."""
    _source(call)
    return el(
        "timg:ImagingOptions",
        _range("tt:Brightness", 0, 100),
        _range("tt:ColorSaturation", 0, 100),
        _range("tt:Contrast", 0, 100),
        el("tt:Focus", *(el("tt:AutoFocusModes", mode) for mode in _FOCUS_MODES)),
        *(el("tt:IrCutFilterModes", mode) for mode in _FILTERS),
        _range("tt:Sharpness", 0, 100),
    )


@operation("GetMoveOptions", Access.READ_MEDIA)
def get_move_options(call: Call) -> Xml:
    """Focus moves to a position or by a distance; this lens arrives at once, so there is no continuous move."""
    _source(call)
    return el(
        "timg:MoveOptions",
        el("tt:Absolute", _range("tt:Position", 0.0, 1.0)),
        el("tt:Relative", _range("tt:Distance", -1.0, 1.0)),
    )


@operation("Move", Access.ACTUATE)
def move(call: Call) -> Xml:
    """Focus by hand; the focus mode becomes MANUAL."""
    _source(call)
    focus = required_child(call.body, "timg:Focus")
    now = call.device.camera.imaging
    absolute, relative = child(focus, "tt:Absolute"), child(focus, "tt:Relative")
    if absolute is not None:
        target = _within(parse_float(required_text(absolute, "tt:Position")), 0.0, 1.0)
    elif relative is not None:
        distance = _within(parse_float(required_text(relative, "tt:Distance")), -1.0, 1.0)
        target = min(max(now.focus_position + distance, 0.0), 1.0)
    elif child(focus, "tt:Continuous") is not None:
        raise invalid_argument("no continuous focus", "NoImagingForSource")
    else:
        raise invalid_arguments("no focus move is named")
    call.device.camera.imaging = replace(now, focus_position=target, focus_mode="MANUAL")
    return NOTHING


@operation("Stop", Access.ACTUATE)
def stop(call: Call) -> Xml:
    """Stop the focus motor, which has always arrived already."""
    _source(call)
    return NOTHING


@operation("GetStatus", Access.READ_MEDIA)
def get_status(call: Call) -> Xml:
    """Where the focus is."""
    _source(call)
    position = el("tt:Position", call.device.camera.imaging.focus_position)
    return el("timg:Status", el("tt:FocusStatus20", position, el("tt:MoveStatus", "IDLE")))
