"""The door to openings in emergencies, beside AuthService.

emergencies = Emergencies(auth)
opening, told = await emergencies.open(person, camera, EmergencyWish(EmergencyCategory.FLOOD, "112-881", "Banjir"))
await emergencies.close(opening.id, person)
await emergencies.review(opening.id, supervisor, is_justified=True, words="Sesuai prosedur")
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from auth.checks import check_name
from auth.emergency import checked_emergency, may_close, may_know, supervises, to_tell
from auth.emergency_records import EmergencyRecords
from auth.errors import AuthError, AuthUnavailableError, UnknownOpeningError
from auth.policy import Standing
from auth.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from auth.emergency import EmergencyWish, Opening
    from auth.model import CameraRef, Person
    from auth.service import AuthService

_log = logging.getLogger(__name__)
_LOOKED_AT = 500  # rows read at once for somebody who may know of few


class NotNeededError(AuthError):
    """The camera needs no emergency; the message says so."""


class MayNotOpenError(AuthError):
    """The person may not open the camera; the message says why."""


class MayNotJudgeError(AuthError):
    """The person may not close or judge the opening; the message says why."""


class Emergencies:
    """Openings of cameras that are shared in emergencies only; what changes bites like every change of grants."""

    def __init__(self, auth: AuthService) -> None:
        self._auth = auth
        self._records = EmergencyRecords(auth.sessions)

    async def open(self, person: Person, camera: CameraRef, wish: EmergencyWish) -> tuple[Opening, list[Person]]:
        """Open the camera for this person; returns the opening and whom to tell (nobody when it was open already).

        PersonRuleError by the wish's field, NotNeededError, MayNotOpenError.
        """
        checked = checked_emergency(wish)
        now = self._auth.now()
        if not camera.emergency_only:
            raise NotNeededError("This camera is not kept for emergencies; what you may do with it you may do now.")
        allowed = Standing(person, now).allows(Capability.EMERGENCY, camera)
        if not allowed:
            raise MayNotOpenError(allowed.reason)
        opening, is_new = await self._auth.change(lambda: self._records.open(person.username, camera, checked, now))
        if not is_new:
            return opening, []
        try:
            people = await self._auth.list_people()
        except AuthUnavailableError:
            # It is open, and the row that says so must be written; who is at the page hears of it all the same.
            _log.exception("who is to be told of the opening of %s could not be read", opening.camera_id)
            people = []
        return opening, to_tell(people, opening, now)

    async def close(self, opening_id: str, person: Person) -> tuple[Opening, bool]:
        """End it before its time, and say whether that changed anything. UnknownOpeningError, MayNotJudgeError."""
        now = self._auth.now()

        def judge(opening: Opening) -> None:
            self._check_known(opening, person, now)
            if not may_close(person, opening, now):
                raise MayNotJudgeError("Only who opened the camera, its owner or a supervisor closes it.")

        return await self._auth.change(lambda: self._records.close(opening_id, person.username, now, judge))

    async def review(self, opening_id: str, person: Person, *, is_justified: bool, words: str) -> Opening:
        """Judge it; a later judgement takes the place of an earlier one, the record keeps both.

        PersonRuleError, UnknownOpeningError, MayNotJudgeError.
        """
        found = check_name("review", words, required=True)
        now = self._auth.now()

        def judge(opening: Opening) -> None:
            self._check_known(opening, person, now)
            if now < opening.over_at:
                raise MayNotJudgeError("It is still open: close it first, then judge it.")
            if not supervises(person, opening, now):
                raise MayNotJudgeError("An opening is judged by somebody else, who reviews what is opened there.")

        return await self._auth.read(
            lambda: self._records.review(
                opening_id, person.username, now, is_justified=is_justified, words=found, judge=judge
            )
        )

    async def known_to(
        self, person: Person, most: int, before: tuple[datetime, str] | None = None,
        wanted: Callable[[Opening, datetime], bool] = lambda _opening, _now: True, *, is_pending: bool = False,
    ) -> list[Opening]:  # fmt: skip
        """The newest openings of which this person may know, at most `most`, before this time and id.

        `is_pending`: only what is open and what was not judged.
        """
        now = self._auth.now()
        found: list[Opening] = []
        while len(found) < most:
            piece = await self._auth.read(
                partial(self._records.newest, _LOOKED_AT, before, now if is_pending else None)
            )
            found += [each for each in piece if may_know(person, each, now) and wanted(each, now)]
            if len(piece) < _LOOKED_AT:
                break
            before = (piece[-1].opened_at, piece[-1].id)
        return found[:most]

    @staticmethod
    def _check_known(opening: Opening, person: Person, now: datetime) -> None:
        if not may_know(person, opening, now):
            raise UnknownOpeningError(opening.id)
