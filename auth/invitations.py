"""One-time links: an invitation makes somebody new a person here, a recovery renews a password. Their words and rules.

Only the SHA-256 of a link's secret is kept. A link holds as long as its maker might still make it: who may invite with
what, and recover whom, is asked of the rules of granting when it is made and again when it is used. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from auth.checks import check_name, normalise_username
from auth.errors import AuthError, PersonRuleError
from auth.granting import Granter, MayNotGrantError, answers_for_the_city
from auth.grants import Grant, GrantWish, checked_wish
from auth.model import Person, Territory
from auth.policy import Standing
from auth.roles import Capability
from auth.whole_city import Grantee, second_look

MIN_LIFE_S: Final = 300.0
MAX_LIFE_S: Final = 30 * 24 * 3600.0
MOST_PENDING: Final = 200  # links of one maker that wait to be used
REASON: Final = "came in by an invitation"


class InvitationKind(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    RECOVERY = "recovery"


class UnknownInvitationError(AuthError, LookupError):
    """There is no such link any more, or never was."""

    def __init__(self) -> None:
        super().__init__("This link does not hold: it was used or withdrawn, or is too old. Ask for a new one.")


class MakerMayNotError(AuthError):
    """Who made the link could not make it as things are now, so it does nothing."""

    def __init__(self) -> None:
        super().__init__(
            "Whoever made this link may not give this any more, or not at this hour, so it does nothing now. "
            "Ask somebody who may for a new one."
        )


class TooManyInvitationsError(AuthError):
    """The maker has as many unused links as they may."""

    def __init__(self) -> None:
        super().__init__(f"There are {MOST_PENDING} unused links of yours; withdraw one first.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What an invited person is to become: somebody with a role in areas, or without both nothing but a name.

    `username` None: they choose it themselves.
    """

    role: str | None
    areas: tuple[str, ...]
    organisation: str = ""
    display_name: str = ""
    username: str | None = None

    def grant(self) -> GrantWish:
        """What they are to be granted."""
        return GrantWish(role=self.role, areas=self.areas, reason=REASON)

    def stored(self) -> dict[str, Any]:
        """The wish as the database keeps it."""
        return asdict(self) | {"areas": list(self.areas)}


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that was made. `wish` for an invitation, `person` for a recovery; `maker` None: the command line."""

    id: str
    kind: InvitationKind
    wish: Wish | None
    person: Person | None
    maker: Person | None
    created: datetime
    expires_at: datetime

    @property
    def concerns(self) -> Person | Wish:
        """Who uses it: the person as they are, or what somebody is to become."""
        found = self.person or self.wish
        if found is None:
            raise RuntimeError("an invitation without a wish was stored")
        return found


def wish_of(stored: Mapping[str, Any]) -> Wish:
    """A wish as the database kept it."""
    return Wish(**{**stored, "areas": tuple(stored["areas"])})


def checked_invitation(wish: Wish, now: datetime) -> Wish:
    """The wish with its texts trimmed; PersonRuleError for what would not be allowed of a person."""
    if wish.role is None and wish.areas:
        raise PersonRuleError("role", "Areas need a role; without one somebody gets nothing but a name.")
    if wish.role is not None and not wish.areas:
        raise PersonRuleError("areas", "A role needs areas.")
    return Wish(
        role=wish.role,
        areas=checked_wish(wish.grant(), now).areas if wish.areas else (),
        organisation=check_name("organisation", wish.organisation, required=False),
        display_name=check_name("display_name", wish.display_name, required=True),
        username=None if wish.username is None else normalise_username(wish.username),
    )


def check_life(life_s: float) -> float:
    """The time itself; PersonRuleError outside five minutes to thirty days."""
    if not MIN_LIFE_S <= life_s <= MAX_LIFE_S:
        raise PersonRuleError("life_s", f"A link holds from {MIN_LIFE_S:.0f} to {MAX_LIFE_S:.0f} seconds.")
    return life_s


def check_inviting(maker: Granter | None, grant: Grant | None, organisation: str) -> bool:
    """Whether what an invited person is to get waits for a second person; MayNotGrantError when they may not have it.

    `grant` None: they get nothing but a name. `organisation`: which is to be theirs. `maker` None is the
    command line of the machine itself, which may.
    """
    if maker is None:
        return False
    if grant is not None:
        maker.check(grant)
        return second_look(grant, Grantee(organisation=organisation), maker.now, maker.territory) is not None
    if not Standing(maker.person, maker.now).holds(Capability.MANAGE_PEOPLE):
        raise MayNotGrantError("You look after nobody.")
    return False


def check_recovering(maker: Granter | None, person: Person) -> None:
    """MayNotGrantError unless the maker may renew somebody's password.

    Whoever sets a password can come in by it: so nobody renews that of a person who holds, or will hold, more than they
    could grant them, nor that of a peer who answers for the whole city. One's own is changed, with the old one.
    """
    if maker is None:
        return
    maker.check_acting_for(person)
    if answers_for_the_city(person, maker.now, maker.territory):
        # Their approval is the second pair of eyes, and whoever renews their password could lend themselves that.
        raise MayNotGrantError(
            "Who answers for the whole city for good gets a new password on the machine itself only: "
            "`camctl user recover`."
        )


def may_know(viewer: Person, invitation: Invitation, now: datetime, territory: Territory) -> bool:
    """Whether a link is the viewer's to see and to withdraw: their own, and those for people whom they look after."""
    if invitation.maker is not None and invitation.maker.id == viewer.id:
        return True
    standing, concerned = Standing(viewer, now), invitation.concerns
    if isinstance(concerned, Person):
        return standing.manages(concerned, territory)
    return bool(concerned.areas) and all(standing.holds_in(Capability.MANAGE_PEOPLE, area) for area in concerned.areas)
