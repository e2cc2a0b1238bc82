"""Who may do what with which camera: the one place that decides, pure and failing closed.

camera = CameraRef(id="cam-1", area="31.71.01.1001", owner="PT Contoh")
if not may_see(person, camera): answer exactly as for a camera that does not exist
decision = allows(person, Capability.CONTROL, camera)
if not decision: refuse with decision.reason
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from auth.roles import CAMERA_CAPABILITIES, LEVEL_PRIORITY, LOWEST_LEVEL_PRIORITY, ROLES, Capability, Role, ViewingRank

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auth.model import CameraRef, Person


class Why(StrEnum):
    """The rule that decided; stable words for logs, metrics and clients."""

    ALLOWED = "allowed"
    DISABLED = "disabled"
    UNKNOWN_ROLE = "unknown-role"
    ROLE = "role"
    AREA = "area"
    OWNER = "owner"


_SENTENCE: Mapping[Why, str] = {
    Why.ALLOWED: "Allowed by your role and area.",
    Why.DISABLED: "Your account is disabled.",
    Why.UNKNOWN_ROLE: "Your role is not defined here.",
    Why.ROLE: "Your role does not include this.",
    Why.AREA: "The camera is outside your areas.",
    Why.OWNER: "The camera belongs to another organisation.",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer; true when allowed. `why` is the deciding rule, `reason` one sentence for the person."""

    allowed: bool
    why: Why

    @property
    def reason(self) -> str:
        """The rule in words."""
        return _SENTENCE[self.why]

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class PriorityOverride:
    """In this area and all that lies in it, this role has this priority (0 to 100) instead of its own."""

    area: str
    role: str
    priority: int


_ALLOWED = Decision(allowed=True, why=Why.ALLOWED)
_REFUSED: Mapping[Why, Decision] = {why: Decision(allowed=False, why=why) for why in Why if why is not Why.ALLOWED}


def covers(area: str, code: str) -> bool:
    """Whether `code` is `area` or lies inside it: 31.71 covers 31.71 and 31.71.01, not 31.710; empty covers nothing."""
    return bool(area) and (code == area or code.startswith(area + "."))


def holds(person: Person, capability: Capability, roles: Mapping[str, Role] = ROLES) -> Decision:
    """Whether the person has the capability at all; decides alone what concerns no camera (people, metrics)."""
    if person.disabled:
        return _REFUSED[Why.DISABLED]
    role = roles.get(person.role)
    if role is None:
        return _REFUSED[Why.UNKNOWN_ROLE]
    return _ALLOWED if capability in role.capabilities else _REFUSED[Why.ROLE]


def allows(person: Person, capability: Capability, camera: CameraRef, roles: Mapping[str, Role] = ROLES) -> Decision:
    """Whether the person may do this with this camera. Without SEE nothing else on that camera is allowed."""
    for needed in (Capability.SEE, capability):
        decision = holds(person, needed, roles)
        if not decision:
            return decision
    if not any(covers(area, camera.area) for area in person.areas):
        return _REFUSED[Why.AREA]
    if roles[person.role].only_own and not _owns(person, camera):
        return _REFUSED[Why.OWNER]
    return _ALLOWED


def may_see(person: Person, camera: CameraRef, roles: Mapping[str, Role] = ROLES) -> bool:
    """Whether the camera exists for this person; where not, answer as for an unknown camera."""
    return allows(person, Capability.SEE, camera, roles).allowed


def manages(person: Person, other: Person, roles: Mapping[str, Role] = ROLES) -> bool:
    """Whether the other is this person's to look after: by role, and with every area of the other inside theirs.

    Whose areas lie partly elsewhere may do more than the person can answer for; who has none is in nobody's area.
    """
    inside = (any(covers(area, code) for area in person.areas) for code in other.areas)
    return bool(holds(person, Capability.MANAGE_PEOPLE, roles)) and bool(other.areas) and all(inside)


def capabilities_on(person: Person, camera: CameraRef, roles: Mapping[str, Role] = ROLES) -> frozenset[Capability]:
    """Everything that the person may do with this camera; empty when it must not be known to them."""
    if not may_see(person, camera, roles):
        return frozenset()
    return roles[person.role].capabilities & CAMERA_CAPABILITIES


def capabilities_of(person: Person, roles: Mapping[str, Role] = ROLES) -> frozenset[Capability]:
    """What the person's role brings, before any area; for showing, not for deciding about a camera."""
    role = roles.get(person.role)
    return frozenset() if role is None or person.disabled else role.capabilities


def viewing_rank(person: Person | None, roles: Mapping[str, Role] = ROLES) -> ViewingRank:
    """The person's rank among viewers when places are short; the lowest for nobody and for an unknown role."""
    role = None if person is None or person.disabled else roles.get(person.role)
    return ViewingRank.PUBLIC if role is None else role.viewing


def priority_on(
    person: Person,
    camera: CameraRef,
    overrides: Sequence[PriorityOverride] = (),
    roles: Mapping[str, Role] = ROLES,
) -> int:
    """The person's rank over this camera's motors, 0 to 100; 0 where they may not steer it.

    A priority of the person's own comes first: it says more than any rule about roles. Then the override of the deepest
    area that covers the camera (of two for the same area the later one), then what the role brings.
    """
    if not allows(person, Capability.CONTROL, camera, roles):
        return 0
    if person.priority_override is None:
        rules = [rule for rule in overrides if rule.role == person.role and covers(rule.area, camera.area)]
        if rules:
            return max(enumerate(rules), key=lambda item: (item[1].area.count("."), item[0]))[1].priority
    return _priority(person, tuple(area for area in person.areas if covers(area, camera.area)), roles)


def highest_priority(person: Person, roles: Mapping[str, Role] = ROLES) -> int:
    """The person's best rank anywhere, 0 to 100; for showing."""
    if not holds(person, Capability.CONTROL, roles):
        return 0
    return _priority(person, person.areas, roles)


def _priority(person: Person, areas: tuple[str, ...], roles: Mapping[str, Role]) -> int:
    if not areas:
        return 0
    if person.priority_override is not None:
        return person.priority_override
    fixed = roles[person.role].priority
    if fixed is not None:
        return fixed
    return max(LEVEL_PRIORITY.get(area.count(".") + 1, LOWEST_LEVEL_PRIORITY) for area in areas)


def _owns(person: Person, camera: CameraRef) -> bool:
    mine, theirs = person.organisation.strip().casefold(), camera.owner.strip().casefold()
    return bool(mine) and mine == theirs
