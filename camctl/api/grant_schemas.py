"""Grants and roles, as they go over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from auth.grants import Grant, GrantKind, GrantState, GrantWish
from auth.model import Person, Territory
from auth.policy import Decision
from auth.roles import Capability, Role, ViewingRank
from auth.whole_city import Grantee, SecondLook, second_look
from auth.windows import parse_window
from camctl.api.schema_base import In

AreaText = Annotated[str, Field(min_length=1, max_length=140)]
# JSON has no such types of its own, so strict schemas read them from text.
CapabilityText = Annotated[Capability, Field(strict=False)]
TimeText = Annotated[AwareDatetime, Field(strict=False)]
CameraText = Annotated[str, Field(min_length=1, max_length=64)]


class GrantIn(In):
    """What somebody is to be granted: a role in areas or at cameras, or with `deny` what is taken from them there.

    `capabilities`: no more than these of the role's. `window`: hours of the week, `mon-fri 07:00-18:00 Asia/Jakarta`.
    """

    role: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    areas: Annotated[list[AreaText], Field(max_length=100, default_factory=list)]
    cameras: Annotated[list[CameraText], Field(max_length=100, default_factory=list)]
    capabilities: list[CapabilityText] | None = None
    deny: bool = False
    window: Annotated[str, Field(max_length=120)] | None = None
    starts_at: TimeText | None = None
    ends_at: TimeText | None = None
    priority: Annotated[int, Field(ge=0, le=100)] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=120)]

    def wish(self) -> GrantWish:
        """The same as the people's package has it; PersonRuleError for a window that is none."""
        return GrantWish(
            role=self.role,
            areas=tuple(self.areas),
            cameras=tuple(self.cameras),
            capabilities=None if self.capabilities is None else frozenset(self.capabilities),
            deny=self.deny,
            window=None if self.window is None else parse_window(self.window),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            priority=self.priority,
            reason=self.reason,
        )


class GrantOut(BaseModel):
    """A grant. `granter` and `approver` are usernames; `state`: what it is this moment.

    `waits_why` and `waits_because`: why one that waits does, as a stable word and in a sentence; null for others, and
    where nothing is a reason any more.
    """

    id: str
    role: str
    capabilities: list[Capability]
    areas: list[str]
    cameras: list[str]
    deny: bool
    only_own: bool
    window: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    priority: int | None
    kind: GrantKind
    state: GrantState
    reason: str
    granter: str
    approver: str
    created: datetime | None
    waits_why: SecondLook | None
    waits_because: str | None

    @classmethod
    def of(cls, grant: Grant, person: Person, now: datetime, territory: Territory) -> GrantOut:
        """The person's grant as clients see it."""
        why = second_look(grant, Grantee.of(person), now, territory) if grant.waits else None
        return cls(
            id=grant.id,
            role=grant.role,
            capabilities=sorted(grant.capabilities),
            areas=list(grant.areas),
            cameras=list(grant.cameras),
            deny=grant.deny,
            only_own=grant.only_own,
            window=None if grant.window is None else str(grant.window),
            starts_at=grant.starts_at,
            ends_at=grant.ends_at,
            priority=grant.priority,
            kind=grant.kind,
            state=grant.state(now),
            reason=grant.reason,
            granter=grant.granter,
            approver=grant.approver,
            created=grant.created,
            waits_why=why,
            waits_because=None if why is None else why.sentence,
        )


class GrantsOut(BaseModel):
    """Somebody's grants, oldest first."""

    items: list[GrantOut]

    @classmethod
    def of(cls, person: Person, now: datetime, territory: Territory) -> GrantsOut:
        """All of the person's."""
        return cls(items=[GrantOut.of(grant, person, now, territory) for grant in person.grants])


class ApprovalOut(BaseModel):
    """A grant that waits for a second person. `may_approve`: whether the caller's approval would make it valid."""

    username: str
    display_name: str
    organisation: str
    grant: GrantOut
    may_approve: bool


class ApprovalsOut(BaseModel):
    """What waits, oldest first; `more`: whether there is more than was asked for."""

    items: list[ApprovalOut]
    more: bool


class LookedAfterOut(BaseModel):
    """Somebody whom the caller looks after."""

    username: str
    display_name: str
    organisation: str
    role: str
    areas: list[str]
    disabled: bool

    @classmethod
    def of(cls, person: Person) -> LookedAfterOut:
        """The person in a list."""
        return cls(
            username=person.username,
            display_name=person.display_name,
            organisation=person.organisation,
            role=person.role,
            areas=list(person.areas),
            disabled=person.disabled,
        )


class PeopleOut(BaseModel):
    """People by username; `next`: ask for those after this name, None at the end."""

    items: list[LookedAfterOut]
    next: str | None


class RoleBody(In):
    """What a role brings. `priority` null: by the area's level; `only_own`: at one's organisation's cameras only."""

    capabilities: list[CapabilityText]
    priority: Annotated[int, Field(ge=0, le=100)] | None
    only_own: bool = False
    viewing: Annotated[int, Field(ge=0, le=2)] = 2

    def role(self) -> Role:
        """The same as the people's package has it."""
        return Role(frozenset(self.capabilities), self.priority, self.only_own, ViewingRank(self.viewing))


class RoleOut(RoleBody):
    """A role by its name."""

    name: str

    @classmethod
    def of(cls, name: str, role: Role) -> RoleOut:
        """The role as clients see it."""
        return cls(
            name=name,
            capabilities=sorted(role.capabilities),
            priority=role.priority,
            only_own=role.only_own,
            viewing=role.viewing,
        )


class RolesOut(BaseModel):
    """The roles, by name."""

    items: list[RoleOut]


class DecisionOut(BaseModel):
    """Whether the caller may do one thing here, and why: `why` is a stable word, `reason` a sentence.

    `grant`: the id of the one of their grants that decided.
    """

    allowed: bool
    why: str
    reason: str
    grant: str | None

    @classmethod
    def of(cls, decision: Decision) -> DecisionOut:
        """The decision as clients see it."""
        grant = None if decision.grant is None else decision.grant.id
        return cls(allowed=decision.allowed, why=decision.why.value, reason=decision.reason, grant=grant)


class PermissionsOut(BaseModel):
    """What the caller may do with a camera, each with its reason."""

    items: dict[Capability, DecisionOut]
