"""Who may grant what to whom: nobody what they do not hold, and lasting power over a whole city not alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auth.errors import AuthError
from auth.grants import Grant, GrantKind, GrantState, is_whole_tree
from auth.policy import Standing
from auth.roles import CAMERA_CAPABILITIES, Capability
from auth.whole_city import cities_of, lasts, second_look

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from auth.model import CameraRef, Person, Territory
    from auth.roles import Role
    from auth.whole_city import Grantee


class MayNotGrantError(AuthError):
    """The granter may not give, approve or take this; the message says why."""


_NAMED = 3
_NOT_AS_LONG = (
    "You hold this yourself, but not for as long or not at all those hours: "
    "let it end no later than your own grant does, within its hours."
)


@dataclass(frozen=True, slots=True)
class Granter:
    """Somebody who grants at one moment, in this city."""

    person: Person
    now: datetime
    territory: Territory

    def check(self, grant: Grant) -> None:
        """Raise MayNotGrantError unless they may give this grant (its grantee aside).

        They hold themselves what it brings, and as long as it lasts, at all of its hours: whoever stands in for three
        weeks makes nobody powerful for longer.
        """
        self.check_now(grant)
        if grant.deny:
            return
        try:
            self._check(self._outlasting(grant), grant)
        except MayNotGrantError:
            raise MayNotGrantError(_NOT_AS_LONG) from None

    def check_now(self, grant: Grant) -> None:
        """Raise MayNotGrantError unless they hold now what it brings."""
        self._check(Standing(self.person, self.now), grant)

    def check_taking(self, grant: Grant) -> None:
        """Raise MayNotGrantError unless they may take this grant away; to end a denial is to give what it denies."""
        if grant.deny:
            self.check(replace(grant, deny=False))
        else:
            self.check_now(grant)

    def check_acting_for(self, person: Person) -> None:
        """Raise MayNotGrantError unless they hold whatever this person holds, or will hold, and look after them.

        For what lets one come in as the person, or see what they see.
        """
        if self.person.id == person.id or not Standing(self.person, self.now).manages(person, self.territory):
            raise MayNotGrantError("This person is not yours to look after.")
        for grant in person.grants:
            brings = not grant.deny and grant.kind is GrantKind.STANDING
            if brings and grant.state(self.now) is not GrantState.OVER:
                self.check_now(grant)

    def check_role(self, name: str, new: Role, old: Role | None) -> None:
        """Raise MayNotGrantError unless they may make `name` bring this to everybody who has it, or will."""
        forever = replace(
            self.person, grants=tuple(each for each in self.person.grants if each.deny or _is_lasting(each))
        )
        standing, tops = Standing(forever, self.now), self.territory.tops
        if not _holds_everywhere(standing, Capability.MANAGE_PEOPLE, tops):
            raise MayNotGrantError("You do not look after everybody, for good.")
        touched = new.capabilities | (frozenset() if old is None else old.capabilities)
        lacking = sorted(each for each in touched if not _holds_everywhere(standing, each, tops))
        if lacking:
            raise MayNotGrantError(f"You do not hold {', '.join(lacking)} everywhere.")
        rank = min(standing.rank_in(top) for top in tops)
        is_raised = new.priority is not None and (old is None or old.priority != new.priority)
        if is_raised and (new.priority or 0) > rank:
            raise MayNotGrantError(f"Priority {new.priority} is higher than your own over the whole city, {rank}.")
        if new.viewing > standing.viewing_rank():
            raise MayNotGrantError("It would come before you where places for viewers are short.")
        others = replace(forever, grants=tuple(each for each in forever.grants if each.role != name))
        gives_itself_up = Capability.MANAGE_PEOPLE not in new.capabilities and not _holds_everywhere(
            Standing(others, self.now), Capability.MANAGE_PEOPLE, tops
        )
        if gives_itself_up:
            raise MayNotGrantError("That would take from you the right to look after people, and to give it back.")

    def _outlasting(self, grant: Grant) -> Standing:
        kept = tuple(each for each in self.person.grants if each.deny or _lasts_as(each, grant))
        return Standing(replace(self.person, grants=kept), self.now)

    def _check(self, standing: Standing, grant: Grant) -> None:
        for area in grant.areas:
            self._check_area(standing, grant, area)
        for camera_id in grant.cameras:
            camera = self.territory.camera_of(camera_id)
            if camera is None or not standing.may_see(camera):
                raise MayNotGrantError(f"There is no camera {camera_id!r}, or none that you may know of.")
            self._check_camera(standing, grant, camera)

    def _check_area(self, standing: Standing, grant: Grant, area: str) -> None:
        if not standing.holds_in(Capability.MANAGE_PEOPLE, area):
            raise MayNotGrantError(f"You do not look after people in all of {area}.")
        lacking = sorted(each for each in grant.capabilities if not grant.deny and not standing.holds_in(each, area))
        if lacking:
            raise MayNotGrantError(f"You do not hold {', '.join(lacking)} in all of {area} yourself.")
        _check_rank(grant, standing.rank_in(area), area)

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
        _check_rank(grant, max(standing.rank_in(camera.area), standing.priority_on(camera)), camera.id)


def _check_rank(grant: Grant, own: int, where: str) -> None:
    """A rank that follows from the area's level is the office's; only one that the grant or its role names is given.

    The grant's own one counts even where it does not steer yet: its role may be widened.
    """
    counts = grant.has_own_priority or Capability.CONTROL in grant.capabilities
    if not grant.deny and counts and grant.priority is not None and grant.priority > own:
        raise MayNotGrantError(f"Priority {grant.priority} is higher than your own at {where}, {own}.")


def _lasts_as(own: Grant, other: Grant) -> bool:
    """Whether what one holds goes on as long as the other grant does, at all of that one's hours."""
    ends_later = own.ends_at is None or (other.ends_at is not None and other.ends_at <= own.ends_at)
    return ends_later and (own.window is None or (other.window is not None and other.window.is_within(own.window)))


def _is_lasting(grant: Grant) -> bool:
    return grant.ends_at is None and grant.window is None


def _holds_everywhere(standing: Standing, capability: Capability, tops: frozenset[str]) -> bool:
    return bool(tops) and all(standing.holds_in(capability, top) for top in tops)


def answers_for_the_city(person: Person, now: datetime, territory: Territory) -> bool:
    """Whether this person's approval makes lasting power over a whole city valid."""
    return any(
        Capability.MANAGE_PEOPLE in grant.capabilities
        and not grant.waits
        and not grant.deny
        and grant.kind is GrantKind.STANDING
        and lasts(grant, now)
        and is_whole_tree(grant.areas, territory.tops)
        for grant in person.grants
    )


def check_approval(grant: Grant, grantee_id: str, approver: Granter) -> None:
    """Raise MayNotGrantError unless this person's approval makes the waiting grant valid.

    They hold what it brings over the whole city, though it is one piece only: for a piece of it anybody can make
    themselves an account alone, and that would be the second person.
    """
    if approver.person.username == grant.granter:
        raise MayNotGrantError("Who gave a grant cannot be the second person who approves it.")
    if approver.person.id == grantee_id:
        raise MayNotGrantError("Nobody approves a grant for themselves.")
    approver.check(grant)
    cities = cities_of(grant, approver.territory)
    try:
        approver.check(replace(grant, areas=tuple(sorted(cities)), cameras=()))
    except MayNotGrantError as error:
        raise MayNotGrantError(f"Who approves it holds it over the whole city for good. {error}") from None


def check_growth(holders: Iterable[tuple[Grantee, Grantee]], now: datetime, territory: Territory) -> None:
    """Raise MayNotGrantError when a changed role brings more by a grant that would wait for a second person today.

    `holders`: everybody who has the role, as they are and as they would be, their grants in the same order. A grant
    that waits counts too: who approves it approves what they have read.
    """
    grown = [
        after.username
        for before, after in holders
        if any(
            _brings_more(old, new) and second_look(new, after, now, territory)
            for old, new in zip(before.grants, after.grants, strict=True)
        )
    ]
    if grown:
        shown = ", ".join(grown[:_NAMED]) + (f" and {len(grown) - _NAMED} more" if len(grown) > _NAMED else "")
        raise MayNotGrantError(
            f"This role would bring more to {shown}, by grants that need a second person. Make a new role and grant "
            "it to them: each of these grants waits for its second person. Or change this one on the machine itself: "
            "`camctl user role`."
        )


def _brings_more(old: Grant, new: Grant) -> bool:
    """Whether the same grant brings anything more.

    To be bound to one's own organisation's cameras counts, and to be free of that: which is more depends on whose.
    """
    places = (*new.areas, *((None,) if new.cameras else ()))
    return (
        not new.capabilities <= old.capabilities
        or new.only_own != old.only_own
        or new.viewing > old.viewing
        or any(new.rank_at(place) > old.rank_at(place) for place in places)
    )


def may_approve(grant: Grant, grantee_id: str, approver: Granter) -> bool:
    """Whether `check_approval` lets them; for showing beforehand."""
    try:
        check_approval(grant, grantee_id, approver)
    except MayNotGrantError:
        return False
    return True
