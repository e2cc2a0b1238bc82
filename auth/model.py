"""The words of people: a person, a sign-in, and the few facts about a camera that a permission needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from auth.proofs import is_fresh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from auth.grants import Grant


class SignInKind(StrEnum):
    """How a sign-in is carried: a browser's cookie, or a bearer token of a program."""

    BROWSER = "browser"
    API = "api"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account; what they may do is in their grants alone (`auth.policy`)."""

    id: str
    username: str
    display_name: str
    grants: tuple[Grant, ...] = ()
    organisation: str = ""
    disabled: bool = False
    created: datetime | None = None

    @property
    def role(self) -> str:
        """The name of their role, of several the one that ranks highest; for showing, not for deciding."""
        held = [grant for grant in self.grants if not grant.deny and not grant.waits and grant.role]
        best = max(held, key=lambda grant: (grant.viewing, len(grant.capabilities)), default=None)
        return "" if best is None else best.role

    @property
    def areas(self) -> tuple[str, ...]:
        """The areas of all grants that allow something, sorted; for showing, not for deciding."""
        return tuple(sorted({area for grant in self.grants if not grant.deny for area in grant.areas}))


@dataclass(frozen=True, slots=True)
class SignIn:
    """One person on one device until `expires_at` (UTC). `session_id` is no secret: the token is not in it.

    Of a program's token the person's grants are narrowed to what the token may (`auth.scopes`).

    `method`: what it began with (`auth.proofs.Method`). `proved_at`: when its person last proved who they are. Both are
    None for a token that was issued to a program, which no person stands behind.
    """

    person: Person
    session_id: str
    expires_at: datetime
    kind: SignInKind = SignInKind.BROWSER
    method: str | None = None
    proved_at: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether its person proved within the last ten minutes who they are."""
        return is_fresh(self.proved_at, now)


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A sign-in or API token as its owner sees it in a list."""

    session_id: str
    kind: SignInKind
    name: str
    created: datetime
    last_seen: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CameraRef:
    """What a permission needs to know of a camera: where it is, whose, and whether emergencies alone open it."""

    id: str
    area: str
    owner: str = ""
    emergency_only: bool = False


@dataclass(frozen=True, slots=True)
class Territory:
    """What rules about people need to know of the city: the areas that make up all of it, and its cameras.

    `camera_of` finds one by id, None for an unknown one; `owns_cameras`: whether an organisation of this name owns any.
    `lowest`: the areas with none below them; `cameras`: all of them, as they are when asked.
    """

    tops: frozenset[str]
    camera_of: Callable[[str], CameraRef | None] = lambda _id: None
    owns_cameras: Callable[[str], bool] = lambda _name: False
    lowest: frozenset[str] = frozenset()
    cameras: Callable[[], Iterable[CameraRef]] = tuple


def is_same_organisation(one: str, other: str) -> bool:
    """Whether two names mean the same organisation; an empty one means none."""
    name = one.strip().casefold()
    return bool(name) and name == other.strip().casefold()
