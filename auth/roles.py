"""Roles are data: named bundles of capabilities with a default priority over the motors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Capability(StrEnum):
    """One thing that can be allowed; the values are stable and go to clients."""

    SEE = "see"  # know that the camera exists, see it on the map; without it nothing else on that camera
    LIVE = "live"
    CONTROL = "control"
    PRESETS = "presets"  # list stored views and go to them (going needs CONTROL as well)
    SNAPSHOT = "snapshot"
    BREAK_RESERVATION = "break_reservation"  # take a camera that somebody has reserved (needs CONTROL as well)
    PATROLS = "patrols"  # write, start and stop patrols; who may see the camera may read them
    EVENTS = "events"  # show a preset because something happened
    EMERGENCY = "emergency"  # open a camera that its owner shares in emergencies only
    EXPORT = "export"  # take recordings, rows of the audit log or lists away from here
    SHARE = "share"  # say what of a camera is shared, with whom and when
    REVIEW = "review"  # decide about registrations, and about what was opened in an emergency
    MANAGE_PEOPLE = "manage_people"
    METRICS = "metrics"
    AUDIT = "audit"  # read and export the audit log, and write notes on it


_WATCHING = frozenset({Capability.SEE, Capability.LIVE, Capability.SNAPSHOT})
_STEERING = _WATCHING | {Capability.CONTROL, Capability.PRESETS}
_ROUNDS = frozenset({Capability.PATROLS, Capability.EVENTS})
_OFFICES = frozenset({Capability.REVIEW, Capability.MANAGE_PEOPLE, Capability.METRICS})
CAMERA_CAPABILITIES = frozenset(Capability) - _OFFICES
"""What can be done with one camera; the others concern people and the service, in an area."""

EMERGENCY_CAPABILITIES = _STEERING
"""What opening a camera in an emergency may bring, as far as one may it at other cameras there."""


class ViewingRank(IntEnum):
    """Who comes first when places for viewers are short; a higher rank's arrival may end a lower one's session."""

    PUBLIC = 0  # people without an account, and whatever role says nothing
    PARTNER = 1  # the companies that own cameras
    CITY = 2  # officials, operators and administrators


@dataclass(frozen=True, slots=True)
class Role:
    """What a role brings. `priority` None: by the level of the area; `only_own`: only one's organisation's cameras."""

    capabilities: frozenset[Capability]
    priority: int | None
    only_own: bool = False
    viewing: ViewingRank = ViewingRank.PUBLIC


# An official's rank follows from the area: gubernur, walikota, camat, lurah. Key: number of parts of the area's code.
LEVEL_PRIORITY: Mapping[int, int] = MappingProxyType({1: 90, 2: 70, 3: 60, 4: 50})
LOWEST_LEVEL_PRIORITY = 50  # deeper than the table, and single cameras

ROLES: Mapping[str, Role] = MappingProxyType(
    {
        "admin": Role(frozenset(Capability), priority=85, viewing=ViewingRank.CITY),
        "auditor": Role(
            frozenset({Capability.SEE, Capability.AUDIT, Capability.EXPORT}), priority=0, viewing=ViewingRank.CITY
        ),
        "official": Role(_STEERING | {Capability.EMERGENCY}, priority=None, viewing=ViewingRank.CITY),
        "operator": Role(_STEERING | _ROUNDS | {Capability.EMERGENCY}, priority=40, viewing=ViewingRank.CITY),
        # Who lends a camera sees who watched and steered it, and nothing of anybody else's.
        "partner": Role(
            _WATCHING | {Capability.SHARE, Capability.AUDIT}, priority=0, only_own=True, viewing=ViewingRank.PARTNER
        ),
    }
)
"""The roles of a new installation; from then on they live in the database and can be edited."""
