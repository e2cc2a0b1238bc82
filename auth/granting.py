"""Who may grant what to whom: nobody what they do not hold, and lasting power over a whole city not alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from auth.errors import AuthError
from auth.grants import Grant, GrantKind, is_whole_tree
from auth.policy import Standing
from auth.roles import CAMERA_CAPABILITIES, Capability

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from auth.model import CameraRef, Person


LASTING = timedelta(days=92)
"""What ends later than this counts as lasting: an acting walikota has months, not years."""


class MayNotGrantError(AuthError):
    """The granter may not give, approve or take this; the message says why."""


@dataclass(frozen=True, slots=True)
class Granter:
    """Somebody who grants at one moment. `camera_of` finds a camera by id; None for an unknown one."""

    person: Person
    now: datetime
    camera_of: Callable[[str], CameraRef | None]

    def check_taking(self, grant: Grant) -> None:
        """Raise MayNotGrantError unless they may take this grant away; to end a denial is to give what it denies."""
        self.check(replace(grant, deny=False))

    def check(self, grant: Grant) -> None:
        """Raise MayNotGrantError unless they may give this grant (its grantee aside)."""
        standing = Standing(self.person, self.now)
        for area in grant.areas:
            self._check_area(standing, grant, area)
        for camera_id in grant.cameras:
            camera = self.camera_of(camera_id)
            if camera is None or not standing.may_see(camera):
                raise MayNotGrantError(f"There is no camera {camera_id!r}, or none that you may know of.")
            self._check_camera(standing, grant, camera)
        if grant.has_own_priority and (grant.priority or 0) > standing.highest_priority():
            raise MayNotGrantError(
                f"Priority {grant.priority} is higher than your own best, {standing.highest_priority()}."
            )

    def _check_area(self, standing: Standing, grant: Grant, area: str) -> None:
        if not standing.holds_in(Capability.MANAGE_PEOPLE, area):
            raise MayNotGrantError(f"You do not look after people in all of {area}.")
        lacking = sorted(each for each in grant.capabilities if not grant.deny and not standing.holds_in(each, area))
        if lacking:
            raise MayNotGrantError(f"You do not hold {', '.join(lacking)} in all of {area} yourself.")

    def _check_camera(self, standing: Standing, grant: Grant, camera: CameraRef) -> None:
        if not standing.holds_in(Capability.MANAGE_PEOPLE, camera.area):
            raise MayNotGrantError(f"You do not look after people in {camera.area}, where {camera.id} is.")
        lacking = sorted(
            each
            for each in grant.capabilities & CAMERA_CAPABILITIES
            if not grant.deny and not standing.holds_in(each, camera.area) and not standing.allows(each, camera)
        )
        if lacking:
            raise MayNotGrantError(f"You do not hold {', '.join(lacking)} at {camera.id} yourself.")


def needs_second_person(grant: Grant, now: datetime) -> bool:
    """Whether a second pair of eyes must see it first: it is lasting, allows something, and is over a whole city."""
    lasts = grant.ends_at is None or grant.ends_at - now > LASTING
    return grant.kind is GrantKind.STANDING and not grant.deny and lasts and is_whole_tree(grant.areas)


def check_approval(grant: Grant, grantee_id: str, approver: Granter) -> None:
    """Raise MayNotGrantError unless this person's approval makes the waiting grant valid."""
    if approver.person.username == grant.granter:
        raise MayNotGrantError("Who gave a grant cannot be the second person who approves it.")
    if approver.person.id == grantee_id:
        raise MayNotGrantError("Nobody approves a grant for themselves.")
    approver.check(grant)
