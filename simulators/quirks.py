"""What real cameras get wrong, as a table: one row is one deviation that a simulated camera can be given by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields


class UnknownQuirkError(ValueError):
    """A quirk that is not in the table; the message lists all that are."""


def _row(description: str) -> bool:
    """One quirk: off unless asked for. The declared type is that of the field, as dataclasses want it."""
    return field(default=False, metadata={"description": description})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """The deviations of one camera; a field's name with dashes is the quirk's name."""

    # Stopping
    ignores_timeout: bool = _row("ContinuousMove turns until Stop, whatever its Timeout says")
    timeout_rejected: bool = _row("ContinuousMove with a Timeout is refused")
    timeout_range_zero: bool = _row("the PTZ timeout is advertised as 0 to 0 seconds")
    fractional_timeout_crash: bool = _row("a Timeout with a fraction of a second kills the ONVIF daemon for 5 s")
    stop_unimplemented: bool = _row("Stop does not exist; only a ContinuousMove of zero stops")
    stop_needs_axes: bool = _row("Stop without PanTilt and Zoom is accepted and does nothing")
    stop_refuses_both: bool = _row("Stop with PanTilt and Zoom both true is refused")
    stop_refuses_addressing: bool = _row("Stop with WS-Addressing headers is refused")
    stop_per_axis_only: bool = _row("only a Stop of PanTilt alone or Zoom alone stops; every other way does nothing")
    stop_zero_velocity_only: bool = _row("only a ContinuousMove of zero stops; Stop is accepted and does nothing")
    stop_relative_zero_only: bool = _row("only a RelativeMove of zero stops; Stop is accepted and does nothing")
    zero_velocity_ignored: bool = _row("a ContinuousMove of zero is accepted and does not stop")
    # Moving
    pantilt_zoom_together_refused: bool = _row("PanTilt and Zoom in one ContinuousMove are refused")
    no_zoom_element: bool = _row("no zoom: a Zoom element in a move is refused and none is reported")
    omitted_axis_stops: bool = _row("an axis left out of ContinuousMove stops")
    reversed: bool = _row("mounted upside down: left is right and up is down")
    space_required: bool = _row("a velocity without its space attribute is refused")
    space_refused: bool = _row("a velocity with a space attribute is refused")
    ranges_of_100: bool = _row("velocities and positions run from -100 to 100, and its spaces say so")
    relative_move_dead: bool = _row("RelativeMove is answered and nothing moves")
    # Telling
    no_nodes: bool = _row("GetNodes, GetNode and GetConfigurationOptions do not exist")
    status_without_position: bool = _row("GetStatus has no Position")
    status_without_zoom: bool = _row("GetStatus has no Zoom in its Position and MoveStatus")
    movestatus_stuck: bool = _row("MoveStatus is MOVING for ever")
    movestatus_bare: bool = _row("MoveStatus is a bare word instead of PanTilt and Zoom")
    status_slow: bool = _row("GetStatus takes 3 s")
    # Presets
    presets_without_token: bool = _row("presets carry no token")
    presets_of_255: bool = _row("GetPresets lists 255 entries, most of them empty")
    setpreset_token_refused: bool = _row("SetPreset with a token that does not exist yet, or any other, is refused")
    gotopreset_speed_refused: bool = _row("GotoPreset with Speed is refused")
    # Finding the services
    no_getservices: bool = _row("GetServices does not exist")
    capabilities_none: bool = _row("GetServices lists services without their capabilities, whatever was asked")
    ptz_missing_in_capabilities: bool = _row("GetCapabilities says nothing of PTZ; GetServices does")
    profile_without_ptz: bool = _row("no media profile has a PTZConfiguration, though PTZ works")
    xaddr_wrong_host: bool = _row("XAddrs name an address in the camera's own network, 192.168.1.108")
    xaddr_wrong_port: bool = _row("XAddrs carry a port where nobody listens")
    xaddr_relative: bool = _row("XAddrs are paths without a host")
    stream_uri_wrong_host: bool = _row("GetStreamUri and GetSnapshotUri name 192.168.1.108")
    pullpoint_lies: bool = _row("CreatePullPointSubscription does not exist, though WSPullPointSupport is true")
    # Time and authentication
    clock_skew: bool = _row("the camera's clock is one hour behind")
    time_without_utc: bool = _row("GetSystemDateAndTime has only LocalDateTime")
    auth_on_time: bool = _row("GetSystemDateAndTime and the capabilities need authentication")
    http_digest_only: bool = _row("WS-Security is ignored; only HTTP digest opens")
    password_text_only: bool = _row("WS-Security only with the password in clear text")
    auth_failure_html: bool = _row("a failed authentication is a 401 with a page of HTML")
    auth_failure_500: bool = _row("a failed authentication is a fault with HTTP status 500")
    locks_account: bool = _row("five bad logins lock the account for 30 s")
    nonce_once: bool = _row("every HTTP digest nonce is good for one request")
    # The wire
    closes_connection: bool = _row("every answer closes the connection")
    invalid_utf8: bool = _row("names of presets and device are Latin-1 in a document that says UTF-8")
    # Malice: what a camera that somebody took over answers, to be sent on to where it cannot go itself
    xaddr_elsewhere: bool = _row("XAddrs name another machine, 127.0.0.2")
    xaddr_other_scheme: bool = _row("XAddrs are file:///etc/passwd")
    stream_uri_elsewhere: bool = _row("GetStreamUri and GetSnapshotUri name another machine, 127.0.0.2")
    stream_uri_other_scheme: bool = _row("GetStreamUri is an http:// address")
    redirects_elsewhere: bool = _row("every answer is a redirect to another machine, 127.0.0.2")
    entity_bomb: bool = _row("every answer declares entities that grow a billionfold and begins with one")

    @classmethod
    def named(cls, names: Iterable[str]) -> Quirks:
        """The quirks with these names.

        Raises:
            UnknownQuirkError: some of the names are not in the table.
        """
        wanted = list(names)
        unknown = sorted({name for name in wanted if name not in QUIRKS})
        if unknown:
            raise UnknownQuirkError(f"unknown quirk {', '.join(unknown)}; there are: {', '.join(QUIRKS)}")
        return cls(**{QUIRKS[name].flag: True for name in wanted})

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are on."""
        return tuple(name for name, row in QUIRKS.items() if getattr(self, row.flag))


@dataclass(frozen=True, slots=True)
class Quirk:
    """A row of the table: its name, the field of Quirks that it sets, and what it does in one line."""

    name: str
    flag: str
    description: str


QUIRKS: dict[str, Quirk] = {
    each.name.replace("_", "-"): Quirk(each.name.replace("_", "-"), each.name, each.metadata["description"])
    for each in fields(Quirks)
}
