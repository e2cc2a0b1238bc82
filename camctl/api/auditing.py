"""The API process's audit rows: who signed in, watched, was refused, and changed what."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import UTC, datetime

from starlette.requests import HTTPConnection

from auth.emergency import Opening
from auth.grants import Grant, common_area
from auth.model import Person, SignIn
from auth.throttle import network_of
from camctl.api.problems import FORBIDDEN, NOT_FOUND, ProblemError
from camctl.audit.chain import AuditRow
from camctl.audit.entry import SERVICE, Action, Actor, AuditEntry, Detail, Outcome, Reason, ReasonCategory
from camctl.audit.repeats import REST, Repeats
from camctl.audit.spool import NoRecorder, Recorder
from camctl.cameras.model import CameraEntry
from camctl.config_changes import told
from camctl.video import VideoSession, ViewEnd


def actor_of(person: Person) -> Actor:
    """A person as the record names them."""
    return Actor(person.id, person.display_name, person.role, person.organisation)


def _area_of(person: Person) -> str:
    """The area to which what a person does belongs when it concerns no camera: theirs, if it is one."""
    return person.areas[0] if len(person.areas) == 1 else ""


_SURELY_S = 1.0
_ENDS = {
    ViewEnd.LOST: ReasonCategory.LINK,
    ViewEnd.SHUTDOWN: ReasonCategory.SYSTEM,
    ViewEnd.FAILED: ReasonCategory.SYSTEM,
}


class ServiceAudit:
    """Makes entries; used on the event loop. A Part: what is watched when the service ends, ends on record."""

    def __init__(
        self,
        recorder: Recorder | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recorder = recorder or NoRecorder()
        self._clock = clock
        self._steady = steady
        self._views: dict[str, tuple[AuditEntry, float]] = {}
        # Apart, so that who comes from outside with ever new addresses keeps nothing of anybody else's off the record.
        self._strangers, self._refusals, self._snapshots = Repeats(most=1_000), Repeats(), Repeats()

    async def start(self) -> None:
        """Nothing to begin."""

    async def close(self) -> None:
        """End every view that is on record."""
        for session_id in tuple(self._views):
            self._end(session_id, ViewEnd.SHUTDOWN)

    # Who did what ---------------------------------------------------------------------------------------------------

    def did(
        self,
        person: Person,
        action: Action,
        camera: CameraEntry | None = None,
        target: str = "",
        words: str = "",
        **details: Detail,
    ) -> None:
        """Record soon that somebody did this."""
        self._recorder.note(self._entry(person, action, camera, target, words, details))

    async def surely(
        self, person: Person, action: Action, target: str = "", words: str = "", **details: Detail
    ) -> None:
        """Record that somebody did this, and return when it is on the disk; at the latest after a second."""
        await self._surely(self._entry(person, action, None, target, words, details))

    async def exported(self, person: Person, details: dict[str, Detail]) -> None:
        """Record that somebody takes rows away, and which; as `surely`."""
        await self._surely(self._entry(person, Action.EXPORT, None, "audit", "", details))

    async def granted(self, person: Person, action: Action, username: str, grant: Grant, step: str) -> None:
        """Record what somebody gave, approved or took; as `surely`. The row lies in the area that holds all of it."""
        details: dict[str, Detail] = {
            "step": step,
            "role": grant.role,
            "areas": " ".join(grant.areas),
            "cameras": " ".join(grant.cameras),
            "deny": grant.deny,
            "waits": grant.waits,
            "ends_at": grant.ends_at.isoformat() if grant.ends_at is not None else None,
        }
        entry = self._entry(person, action, None, f"{username}/{grant.id}", grant.reason, details)
        await self._surely(replace(entry, area=common_area(grant.areas)))

    async def opened(self, person: Person, action: Action, opening: Opening, told: str = "") -> None:
        """Record that somebody opened, closed or judged a camera in an emergency; as `surely`."""
        details: dict[str, Detail] = {
            "category": opening.category.value,
            "incident": opening.incident,
            "opened_by": opening.username,
            "ends_at": opening.ends_at.isoformat(),
        }
        if told:
            details["told"] = told
        words = opening.reason
        if action is Action.EMERGENCY_REVIEW:
            words = opening.review
            details["justified"] = opening.is_justified
        entry = self._entry(person, action, None, opening.id, words, details)
        await self._surely(replace(entry, camera=opening.camera_id, area=opening.area))

    async def camera_changed(self, before: CameraEntry, after: CameraEntry) -> None:
        """Record what became of a camera's policy; as `surely`. One that was moved is told in both areas."""
        details: dict[str, Detail] = {}
        for key, (was, now) in told(before.policy, after.policy).items():
            details |= {f"{key}_from": was, f"{key}_to": now}
        reason = Reason(ReasonCategory.SYSTEM, "the configuration was read again")
        at = self._clock()
        for area in dict.fromkeys((before.area, after.area)):
            await self._surely(
                AuditEntry(at, SERVICE, Action.CAMERA_CHANGE, after.id, area, reason=reason, details=details)
            )

    async def _surely(self, entry: AuditEntry) -> None:
        writing = self._recorder.append(entry)
        await asyncio.wait({writing}, timeout=_SURELY_S)
        if writing.done() and writing.exception() is not None:
            self._recorder.note(entry)

    def append(
        self, person: Person, action: Action, camera: str, area: str, target: str, words: str
    ) -> asyncio.Future[AuditRow]:
        """Record it durably; the future raises OSError when that failed."""
        entry = self._entry(person, action, None, target, words, {})
        return self._recorder.append(replace(entry, camera=camera, area=area))

    def _entry(
        self,
        person: Person,
        action: Action,
        camera: CameraEntry | None,
        target: str,
        words: str,
        details: dict[str, Detail],
    ) -> AuditEntry:
        return AuditEntry(
            self._clock(), actor_of(person), action,
            camera.id if camera is not None else "", camera.area if camera is not None else _area_of(person),
            target, reason=Reason(ReasonCategory.STATED, words) if words else Reason(), details=details,
        )  # fmt: skip

    def sign_in_refused(
        self, address: str, why: str, typed: str | None = None, known: Person | str | None = None
    ) -> None:
        """Somebody did not prove who they are, or was slowed: at a sign-in, or signed in (`known` is the person).

        What was typed as the name is not kept: it is often a password in the wrong field. A username as `known` is one
        whose password was right: the row says whose password somebody has.
        """
        target = known if isinstance(known, str) else ""
        details: dict[str, Detail] = {"address": address}
        if typed is not None:
            details["name_chars"] = len(typed)
        entry = AuditEntry(
            self._clock(), actor_of(known) if isinstance(known, Person) else Actor(), Action.SIGN_IN,
            area=_area_of(known) if isinstance(known, Person) else "", target=target, outcome=Outcome.REFUSED,
            reason=Reason(ReasonCategory.RULE, why), details=details,
        )  # fmt: skip
        table = self._refusals if isinstance(known, Person) else self._strangers
        self._once(table, (network_of(address), why, entry.actor.id, target), entry)

    # Refusals -------------------------------------------------------------------------------------------------------

    def refused(
        self, connection: HTTPConnection, problem: ProblemError, sign_in: SignIn | None, area: str | None = None
    ) -> None:
        """A permission refused something. An unknown camera and a forbidden one are one and the same here too.

        `area`: of the camera in the path; None when it names none. Of one that does not exist it is empty, not the
        asker's: whoever reads there could tell from the row which cameras of other areas do not exist.
        """
        camera = str(connection.path_params.get("camera_id", ""))
        if problem.kind not in (FORBIDDEN, NOT_FOUND) or (problem.kind is NOT_FOUND and not camera):
            return
        route = getattr(connection.scope.get("route"), "path", "")
        method = str(connection.scope.get("method", "socket"))
        actor = actor_of(sign_in.person) if sign_in is not None else Actor()
        if area is None:
            area = _area_of(sign_in.person) if sign_in is not None else ""
        entry = AuditEntry(
            self._clock(), actor, Action.REFUSAL, camera, area,
            f"{method} {route}", Outcome.REFUSED,
            Reason(ReasonCategory.RULE, str(problem.extras.get("why", problem.kind.name))),
        )  # fmt: skip
        table = self._strangers if sign_in is None else self._refusals
        self._once(table, (actor.id, camera, method, route), entry)

    def command_refused(self, person: Person, camera: CameraEntry, lane: str, asked: str, why: str) -> None:
        """A permission refused a message of a control socket, over whichever lane; the same again is counted."""
        entry = AuditEntry(
            self._clock(), actor_of(person), Action.REFUSAL, camera.id, camera.area, f"{lane} {asked}",
            Outcome.REFUSED, Reason(ReasonCategory.RULE, why),
        )  # fmt: skip
        self._once(self._refusals, (person.id, camera.id, "control", asked), entry)

    def snapshot(self, person: Person, camera: CameraEntry) -> None:
        """One picture; those that follow within a minute are one more row."""
        key, entry = (person.id, camera.id), self._entry(person, Action.SNAPSHOT, camera, "", "", {})
        if self._snapshots.kind(key) is REST:  # who saw what is never folded into what others saw
            self._recorder.note(entry)
        else:
            self._once(self._snapshots, key, entry)

    def _once(self, table: Repeats, key: Hashable, entry: AuditEntry) -> None:
        key = table.kind(key)
        if not table.is_news(key, self._steady()):
            return
        self._recorder.note(entry)
        asyncio.get_running_loop().call_later(table.window_s, self._tell_repeats, table, key, entry)

    def _tell_repeats(self, table: Repeats, key: Hashable, entry: AuditEntry) -> None:
        more = table.over(key)
        if more:
            self._recorder.note(replace(entry, at=self._clock(), details={**entry.details, "again": more}))

    # Views (see camctl.video.Views) ---------------------------------------------------------------------------------

    def began(self, session: VideoSession, camera: CameraEntry) -> None:
        """A view began."""
        person = session.viewer
        actor = actor_of(person) if person is not None else Actor(session.person)
        way = "webrtc" if session.on_end is None else "fallback"
        entry = AuditEntry(
            self._clock(), actor, Action.VIEW_START, camera.id, camera.area, session.id[:8], details={"way": way}
        )
        self._views[session.id] = (entry, self._steady())
        self._recorder.note(entry)

    def play_began(self, session_id: str, person: Person, camera: CameraEntry, account: str) -> None:
        """A recorder or player began to get video (see camctl.restream.Plays)."""
        details: dict[str, Detail] = {"way": "restream", "account": account}
        entry = AuditEntry(
            self._clock(), actor_of(person), Action.VIEW_START, camera.id, camera.area, session_id[:8], details=details
        )
        self._views[session_id] = (entry, self._steady())
        self._recorder.note(entry)

    def play_ended(self, session_id: str, why: ViewEnd) -> None:
        """It no longer does."""
        self._end(session_id, why)

    def ended(self, session: VideoSession, why: ViewEnd) -> None:
        """A view ended; one that never began is none."""
        self._end(session.id, why)

    def _end(self, session_id: str, why: ViewEnd) -> None:
        began = self._views.pop(session_id, None)
        if began is None:
            return
        entry, since_s = began
        details = {**entry.details, "lasted_s": round(self._steady() - since_s, 1)}
        reason = Reason(_ENDS.get(why, ReasonCategory.RULE), why.value)
        self._recorder.note(replace(entry, at=self._clock(), action=Action.VIEW_END, reason=reason, details=details))
