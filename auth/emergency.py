"""Break-glass: opening a camera that its owner shares in emergencies only, for at most an hour. Pure.

Whoever opens says what happened, under which incident number and why; owner and supervisors are told at once, and
somebody else judges it within a week. An opening brings no capability that the person does not hold at that place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from auth.checks import check_name
from auth.errors import PersonRuleError
from auth.model import CameraRef
from auth.policy import Standing
from auth.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auth.model import Person

MAX_OPEN = timedelta(minutes=60)
REVIEW_WITHIN = timedelta(days=7)
_INCIDENT = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./_-]{0,39}")


class EmergencyCategory(StrEnum):
    """What happened; the values are stable, they are in records that last for years."""

    FLOOD = "flood"
    FIRE = "fire"
    ACCIDENT = "accident"
    CRIME = "crime"
    UNREST = "unrest"
    MEDICAL = "medical"
    MISSING_PERSON = "missing-person"
    DISASTER = "disaster"
    OTHER = "other"


class OpeningState(StrEnum):
    """What an opening is at one moment."""

    OPEN = "open"
    UNREVIEWED = "unreviewed"
    OVERDUE = "overdue"  # nobody judged it within the week
    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"


@dataclass(frozen=True, slots=True)
class EmergencyWish:
    """Why somebody needs the camera now, and for how long."""

    category: EmergencyCategory
    incident: str
    reason: str
    lasting: timedelta = MAX_OPEN


@dataclass(frozen=True, slots=True)
class Opening:
    """One camera, opened by one person. `closed_at` is set when it was closed before its time; times are UTC."""

    id: str
    camera_id: str
    area: str
    owner: str
    person_id: str
    username: str
    display_name: str
    category: EmergencyCategory
    incident: str
    reason: str
    opened_at: datetime
    ends_at: datetime
    grant_id: str
    closed_at: datetime | None = None
    closed_by: str = ""
    reviewed_at: datetime | None = None
    reviewer: str = ""
    is_justified: bool | None = None
    review: str = ""

    @property
    def over_at(self) -> datetime:
        """When it ends or ended."""
        return self.ends_at if self.closed_at is None else min(self.closed_at, self.ends_at)

    @property
    def review_by(self) -> datetime:
        """Until when somebody else has to judge it."""
        return self.over_at + REVIEW_WITHIN

    def state(self, now: datetime) -> OpeningState:
        """What it is at this moment."""
        if self.is_justified is not None:
            return OpeningState.JUSTIFIED if self.is_justified else OpeningState.UNJUSTIFIED
        if now < self.over_at:
            return OpeningState.OPEN
        return OpeningState.UNREVIEWED if now < self.review_by else OpeningState.OVERDUE


def checked_emergency(wish: EmergencyWish) -> EmergencyWish:
    """The wish, tidied; PersonRuleError by its field for what is missing."""
    incident = wish.incident.strip()
    if not _INCIDENT.fullmatch(incident):
        raise PersonRuleError(
            "incident",
            "The incident number has 1 to 40 letters, digits, spaces or . / _ - as your control room gave it.",
        )
    if not timedelta(minutes=1) <= wish.lasting <= MAX_OPEN:
        raise PersonRuleError("minutes", "An emergency opens a camera for 1 to 60 minutes.")
    reason = check_name("reason", wish.reason, required=True)
    return EmergencyWish(wish.category, incident, reason, wish.lasting)


def owns(person: Person, opening: Opening, now: datetime) -> bool:
    """Whether the opened camera is this person's organisation's, and they may still see it."""
    return Standing(person, now).owns_at(_ref(opening))


def supervises(person: Person, opening: Opening, now: datetime) -> bool:
    """Whether this person judges what is opened there; nobody judges their own."""
    return person.id != opening.person_id and Standing(person, now).holds_in(Capability.REVIEW, opening.area)


def may_know(person: Person, opening: Opening, now: datetime) -> bool:
    """Whether this person may know of the opening: who opened, who owns, who judges, who reads the record there."""
    if person.disabled:
        return False
    return (
        person.id == opening.person_id
        or owns(person, opening, now)
        or supervises(person, opening, now)
        or Standing(person, now).allows(Capability.AUDIT, _ref(opening)).allowed
    )


def may_close(person: Person, opening: Opening, now: datetime) -> bool:
    """Whether this person may end it before its time: who opened it, its owner, and who judges it."""
    if person.disabled:
        return False
    return person.id == opening.person_id or owns(person, opening, now) or supervises(person, opening, now)


def to_tell(people: Iterable[Person], opening: Opening, now: datetime) -> list[Person]:
    """Whom an opening is told at once: its owner's people and those who will judge it, but not who opened it."""
    return [
        person
        for person in people
        if person.id != opening.person_id and (owns(person, opening, now) or supervises(person, opening, now))
    ]


def _ref(opening: Opening) -> CameraRef:
    return CameraRef(opening.camera_id, opening.area, opening.owner, emergency_only=True)
