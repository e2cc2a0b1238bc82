"""Vectors in PTZ requests: which axes are named, in which space, within which range. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from simulators.drive import Generic
from simulators.onvif import tokens
from simulators.onvif.soap import invalid_argument, invalid_arguments
from simulators.onvif.values import child, parse_float, required_child

HUNDRED = 100.0


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of vector: its spaces, its lowest values (the highest is 1), the fault for what lies outside."""

    pan_tilt_spaces: tuple[str, ...]
    zoom_spaces: tuple[str, ...]
    lowest: float
    lowest_zoom: float
    subcode: str


VELOCITY = Kind((tokens.PAN_TILT_VELOCITY,), (tokens.ZOOM_VELOCITY,), -1.0, -1.0, "InvalidVelocity")
POSITION = Kind((tokens.PAN_TILT_POSITION,), (tokens.ZOOM_POSITION,), -1.0, 0.0, "InvalidPosition")
TRANSLATION = Kind(
    (tokens.PAN_TILT_TRANSLATION, tokens.PAN_TILT_FOV), (tokens.ZOOM_TRANSLATION,), -1.0, -1.0, "InvalidTranslation"
)
SPEED = Kind((tokens.PAN_TILT_SPEED,), (tokens.ZOOM_SPEED,), 0.0, 0.0, "InvalidSpeed")


@dataclass(frozen=True, slots=True)
class Lens:
    """What this camera makes of vectors: whether it zooms, the size of its 1, what it wants of space attributes."""

    has_zoom: bool = True
    unit: float = 1.0
    space_required: bool = False
    space_refused: bool = False


@dataclass(frozen=True, slots=True)
class Vector:
    """What a request names; an axis that it leaves out is None. `in_view`: pan and tilt are in the FOV space."""

    values: Generic
    in_view: bool = False


def read(parent: etree._Element, path: str, kind: Kind, lens: Lens) -> Vector:
    """The vector at a path.

    Raises:
        SoapFaultError: missing (ter:InvalidArgs), no number (ter:InvalidArgVal), outside its range (also kind.subcode)
            or in a space that is not supported (ter:SpaceNotSupported).
    """
    element = required_child(parent, path)
    pan_tilt, zoom = child(element, "tt:PanTilt"), child(element, "tt:Zoom")
    if pan_tilt is None and zoom is None:
        raise invalid_arguments(f"{path.rpartition(':')[2]} names neither PanTilt nor Zoom")
    pan = tilt = magnification = None
    space = None
    if pan_tilt is not None:
        space = _space(pan_tilt, kind.pan_tilt_spaces, lens)
        pan = _number(pan_tilt, "x", kind.lowest, kind, lens)
        tilt = _number(pan_tilt, "y", kind.lowest, kind, lens)
    if zoom is not None:
        if not lens.has_zoom:
            raise invalid_argument("this camera has no zoom", "SpaceNotSupported")
        _space(zoom, kind.zoom_spaces, lens)
        magnification = _number(zoom, "x", kind.lowest_zoom, kind, lens)
    return Vector(Generic(pan, tilt, magnification), space == tokens.PAN_TILT_FOV)


def read_speed(parent: etree._Element, path: str, lens: Lens) -> Generic | None:
    """An optional Speed; its spaces never are an issue, as cameras take any."""
    if child(parent, path) is None:
        return None
    return read(parent, path, SPEED, Lens(has_zoom=True, unit=lens.unit)).values


def _space(element: etree._Element, known: tuple[str, ...], lens: Lens) -> str | None:
    space = element.get("space")
    if space is None:
        if lens.space_required:
            raise invalid_argument("the space is missing", "SpaceNotSupported")
        return None
    if lens.space_refused or space not in known:
        raise invalid_argument("the space is not supported", "SpaceNotSupported")
    return space


def _number(element: etree._Element, name: str, lowest: float, kind: Kind, lens: Lens) -> float:
    text = element.get(name)
    if text is None:
        raise invalid_arguments(f"attribute {name} is missing")
    value = parse_float(text) / lens.unit
    if not lowest <= value <= 1.0:
        raise invalid_argument(f"{name} is out of range", kind.subcode)
    return value
