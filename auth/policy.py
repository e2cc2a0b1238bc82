"""Who may do what with which camera: the one place that decides, pure and failing closed.

camera = CameraRef(id="cam-1", area="31.71.01.1001", owner="PT Contoh")
standing = Standing(person, now)          # what their grants say at this moment
if not standing.may_see(camera): answer exactly as for a camera that does not exist
decision = standing.allows(Capability.CONTROL, camera)
if not decision: refuse with decision.reason

A grant that denies wins over every one that allows. Grants do not add up to more than each says: a capability counts
where one grant brings it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from auth.grants import Grant, GrantKind, GrantState, covers
from auth.model import is_same_organisation
from auth.roles import CAMERA_CAPABILITIES, EMERGENCY_CAPABILITIES, Capability, ViewingRank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from auth.model import CameraRef, Person, Territory


class Why(StrEnum):
    """The rule that decided; stable words for logs, metrics and clients."""

    ALLOWED = "allowed"
    DISABLED = "disabled"
    DENIED = "denied"
    ROLE = "role"
    AREA = "area"
    OWNER = "owner"
    EMERGENCY = "emergency"
    HOURS = "hours"
    OVER = "over"
    NOT_YET = "not-yet"
    WAITING = "waiting"


_SENTENCE: Mapping[Why, str] = {
    Why.ALLOWED: "Allowed by your grant for this place.",
    Why.DISABLED: "Your account is disabled.",
    Why.DENIED: "It was taken from you here.",
    Why.ROLE: "None of your grants includes this.",
    Why.AREA: "The camera is outside your areas.",
    Why.OWNER: "The camera belongs to another organisation.",
    Why.EMERGENCY: "The camera's owner shares it in emergencies only.",
    Why.HOURS: "Your grant for this holds at other hours.",
    Why.OVER: "Your grant for this has ended.",
    Why.NOT_YET: "Your grant for this has not begun yet.",
    Why.WAITING: "Your grant for this waits for a second person's approval.",
}
_ASLEEP = {
    GrantState.OUT_OF_HOURS: Why.HOURS,
    GrantState.OVER: Why.OVER,
    GrantState.NOT_YET: Why.NOT_YET,
    GrantState.WAITING: Why.WAITING,
}
# Of several reasons the one that is nearest to being allowed is told.
_NEAREST = (Why.EMERGENCY, Why.HOURS, Why.NOT_YET, Why.WAITING, Why.OVER, Why.OWNER, Why.AREA, Why.ROLE)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer; true when allowed. `why` is the rule, `reason` one sentence for the person, `grant` what decided."""

    allowed: bool
    why: Why
    grant: Grant | None = None

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


@dataclass(frozen=True, slots=True)
class Reach:
    """Where somebody holds a capability, for finding what lies there among many rows; what is denied is left out of it.

    `everywhere`: also what belongs to no area.
    """

    everywhere: bool = False
    areas: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    denied_areas: tuple[str, ...] = ()
    denied_cameras: tuple[str, ...] = ()

    def includes(self, camera_id: str, area: str) -> bool:
        """Whether something of this camera (empty: of none) in this area (empty: of none) lies within."""
        if self.everywhere:
            return True
        if camera_id in self.denied_cameras or any(covers(denied, area) for denied in self.denied_areas):
            return False
        return (bool(camera_id) and camera_id in self.cameras) or any(covers(mine, area) for mine in self.areas)


EVERYWHERE = Reach(everywhere=True)
_DISABLED = Decision(allowed=False, why=Why.DISABLED)
# What an owner's "in emergencies only" leaves to the city: to know of it, to open it, to judge and record that.
_NO_EMERGENCY_NEEDED = frozenset({Capability.SEE, Capability.EMERGENCY, Capability.AUDIT, Capability.EXPORT})


@dataclass(slots=True)
class _Here:
    """The active grants that reach one camera, and whether it is seen, once that was asked."""

    camera: CameraRef
    denying: list[Grant]
    allowing: list[Grant]
    seen: Decision | None = None


class Standing:
    """What a person's grants say at one moment (aware time); cheap to make, for one decision or for thousands."""

    __slots__ = ("_allowing", "_by_area", "_denying", "_here", "_now", "_opening", "_person", "_seen")

    def __init__(self, person: Person, now: datetime) -> None:
        self._person, self._now = person, now
        active = [grant for grant in person.grants if grant.state(now) is GrantState.ACTIVE]
        # An emergency grant brings nothing of its own: it lifts the owner's "in emergencies only" for what is held.
        self._opening = [grant for grant in active if grant.kind is GrantKind.EMERGENCY and not grant.deny]
        self._allowing = [grant for grant in active if grant.kind is GrantKind.STANDING and not grant.deny]
        self._denying = [grant for grant in active if grant.deny]
        # Where nothing but the area decides who sees, cameras of one area need one look.
        self._by_area = not any(grant.cameras or grant.only_own for grant in self._allowing + self._denying)
        self._seen: dict[str, bool] = {}
        self._here: _Here | None = None  # several questions about one camera are one look

    def holds(self, capability: Capability) -> Decision:
        """Whether the person has the capability anywhere; decides alone what concerns no place.

        A place that a denial takes whole does not count, and an office (what is no camera's) is held in areas alone.
        """
        if self._person.disabled:
            return _DISABLED
        denying = [denial for denial in self._denying if capability in denial.capabilities]
        bringing = [grant for grant in self._allowing if capability in grant.capabilities]
        for grant in bringing:
            if _is_left(grant, capability, denying):
                return Decision(allowed=True, why=Why.ALLOWED, grant=grant)
        if bringing and denying:
            return Decision(allowed=False, why=Why.DENIED, grant=denying[0])
        return self._nearest([_asleep(grant, self._now) for grant in self._given(capability)])

    def holds_in(self, capability: Capability, area: str) -> bool:
        """Whether the person has the capability in all of that area, with nothing of it denied within."""
        if self._person.disabled or not area:
            return False
        if any(capability in denial.capabilities and _touches(denial, area) for denial in self._denying):
            return False
        return any(
            capability in grant.capabilities and not grant.only_own and any(covers(mine, area) for mine in grant.areas)
            for grant in self._allowing
        )

    def reach(self, capability: Capability, tops: Iterable[str], cameras: Iterable[CameraRef]) -> Reach:
        """Where they hold it; `tops` are the areas that make up the whole city, some of `cameras` may be theirs.

        Who holds it in all of the city reaches what belongs to no area too.
        """
        if self._person.disabled:
            return Reach()
        giving = [grant for grant in self._allowing if capability in grant.capabilities]
        taking = [denial for denial in self._denying if {capability, Capability.SEE} & denial.capabilities]
        if not taking and all([self.holds_in(capability, top) for top in tops] or [False]):
            return EVERYWHERE
        own = (
            camera.id
            for camera in cameras
            if _owns(self._person, camera) and any(grant.only_own and grant.reaches(camera) for grant in giving)
        )
        named = (camera for grant in giving if not grant.only_own for camera in grant.cameras)
        return Reach(
            areas=tuple(sorted({area for grant in giving if not grant.only_own for area in grant.areas})),
            cameras=tuple(sorted({*own, *named})),
            denied_areas=tuple(sorted({area for denial in taking for area in denial.areas})),
            denied_cameras=tuple(sorted({camera for denial in taking for camera in denial.cameras})),
        )

    def allows(self, capability: Capability, camera: CameraRef) -> Decision:
        """Whether the person may do this with this camera. Without SEE nothing else on that camera is allowed."""
        if self._person.disabled:
            return _DISABLED
        if capability is not Capability.SEE:
            here = self._at(camera)
            if here.seen is None:
                here.seen = self._decide(Capability.SEE, camera)
            if not here.seen:
                return here.seen
        return self._decide(capability, camera)

    def _decide(self, capability: Capability, camera: CameraRef) -> Decision:
        here = self._at(camera)
        for denial in here.denying:
            if capability in denial.capabilities:
                return Decision(allowed=False, why=Why.DENIED, grant=denial)
        for grant in here.allowing:
            if capability in grant.capabilities and self._opens(grant, capability, camera):
                return Decision(allowed=True, why=Why.ALLOWED, grant=grant)
        return self._nearest([self._fault(grant, camera) for grant in self._given(capability)])

    def _at(self, camera: CameraRef) -> _Here:
        if self._here is None or self._here.camera is not camera:
            self._here = _Here(
                camera,
                [denial for denial in self._denying if denial.reaches(camera)],
                [grant for grant in self._allowing if grant.reaches(camera)],
            )
        return self._here

    def _opens(self, grant: Grant, capability: Capability, camera: CameraRef) -> bool:
        if grant.only_own:
            return _owns(self._person, camera)
        if not camera.emergency_only or capability in _NO_EMERGENCY_NEEDED:
            return True
        return capability in EMERGENCY_CAPABILITIES and self.opening_of(camera) is not None

    def owns_at(self, camera: CameraRef) -> bool:
        """Whether the camera is their organisation's, by a grant for its owners, and not taken from them."""
        theirs = any(grant.only_own and grant.reaches(camera) for grant in self._allowing)
        return theirs and _owns(self._person, camera) and self.may_see(camera)

    def opening_of(self, camera: CameraRef) -> Grant | None:
        """The person's emergency grant that opens this camera now; it counts while they may open it."""
        for opening in self._opening:
            if opening.reaches(camera) and self._decide(Capability.EMERGENCY, camera):
                return opening
        return None

    def _given(self, capability: Capability) -> Iterable[Grant]:
        return (
            grant
            for grant in self._person.grants
            if not grant.deny and grant.kind is GrantKind.STANDING and capability in grant.capabilities
        )

    def _fault(self, grant: Grant, camera: CameraRef) -> tuple[Why, Grant]:
        """Why this grant, which has the capability in question, does not open this camera."""
        if not grant.reaches(camera):
            return Why.AREA, grant
        if grant.only_own and not _owns(self._person, camera):
            return Why.OWNER, grant
        if grant.state(self._now) is not GrantState.ACTIVE:
            return _asleep(grant, self._now)
        return Why.EMERGENCY, grant

    @staticmethod
    def _nearest(faults: Sequence[tuple[Why, Grant]]) -> Decision:
        why, grant = min(faults, key=lambda fault: _NEAREST.index(fault[0]), default=(Why.ROLE, None))
        return Decision(allowed=False, why=why, grant=grant)

    def may_see(self, camera: CameraRef) -> bool:
        """Whether the camera exists for this person; where not, answer as for an unknown camera."""
        if not self._by_area:
            return self.allows(Capability.SEE, camera).allowed
        seen = self._seen.get(camera.area)
        if seen is None:
            seen = self._seen[camera.area] = self.allows(Capability.SEE, camera).allowed
        return seen

    def capabilities_on(self, camera: CameraRef) -> frozenset[Capability]:
        """Everything that the person may do with this camera; empty when it must not be known to them."""
        return frozenset(each for each in CAMERA_CAPABILITIES if self.allows(each, camera))

    def capabilities(self) -> frozenset[Capability]:
        """What the person's grants bring anywhere; for showing, not for deciding about a camera."""
        return frozenset(each for each in Capability if self.holds(each))

    def viewing_rank(self) -> ViewingRank:
        """The person's rank among viewers when places are short."""
        ranks = [] if self._person.disabled else [grant.viewing for grant in self._allowing]
        return max(ranks, default=ViewingRank.PUBLIC)

    def priority_on(self, camera: CameraRef, overrides: Sequence[PriorityOverride] = ()) -> int:
        """The person's rank over this camera's motors, 0 to 100; 0 where they may not steer it.

        Of the grants that let them steer it the best: a priority of the grant's own comes first, for it says more than
        any rule about roles; then the override of the deepest area that covers the camera (of two for the same area the
        later one); then what the role brings.
        """
        if not self.allows(Capability.CONTROL, camera):
            return 0
        return max(
            _rank(grant, camera, overrides)
            for grant in self._at(camera).allowing
            if Capability.CONTROL in grant.capabilities and self._opens(grant, Capability.CONTROL, camera)
        )

    def highest_priority(self) -> int:
        """The person's best rank anywhere, 0 to 100; for showing."""
        if self._person.disabled:
            return 0
        steering = [grant for grant in self._allowing if Capability.CONTROL in grant.capabilities]
        return max((grant.rank_at(area) for grant in steering for area in grant.areas or (None,)), default=0)

    def rank_in(self, area: str) -> int:
        """The person's rank over motors in all of that area, 0 to 100; 0 where they may not steer all of it."""
        if not self.holds_in(Capability.CONTROL, area):
            return 0
        ranks = (
            grant.rank_at(mine)
            for grant in self._allowing
            if Capability.CONTROL in grant.capabilities and not grant.only_own
            for mine in grant.areas
            if covers(mine, area)
        )
        return max(ranks)

    def emergency_capabilities(self, camera: CameraRef) -> frozenset[Capability]:
        """What opening this camera in an emergency brings: what they may at other cameras of that place.

        Empty where they may not open it, and where it needs no opening.
        """
        if not camera.emergency_only or not self.allows(Capability.EMERGENCY, camera):
            return frozenset()
        held = [grant.capabilities for grant in self._at(camera).allowing]
        denied = [denial.capabilities for denial in self._at(camera).denying]
        return EMERGENCY_CAPABILITIES & frozenset().union(*held) - frozenset().union(*denied)

    def manages(self, other: Person, territory: Territory) -> bool:
        """Whether the other is this person's to look after: with everything that they were granted inside theirs.

        Whose areas lie partly elsewhere may do more than the person can answer for; who has none is in nobody's area.
        What is over counts for who has nothing else. For a camera that is unknown only who answers for everything does.
        """
        if self._person.disabled:
            return False
        given = [grant for grant in other.grants if not grant.deny]
        given = [grant for grant in given if grant.state(self._now) is not GrantState.OVER] or given
        where = {area for grant in given for area in grant.areas}
        for camera_id in {id_ for grant in given if grant.kind is GrantKind.STANDING for id_ in grant.cameras}:
            camera = territory.camera_of(camera_id)
            where |= territory.tops if camera is None else {camera.area}
        return bool(where) and all(self.holds_in(Capability.MANAGE_PEOPLE, area) for area in where)


def allows(person: Person, capability: Capability, camera: CameraRef, now: datetime) -> Decision:
    """Whether the person may do this with this camera now (`Standing.allows`)."""
    return Standing(person, now).allows(capability, camera)


def next_edge(person: Person, now: datetime) -> datetime | None:
    """When the person's rights may change by themselves, because a grant begins, ends or pauses; None for never."""
    edges = [grant.next_edge(now) for grant in person.grants]
    return min((edge for edge in edges if edge is not None), default=None)


def _asleep(grant: Grant, now: datetime) -> tuple[Why, Grant]:
    return _ASLEEP.get(grant.state(now), Why.ROLE), grant


def _is_left(grant: Grant, capability: Capability, denying: Sequence[Grant]) -> bool:
    """Whether the denials leave the capability in one of the grant's places; at a single camera no office is had."""
    taken = [area for denial in denying for area in denial.areas]
    if any(not any(covers(each, area) for each in taken) for area in grant.areas):
        return True
    cameras = grant.cameras if capability in CAMERA_CAPABILITIES else ()
    return any(all(camera not in denial.cameras for denial in denying) for camera in cameras)


def _touches(grant: Grant, area: str) -> bool:
    return bool(grant.cameras) or any(covers(area, each) or covers(each, area) for each in grant.areas)


def _rank(grant: Grant, camera: CameraRef, overrides: Sequence[PriorityOverride]) -> int:
    if not grant.has_own_priority:
        rules = [rule for rule in overrides if rule.role == grant.role and covers(rule.area, camera.area)]
        if rules:
            return max(enumerate(rules), key=lambda item: (item[1].area.count("."), item[0]))[1].priority
    return grant.rank_at(grant.area_of(camera))


def _owns(person: Person, camera: CameraRef) -> bool:
    return is_same_organisation(person.organisation, camera.owner)
