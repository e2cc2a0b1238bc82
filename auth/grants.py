"""Grants: what somebody may do, where, when, and who gave it to them for what reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import TYPE_CHECKING

from auth.checks import check_areas, check_name, check_priority
from auth.errors import PersonRuleError
from auth.roles import LEVEL_PRIORITY, LOWEST_LEVEL_PRIORITY, Capability, ViewingRank
from auth.windows import checked_window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auth.model import CameraRef
    from auth.windows import Window

MAX_SCOPE = 100
_FOREVER = datetime.max.replace(tzinfo=UTC)


class GrantKind(StrEnum):
    """How a grant came to be: given by somebody, or taken in an emergency."""

    STANDING = "standing"
    EMERGENCY = "emergency"


class GrantState(StrEnum):
    """What a grant is at one moment."""

    ACTIVE = "active"
    WAITING = "waiting"  # for a second pair of eyes
    NOT_YET = "not_yet"
    OVER = "over"
    OUT_OF_HOURS = "out_of_hours"


@dataclass(frozen=True, slots=True)
class GrantWish:
    """What somebody asks to be granted. `capabilities` None: all that the role brings; else no more than these of them.

    `deny`: takes these capabilities away there, whatever else allows them; then a role is not needed. Times are aware.
    """

    role: str | None = None
    areas: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    capabilities: frozenset[Capability] | None = None
    deny: bool = False
    window: Window | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    priority: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A stored grant with its role's data resolved.

    `capabilities` are what it brings or, with `deny`, takes. `priority` is the person's over the motors there; None: by
    the level of the area. `granter` is a username. A grant that needs a second person's approval `waits` until then.
    """

    id: str
    role: str
    capabilities: frozenset[Capability]
    areas: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    deny: bool = False
    only_own: bool = False
    viewing: ViewingRank = ViewingRank.PUBLIC
    priority: int | None = None
    has_own_priority: bool = False  # of the grant itself: it goes before rules about its role
    window: Window | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    kind: GrantKind = GrantKind.STANDING
    waits: bool = False
    reason: str = ""
    granter: str = ""
    approver: str = ""
    created: datetime | None = None

    def state(self, now: datetime) -> GrantState:
        """What it is at this moment."""
        if self.waits:
            return GrantState.WAITING
        if self.ends_at is not None and now >= self.ends_at:
            return GrantState.OVER
        if self.starts_at is not None and now < self.starts_at:
            return GrantState.NOT_YET
        if self.window is not None and not self.window.holds(now):
            return GrantState.OUT_OF_HOURS
        return GrantState.ACTIVE

    def area_of(self, camera: CameraRef) -> str | None:
        """The area of this grant that covers the camera, the largest of several; None where none does."""
        return min((area for area in self.areas if covers(area, camera.area)), key=len, default=None)

    def reaches(self, camera: CameraRef) -> bool:
        """Whether the camera is one that it names, or lies in its areas."""
        return camera.id in self.cameras or any(covers(area, camera.area) for area in self.areas)

    @property
    def is_timed(self) -> bool:
        """Whether its state may change by itself."""
        return not (self.starts_at is None and self.ends_at is None and self.window is None)

    def next_edge(self, now: datetime) -> datetime | None:
        """When its state may change by itself; None for never."""
        if self.waits:
            return None
        edges = [edge for edge in (self.starts_at, self.ends_at) if edge is not None and edge > now]
        if self.window is not None and now < (self.ends_at or _FOREVER):
            edges.append(self.window.next_edge(now))
        return min(edges, default=None)

    def rank_at(self, area: str | None) -> int:
        """The priority that it brings at a camera which it reaches through `area`; None: by name."""
        if self.priority is not None:
            return self.priority
        level = 0 if area is None else area.count(".") + 1
        return LEVEL_PRIORITY.get(level, LOWEST_LEVEL_PRIORITY)


def covers(area: str, code: str) -> bool:
    """Whether `code` is `area` or lies inside it: 31.71 covers 31.71 and 31.71.01, not 31.710; empty covers nothing."""
    return bool(area) and (code == area or code.startswith(area + "."))


def is_whole_tree(areas: Iterable[str], tops: frozenset[str]) -> bool:
    """Whether one of the areas is all of a top one's, which is a province's or a city's that stands alone."""
    return any(covers(area, top) for area in areas for top in tops)


def common_area(areas: Iterable[str]) -> str:
    """The deepest area that covers all of them; empty where there is none."""
    codes = [area.split(".") for area in areas]
    shared = takewhile(lambda parts: len(set(parts)) == 1, zip(*codes, strict=False))
    return ".".join(parts[0] for parts in shared)


def checked_wish(wish: GrantWish, now: datetime) -> GrantWish:
    """The wish, tidied; PersonRuleError for what can never be granted. Whether its places exist is not known here."""
    if wish.role is None and not wish.deny:
        raise PersonRuleError("role", "A grant needs a role; only one that denies may do without.")
    if wish.deny and not wish.capabilities:
        raise PersonRuleError("capabilities", "A grant that denies names what it takes away.")
    if wish.capabilities is not None and not wish.capabilities:
        raise PersonRuleError("capabilities", "A grant without any capability grants nothing.")
    if not wish.areas and not wish.cameras:
        raise PersonRuleError("areas", "A grant names areas or cameras.")
    if len(wish.areas) + len(wish.cameras) > MAX_SCOPE:
        raise PersonRuleError("areas", f"A grant names at most {MAX_SCOPE} areas and cameras.")
    if wish.deny and wish.priority is not None:
        raise PersonRuleError("priority", "A grant that denies brings no priority.")
    _check_times(wish, now)
    return replace(
        wish,
        areas=check_areas(wish.areas),
        cameras=tuple(sorted(set(wish.cameras))),
        priority=check_priority(wish.priority),
        window=None if wish.window is None else checked_window(wish.window),
        reason=check_name("reason", wish.reason, required=True),
    )


def _check_times(wish: GrantWish, now: datetime) -> None:
    for name, at in (("starts_at", wish.starts_at), ("ends_at", wish.ends_at)):
        if at is not None and at.tzinfo is None:
            raise PersonRuleError(name, "A time needs its time zone, such as 2026-12-31T18:00:00+07:00.")
    if wish.ends_at is not None and wish.ends_at <= max(now, wish.starts_at or now):
        raise PersonRuleError("ends_at", "A grant must not end before it begins, nor in the past.")
    if wish.ends_at is not None and wish.ends_at > now + timedelta(days=3660):
        raise PersonRuleError("ends_at", "A grant that ends does so within ten years.")
