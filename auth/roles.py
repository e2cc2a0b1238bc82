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

    SEE = "see"  # know that the camera exists; without it nothing else on that camera
    LIVE = "live"
    CONTROL = "control"
    PRESETS = "presets"  # list stored views and go to them (going needs CONTROL as well)
    SNAPSHOT = "snapshot"
    BREAK_RESERVATION = "break_reservation"  # take a camera that somebody has reserved (needs CONTROL as well)
    PATROLS = "patrols"  # write, start and stop patrols; who may see the camera may read them
    EVENTS = "events"  # show a preset because something happened
    MANAGE_PEOPLE = "manage_people"
    METRICS = "metrics"
    AUDIT = "audit"  # read and export the audit log, and write notes on it


_STEERING = frozenset({Capability.SEE, Capability.LIVE, Capability.CONTROL, Capability.PRESETS, Capability.SNAPSHOT})
_ROUNDS = frozenset({Capability.PATROLS, Capability.EVENTS})
CAMERA_CAPABILITIES = _STEERING | _ROUNDS | {Capability.BREAK_RESERVATION}


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
LOWEST_LEVEL_PRIORITY = 50  # deeper than the table

ROLES: Mapping[str, Role] = MappingProxyType(
    {
        "admin": Role(frozenset(Capability), priority=85, viewing=ViewingRank.CITY),
        "official": Role(_STEERING, priority=None, viewing=ViewingRank.CITY),
        "operator": Role(_STEERING | _ROUNDS, priority=40, viewing=ViewingRank.CITY),
        "partner": Role(
            frozenset({Capability.SEE, Capability.LIVE, Capability.SNAPSHOT}),
            priority=0,
            only_own=True,
            viewing=ViewingRank.PARTNER,
        ),
    }
)
