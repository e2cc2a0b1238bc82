"""Reading and writing openings of cameras: short, synchronous transactions; the service calls them on its threads."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, or_, select, tuple_

from auth.emergency import EmergencyCategory, Opening
from auth.errors import UnknownOpeningError
from auth.grants import GrantKind
from auth.roles import EMERGENCY_CAPABILITIES
from auth.tables import EmergencyRow, GrantRow, PersonRow
from auth.writing import note, person_row, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session, sessionmaker

    from auth.emergency import EmergencyWish
    from auth.model import CameraRef
    from auth.writing import Change

_FIELDS = tuple(column.name for column in EmergencyRow.__table__.columns)


def opening_of(row: EmergencyRow) -> Opening:
    """A stored opening."""
    values = {name: getattr(row, name) for name in _FIELDS}
    return Opening(**{**values, "category": EmergencyCategory(row.category)})


class EmergencyRecords:
    """The table of openings, and the grant that each of them is while it lasts."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def open(
        self, username: str, camera: CameraRef, wish: EmergencyWish, now: datetime
    ) -> tuple[tuple[Opening, bool], list[Change]]:
        """Open the camera for the person; one that is open for them already stays as it is, and nothing changes."""
        with writing(self._sessions) as session:
            person = person_row(session, username, lock=True)
            known = session.scalar(_running(person.id, camera.id, now))
            if known is not None:
                return (opening_of(known), False), []
            for old in [row for row in person.grants if row.kind == GrantKind.EMERGENCY and _is_over(row, now)]:
                person.grants.remove(old)  # what it was is in the table of openings
            grant = _grant(person, camera, wish, now)
            person.grants.append(grant)
            row = _row(person, camera, wish, grant, now)
            session.add(row)
            return (opening_of(row), True), [note(session, person.id, now)]

    def close(
        self, opening_id: str, by: str, now: datetime, judge: Callable[[Opening], None]
    ) -> tuple[tuple[Opening, bool], list[Change]]:
        """End it before its time; `judge` refuses that by raising. One that is over already stays as it is."""
        with writing(self._sessions) as session:
            row = _find(session, opening_id)
            judge(opening_of(row))
            if row.closed_at is not None or row.ends_at <= now:
                return (opening_of(row), False), []
            row.closed_at, row.closed_by = now, by
            session.execute(delete(GrantRow).where(GrantRow.id == row.grant_id))
            return (opening_of(row), True), [note(session, row.person_id, now)]

    def review(
        self,
        opening_id: str,
        by: str,
        now: datetime,
        *,
        is_justified: bool,
        words: str,
        judge: Callable[[Opening], None],
    ) -> Opening:
        """Write down what somebody found; `judge` refuses that by raising."""
        with writing(self._sessions) as session:
            row = _find(session, opening_id)
            judge(opening_of(row))
            row.reviewed_at, row.reviewer, row.is_justified, row.review = now, by, is_justified, words
            return opening_of(row)

    def get(self, opening_id: str) -> Opening:
        """One of them; UnknownOpeningError."""
        with self._sessions() as session:
            return opening_of(_find(session, opening_id))

    def newest(
        self, most: int, before: tuple[datetime, str] | None = None, pending_at: datetime | None = None
    ) -> Sequence[Opening]:
        """At most `most`, newest first, before the one with this time and id.

        `pending_at`: of those that were not judged, or are open at that time, only.
        """
        query = select(EmergencyRow).order_by(EmergencyRow.opened_at.desc(), EmergencyRow.id.desc()).limit(most)
        if before is not None:
            query = query.where(tuple_(EmergencyRow.opened_at, EmergencyRow.id) < before)
        if pending_at is not None:
            is_open = and_(EmergencyRow.closed_at.is_(None), EmergencyRow.ends_at > pending_at)
            query = query.where(or_(EmergencyRow.is_justified.is_(None), is_open))
        with self._sessions() as session:
            return [opening_of(row) for row in session.scalars(query)]


def _is_over(row: GrantRow, now: datetime) -> bool:
    return row.ends_at is not None and row.ends_at <= now


def _running(person_id: str, camera_id: str, now: datetime) -> Select[EmergencyRow]:
    return select(EmergencyRow).where(
        EmergencyRow.person_id == person_id,
        EmergencyRow.camera_id == camera_id,
        EmergencyRow.closed_at.is_(None),
        EmergencyRow.ends_at > now,
    )


def _find(session: Session, opening_id: str) -> EmergencyRow:
    row = session.get(EmergencyRow, opening_id, with_for_update=True)
    if row is None:
        raise UnknownOpeningError(opening_id)
    return row


def _grant(person: PersonRow, camera: CameraRef, wish: EmergencyWish, now: datetime) -> GrantRow:
    return GrantRow(
        id=uuid.uuid4().hex,
        role_name=None,
        role=None,
        areas=[],
        cameras=[camera.id],
        capabilities=sorted(EMERGENCY_CAPABILITIES),
        deny=False,
        window=None,
        starts_at=None,
        ends_at=now + wish.lasting,
        priority=None,
        kind=GrantKind.EMERGENCY.value,
        waits=False,
        reason=wish.reason,
        granter=person.username,
        approver="",
        created=now,
    )


def _row(person: PersonRow, camera: CameraRef, wish: EmergencyWish, grant: GrantRow, now: datetime) -> EmergencyRow:
    return EmergencyRow(
        id=uuid.uuid4().hex,
        camera_id=camera.id,
        area=camera.area,
        owner=camera.owner,
        person_id=person.id,
        username=person.username,
        display_name=person.display_name,
        category=wish.category.value,
        incident=wish.incident,
        reason=wish.reason,
        opened_at=now,
        ends_at=now + wish.lasting,
        grant_id=grant.id,
        closed_by="",
        reviewer="",
        review="",
    )
