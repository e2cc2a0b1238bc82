"""What amounts to a whole city: how much of one a person's lasting grants add up to. Pure.

Asked when something is granted, never when something is decided: it looks at every lowest area and every camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from auth.grants import Grant, GrantKind, covers, is_whole_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from auth.model import Person, Territory

LASTING = timedelta(days=92)
"""What ends later than this counts as lasting: an acting walikota has months, not years."""


class SecondLook(StrEnum):
    """Why a grant waits for a second person; stable words for clients."""

    WHOLE_CITY = "whole-city"
    LARGER_PART = "larger-part"
    OWNER = "owner"

    @property
    def sentence(self) -> str:
        """The reason in words, for who gives it and who approves it."""
        return _SENTENCE[self]


_SENTENCE: Mapping[SecondLook, str] = {
    SecondLook.WHOLE_CITY: "It is over a whole city and lasts more than 92 days.",
    SecondLook.LARGER_PART: (
        "With everything that they hold for more than 92 days it comes to half of a city or more: "
        "its lowest areas, and its cameras where they are named one by one."
    ),
    SecondLook.OWNER: "It makes them one of the people of an organisation that owns cameras.",
}


@dataclass(frozen=True, slots=True)
class Grantee:
    """Whom a grant is for: their organisation, and all that they hold or wait for."""

    username: str = ""
    organisation: str = ""
    grants: tuple[Grant, ...] = ()

    @classmethod
    def of(cls, person: Person) -> Grantee:
        """Somebody who has an account already."""
        return cls(person.username, person.organisation, person.grants)


def second_look(grant: Grant, grantee: Grantee, now: datetime, territory: Territory) -> SecondLook | None:
    """Why a second pair of eyes must see it first, None where one is enough.

    It lasts, and with it the grantee holds a whole city or the larger part of one; or it makes somebody one of an
    owner's people, which is what an organisation's name by itself does not: they see cameras that are kept for
    emergencies, and speak for them.
    """
    is_over = grant.ends_at is not None and grant.ends_at <= now
    if grant.kind is not GrantKind.STANDING or grant.deny or is_over:
        return None
    if grant.only_own and territory.owns_cameras(grantee.organisation):
        return SecondLook.OWNER
    if not lasts(grant, now):
        return None
    if is_whole_tree(grant.areas, territory.tops):
        return SecondLook.WHOLE_CITY
    held = (*grantee.grants, grant)
    is_much = any(holds_half(held, city, now, territory) for city in cities_of(grant, territory))
    return SecondLook.LARGER_PART if is_much else None


def lasts(grant: Grant, now: datetime) -> bool:
    """Whether it goes on for so long that giving it is no stand-in's matter."""
    return grant.ends_at is None or grant.ends_at - now > LASTING


def cities_of(grant: Grant, territory: Territory) -> frozenset[str]:
    """The top areas in which it gives something."""
    cameras = (territory.camera_of(camera_id) for camera_id in grant.cameras)
    places = (*grant.areas, *(camera.area for camera in cameras if camera is not None))
    return frozenset(top for top in territory.tops if any(covers(top, at) or covers(at, top) for at in places))


def holds_half(grants: Iterable[Grant], city: str, now: datetime, territory: Territory) -> bool:
    """Whether what these grants allow for good, approved or waiting, comes to half of this city or more.

    The share of its lowest areas that they cover and the share of its cameras that they name one by one are added up.
    A camera in no area belongs to no city. Which capabilities they bring does not matter.
    """
    counted = [grant for grant in grants if grant.kind is GrantKind.STANDING and not grant.deny and lasts(grant, now)]
    areas = {area for grant in counted for area in grant.areas}
    named = {camera for grant in counted for camera in grant.cameras}
    # Of a city whose parts are not known only all of it counts.
    lowest = [area for area in territory.lowest if covers(city, area)] or [city]
    covered = sum(_is_within(area, areas) for area in lowest)
    # Most grants name no camera, and a city has thousands.
    cameras = [camera.id for camera in territory.cameras() if covers(city, camera.area)] if named else []
    by_name = sum(camera_id in named for camera_id in cameras)
    most = max(len(cameras), 1)
    return 2 * (covered * most + by_name * len(lowest)) >= len(lowest) * most


def _is_within(area: str, areas: set[str]) -> bool:
    parts = area.split(".")
    return any(".".join(parts[:depth]) in areas for depth in range(1, len(parts) + 1))
