"""Openings in emergencies, as they go over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from auth.emergency import EmergencyCategory, EmergencyWish, Opening, OpeningState, may_close, supervises
from auth.model import Person
from camctl.api.schema_base import In


class EmergencyIn(In):
    """Why a camera is needed now. `incident` is the number that the control room gave; it closes after `minutes`."""

    category: Annotated[EmergencyCategory, Field(strict=False)]
    incident: Annotated[str, Field(min_length=1, max_length=40)]
    reason: Annotated[str, Field(min_length=1, max_length=120)]
    minutes: Annotated[int, Field(ge=1, le=60)] = 60

    def wish(self) -> EmergencyWish:
        """The same as the people's package has it."""
        return EmergencyWish(self.category, self.incident, self.reason, timedelta(minutes=self.minutes))


class ReviewIn(In):
    """What somebody else found about an opening."""

    justified: bool
    words: Annotated[str, Field(min_length=1, max_length=120)]


class OpenedByOut(BaseModel):
    """Who opened it."""

    username: str
    display_name: str


class OpeningOut(BaseModel):
    """One camera, opened by one person in an emergency. `over_at`: when it ends or ended; `review_by`: the week's end.

    `camera_name`: as it is called now, empty for a camera that is no longer there.

    `may_close`, `may_review`: what the caller may do about it now.
    """

    id: str
    camera_id: str
    camera_name: str
    area: str
    owner: str
    opened_by: OpenedByOut
    category: EmergencyCategory
    incident: str
    reason: str
    state: OpeningState
    opened_at: datetime
    over_at: datetime
    closed_by: str
    review_by: datetime
    reviewer: str
    review: str
    may_close: bool
    may_review: bool

    @classmethod
    def of(cls, opening: Opening, caller: Person, now: datetime, camera_name: str) -> OpeningOut:
        """The opening as this person sees it."""
        return cls(
            id=opening.id,
            camera_id=opening.camera_id,
            camera_name=camera_name,
            area=opening.area,
            owner=opening.owner,
            opened_by=OpenedByOut(username=opening.username, display_name=opening.display_name),
            category=opening.category,
            incident=opening.incident,
            reason=opening.reason,
            state=opening.state(now),
            opened_at=opening.opened_at,
            over_at=opening.over_at,
            closed_by=opening.closed_by,
            review_by=opening.review_by,
            reviewer=opening.reviewer,
            review=opening.review,
            may_close=now < opening.over_at and may_close(caller, opening, now),  # judged or not
            may_review=now >= opening.over_at and supervises(caller, opening, now),
        )


class OpeningsOut(BaseModel):
    """Some openings, newest first; `next` is the `after` of the next page, null on the last."""

    items: list[OpeningOut]
    next: str | None
