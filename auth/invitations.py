"""One-time links: an invitation makes somebody new a person here, a recovery renews a password. Their words and rules.

Only the SHA-256 of a link's secret is kept. A link holds as long as its maker might still make it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from auth.errors import AuthError, PersonRuleError
from auth.model import Person, normalise_username
from auth.policy import capabilities_of, manages
from auth.service import checked_person

MIN_LIFE_S: Final = 300.0
MAX_LIFE_S: Final = 30 * 24 * 3600.0
MOST_PENDING: Final = 200  # links of one maker that wait to be used


class InvitationKind(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    RECOVERY = "recovery"


class UnknownInvitationError(AuthError, LookupError):
    """There is no such link any more, or never was."""

    def __init__(self) -> None:
        super().__init__("This link does not hold: it was used or withdrawn, or is too old. Ask for a new one.")


class TooManyInvitationsError(AuthError):
    """The maker has as many unused links as they may."""

    def __init__(self) -> None:
        super().__init__(f"There are {MOST_PENDING} unused links of yours; withdraw one first.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What an invited person is to become. `username` None: they choose it themselves."""

    role: str
    areas: tuple[str, ...]
    organisation: str = ""
    display_name: str = ""
    username: str | None = None

    def person(self) -> Person:
        """The person as they would be, without an account; for asking the policy about them."""
        return Person("", self.username or "?", self.display_name, self.role, self.areas, self.organisation)

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
    def concerns(self) -> Person:
        """Who uses it: the person as they are, or as they would be."""
        if self.person is not None:
            return self.person
        if self.wish is None:
            raise RuntimeError("an invitation without a wish was stored")
        return self.wish.person()


def wish_of(stored: Mapping[str, Any]) -> Wish:
    """A wish as the database kept it."""
    return Wish(**{**stored, "areas": tuple(stored["areas"])})


def checked_wish(wish: Wish) -> Wish:
    """The wish with its texts trimmed; PersonRuleError for what would not be allowed of a person."""
    person = checked_person(wish.person())
    name = None if wish.username is None else normalise_username(wish.username)
    return Wish(person.role, person.areas, person.organisation, person.display_name, name)


def check_life(life_s: float) -> float:
    """The time itself; PersonRuleError outside five minutes to thirty days."""
    if not MIN_LIFE_S <= life_s <= MAX_LIFE_S:
        raise PersonRuleError("life_s", f"A link holds from {MIN_LIFE_S:.0f} to {MAX_LIFE_S:.0f} seconds.")
    return life_s


def may_invite(maker: Person | None, wished: Person) -> bool:
    """Whether the maker may let such a person in: they would look after them, and hold all that they give.

    None is the command line of the machine itself, which may.
    """
    return maker is None or (manages(maker, wished) and capabilities_of(wished) <= capabilities_of(maker))


def may_recover(maker: Person | None, person: Person) -> bool:
    """Whether the maker may renew somebody's password: not their own, which they know or change with the old one."""
    return maker is None or (maker.id != person.id and may_invite(maker, person) and not person.disabled)


def holds_still(invitation: Invitation) -> bool:
    """Whether the maker could make this link as things are now."""
    if invitation.kind is InvitationKind.RECOVERY:
        return may_recover(invitation.maker, invitation.concerns) and not invitation.concerns.disabled
    return may_invite(invitation.maker, invitation.concerns)
