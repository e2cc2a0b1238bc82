"""From our words to the parameters of ONVIF's PTZ operations, and from its status to our words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from camctl.onvif.capabilities import Space, Spaces
from camctl.onvif.quirks import StopWay
from camctl.onvif.replies import dig, number, text
from camctl.onvif.values import (
    SIGNED,
    UNSIGNED,
    Range,
    TimeoutLimits,
    from_camera,
    plain_number,
    scale_speed,
    to_camera,
    whole_seconds,
)
from camctl.onvif.ways import AxisParts, MoveWay, StepWay, requests_for
from camctl.ptz.model import STILL, MoveStatus, Position, PtzStatus, Velocity

Parameters = dict[str, Any]
BOTH = AxisParts(pan_tilt=True, zoom=True)
# A step may be a small part of the whole range.
FINE_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Steering:
    """How one camera is steered: the profile that moves name, its spaces and limits."""

    profile_token: str
    spaces: Spaces
    has_zoom: bool
    timeout: TimeoutLimits

    def continuous_moves(self, velocity: Velocity, timeout_s: int, way: MoveWay) -> Iterator[Parameters]:
        """The ContinuousMove requests for a velocity in one way; none where the way or the camera cannot."""
        pan_tilt, zoom = self.spaces.velocity_pan_tilt, self.spaces.velocity_zoom
        parts = requests_for(
            velocity, way, has_pan_tilt=pan_tilt is not None, has_zoom=zoom is not None and self.has_zoom
        )
        for part in parts:
            request: Parameters = {"ProfileToken": self.profile_token, "Velocity": self._velocity(velocity, part, way)}
            limit = whole_seconds(timeout_s, self.timeout) if way.timeout else None
            if limit is not None:
                request["Timeout"] = limit
            yield request

    def _velocity(self, velocity: Velocity, part: AxisParts, way: MoveWay) -> Parameters:
        vector: Parameters = {}
        pan_tilt, zoom = self.spaces.velocity_pan_tilt, self.spaces.velocity_zoom
        if part.pan_tilt and pan_tilt is not None:
            vector["PanTilt"] = {
                "x": scale_speed(velocity.pan, pan_tilt.x),
                "y": scale_speed(velocity.tilt, pan_tilt.y),
                **_named(pan_tilt, way.spaces),
            }
        if part.zoom and zoom is not None:
            vector["Zoom"] = {"x": scale_speed(velocity.zoom, zoom.x), **_named(zoom, way.spaces)}
        return vector

    def standstills(self, way: MoveWay) -> Iterator[Parameters]:
        """The ContinuousMove requests that stop every axis."""
        return self.continuous_moves(STILL, 1, way)

    def stops(self, way: StopWay) -> Iterator[Parameters]:
        """The Stop requests of a way that uses the operation Stop: naming both kinds of axis, none, or one each."""
        request: Parameters = {"ProfileToken": self.profile_token}
        if way is StopWay.AXES:
            yield {**request, "PanTilt": True, "Zoom": True}
        elif way is StopWay.PLAIN:
            yield request
        elif way is StopWay.PER_AXIS:
            if self.spaces.velocity_pan_tilt is not None:
                yield {**request, "PanTilt": True}
            if self.spaces.velocity_zoom is not None and self.has_zoom:
                yield {**request, "Zoom": True}

    def relative_zero(self, *, spaces: bool) -> Parameters | None:
        """The RelativeMove that ends at once, on every axis; None where the camera knows no relative moves."""
        vector = self._translation(STILL, BOTH, spaces=spaces)
        return {"ProfileToken": self.profile_token, "Translation": vector} if vector else None

    def steps(self, distance: Velocity, speed: Velocity, axes: AxisParts, way: StepWay) -> Iterator[Parameters]:
        """The RelativeMoves by `distance` (shares of the translation spaces) that name at least these `axes`.

        `speed` goes along where the way has one: shares of full speed, of which the sign does not matter.
        """
        parts = (AxisParts(axes.pan_tilt, zoom=False), AxisParts(pan_tilt=False, zoom=axes.zoom))
        for part in (axes,) if way.together else parts:
            vector = self._translation(distance, part, spaces=way.spaces)
            if vector:
                request = {"ProfileToken": self.profile_token, "Translation": vector}
                yield {**request, "Speed": self.speed(speed, part)} if way.speed else request

    def _translation(self, distance: Velocity, part: AxisParts, *, spaces: bool) -> Parameters:
        vector: Parameters = {}
        pan_tilt, zoom = self.spaces.translation_pan_tilt, self.spaces.translation_zoom
        if part.pan_tilt and pan_tilt is not None:
            vector["PanTilt"] = {
                "x": scale_speed(distance.pan, pan_tilt.x, FINE_DECIMALS),
                "y": scale_speed(distance.tilt, pan_tilt.y, FINE_DECIMALS),
                **_named(pan_tilt, spaces),
            }
        if part.zoom and zoom is not None and self.has_zoom:
            vector["Zoom"] = {"x": scale_speed(distance.zoom, zoom.x, FINE_DECIMALS), **_named(zoom, spaces)}
        return vector

    def speed(self, share: Velocity, part: AxisParts) -> Parameters:
        """A PTZSpeed: an axis that stands has that of the other, since some cameras take the first for both."""
        pan_tilt, zoom = self.spaces.speed_pan_tilt, self.spaces.speed_zoom
        pan, tilt = abs(share.pan) or abs(share.tilt), abs(share.tilt) or abs(share.pan)
        limits = pan_tilt.x if pan_tilt is not None else UNSIGNED
        vector: Parameters = {}
        if part.pan_tilt:
            vector["PanTilt"] = {"x": scale_speed(pan or 1.0, limits), "y": scale_speed(tilt or 1.0, limits)}
        if part.zoom and self.has_zoom:
            limits = zoom.x if zoom is not None else UNSIGNED
            vector["Zoom"] = {"x": scale_speed(abs(share.zoom) or 1.0, limits)}
        return vector

    def absolute_move(self, position: Position, *, spaces: bool = False) -> Parameters | None:
        """The AbsoluteMove request; None where no axis is given that the camera can place.

        A PanTilt vector has both axes, so the one that is not given has to be filled in by the caller. `spaces`: name
        the spaces, as some cameras demand and others refuse.
        """
        pan_tilt, zoom = self.spaces.position_pan_tilt, self.spaces.position_zoom
        vector: Parameters = {}
        if pan_tilt is not None and position.pan is not None and position.tilt is not None:
            x, y = to_camera(position.pan, SIGNED, pan_tilt.x), to_camera(position.tilt, SIGNED, pan_tilt.y)
            vector["PanTilt"] = {"x": x, "y": y, **_named(pan_tilt, spaces)}
        if zoom is not None and self.has_zoom and position.zoom is not None:
            vector["Zoom"] = {"x": to_camera(position.zoom, UNSIGNED, zoom.x), **_named(zoom, spaces)}
        return {"ProfileToken": self.profile_token, "Position": vector} if vector else None

    def relative_move(self, pan: float, tilt: float, zoom: float, *, spaces: bool = False) -> Parameters | None:
        """The RelativeMove request; None where the camera cannot move any of the given axes so.

        Raises:
            ValueError: a number that is not finite.
        """
        pan, tilt, zoom = (min(max(plain_number(value), -1.0), 1.0) for value in (pan, tilt, zoom))
        pan_tilt_space, zoom_space = self.spaces.translation_pan_tilt, self.spaces.translation_zoom
        vector: Parameters = {}
        if pan_tilt_space is not None and (pan or tilt):
            x, y = scale_speed(pan, pan_tilt_space.x), scale_speed(tilt, pan_tilt_space.y)
            vector["PanTilt"] = {"x": x, "y": y, **_named(pan_tilt_space, spaces)}
        if zoom_space is not None and self.has_zoom and zoom:
            vector["Zoom"] = {"x": scale_speed(zoom, zoom_space.x), **_named(zoom_space, spaces)}
        return {"ProfileToken": self.profile_token, "Translation": vector} if vector else None

    def status(self, reply: object) -> PtzStatus:
        """A GetStatus answer in our words; what it does not say is None or UNKNOWN."""
        pan_tilt, zoom = self.spaces.position_pan_tilt, self.spaces.position_zoom
        return PtzStatus(
            Position(
                pan=_place(reply, ("PanTilt", "x"), SIGNED, pan_tilt.x if pan_tilt else SIGNED),
                tilt=_place(reply, ("PanTilt", "y"), SIGNED, pan_tilt.y if pan_tilt else SIGNED),
                zoom=_place(reply, ("Zoom", "x"), UNSIGNED, zoom.x if zoom else UNSIGNED),
            ),
            _move_status(reply),
        )


def _named(space: Space, is_named: bool) -> Parameters:
    return {"space": space.uri} if is_named and space.uri else {}


def _place(reply: object, path: tuple[str, str], generic: Range, limits: Range) -> float | None:
    found = number(reply, "Position", *path)
    return from_camera(found, generic, limits) if found is not None else None


def _move_status(reply: object) -> MoveStatus:
    bare = dig(reply, "MoveStatus")
    said = {bare.strip()} if isinstance(bare, str) else {text(bare, "PanTilt"), text(bare, "Zoom")} - {""}
    if "MOVING" in said:
        return MoveStatus.MOVING
    return MoveStatus.IDLE if said == {"IDLE"} else MoveStatus.UNKNOWN
