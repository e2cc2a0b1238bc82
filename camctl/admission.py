"""Who may open a video session when places are short: the city's people before the others. Pure: no clock, no I/O.

A place is one viewer of one camera in one media worker. Some places of every camera and worker are kept for the
highest rank. When all are taken, a higher rank's arrival takes the place of the newest session of the lowest rank.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from auth.roles import ViewingRank

HIGHEST = max(ViewingRank)
FALLBACK = -1  # the "worker" of sessions without WebRTC
# Shares of `Places.busy_lag_s` at which a rank is refused; the highest is never refused for it.
_LAG_SHARES: Mapping[ViewingRank, float] = MappingProxyType({ViewingRank.PUBLIC: 0.5, ViewingRank.PARTNER: 1.0})


class Scope(StrEnum):
    """What is full; the values go to clients."""

    CAMERA = "camera"
    WORKER = "worker"
    FALLBACK = "fallback"  # those without WebRTC
    BUSY = "busy"  # places are left, but the media worker's processor has none to give


@dataclass(frozen=True, slots=True)
class Places:
    """How many sessions there may be. `reserve_share` (0 to 0.9) of a camera's and a worker's is for the highest rank.

    `fallback`: sessions whose pictures go through the service's own process instead of a worker (`FALLBACK`).
    `busy_lag_s`: a worker whose event loop is this late takes no more sessions of lower ranks. `retry_after_s`: when
    somebody who was refused may ask again.
    """

    per_person: int
    per_camera: int
    per_worker: int
    fallback: int = 200
    reserve_share: float = 0.1
    busy_lag_s: float = 0.1
    retry_after_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Seat:
    """One session and where it sits. `visitor` tells one person's device from another (the sign-in)."""

    session_id: str
    person: str
    visitor: str
    camera: str
    worker: int
    rank: ViewingRank


class TooManySessionsError(Exception):
    """The person has as many video sessions open as the configuration allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"you have {limit} video sessions open, which is the most one person may have; close one")


_WHY_FULL: Mapping[Scope, str] = MappingProxyType(
    {
        Scope.CAMERA: "As many people as may watch this camera are watching it.",
        Scope.WORKER: "As many people as the service can serve are watching.",
        Scope.FALLBACK: "No more people can watch without WebRTC now.",
        Scope.BUSY: "The service is busy with the viewers it has.",
    }
)


class NoPlaceError(Exception):
    """There is no place for this rank now; ask again after `retry_after_s`.

    `gave_way`: the visitor had a place and lost it to somebody of a higher rank.
    """

    def __init__(self, scope: Scope, retry_after_s: float, *, gave_way: bool = False) -> None:
        lost = "Your place was given to somebody on the city's duty." if gave_way else _WHY_FULL[scope]
        super().__init__(f"{lost} Try again in {retry_after_s:.0f} s.")
        self.scope = scope
        self.retry_after_s = retry_after_s
        self.gave_way = gave_way


class Admission:
    """Who sits where. `admit` and `leave` are its only events; nothing above the limits ever sits."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._seats: dict[str, Seat] = {}
        self._persons: Counter[str] = Counter()
        self._areas: dict[str | int, dict[str, Seat]] = {}  # by camera (str) and worker (int); oldest first
        self._gave_way: dict[tuple[str, str], float] = {}  # visitor and camera, until when that is worth saying

    def __len__(self) -> int:
        return len(self._seats)

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._seats

    @property
    def limits(self) -> Places:
        """The rules."""
        return self._places

    def admit(self, seat: Seat, *, lag_s: float, now_s: float) -> tuple[Seat, ...]:
        """Seat somebody; the seats that were taken away for it, which are to be closed. A seat is admitted once.

        Raises:
            TooManySessionsError: the person's share is used up.
            NoPlaceError: as it says. Nothing has changed then.
        """
        if self._persons[seat.person] >= self._places.per_person:
            raise TooManySessionsError(self._places.per_person)
        share = _LAG_SHARES.get(seat.rank)
        if share is not None and lag_s >= share * self._places.busy_lag_s:
            raise self._refusal(seat, Scope.BUSY, now_s)
        victims = self._victims(seat, now_s)
        for victim in victims:
            self.leave(victim.session_id)
            self._remember(victim, now_s)
        self._seats[seat.session_id] = seat
        self._persons[seat.person] += 1
        for area in (seat.camera, seat.worker):
            self._areas.setdefault(area, {})[seat.session_id] = seat
        return victims

    def leave(self, session_id: str) -> None:
        """The session is over; idempotent."""
        seat = self._seats.pop(session_id, None)
        if seat is None:
            return
        self._persons[seat.person] -= 1
        if not self._persons[seat.person]:
            del self._persons[seat.person]
        for area in (seat.camera, seat.worker):
            del self._areas[area][session_id]
            if not self._areas[area]:
                del self._areas[area]

    def gave_way(self, visitor: str, camera: str, now_s: float) -> bool:
        """Whether this visitor lost a place at this camera to a higher rank a moment ago."""
        return self._gave_way.get((visitor, camera), 0.0) > now_s

    def _victims(self, seat: Seat, now_s: float) -> tuple[Seat, ...]:
        """Who has to go so that `seat` fits: nobody, one, or one of the camera's and one of the worker's."""
        victims: list[Seat] = []
        places = self._places
        seated_by = (Scope.WORKER, seat.worker, places.per_worker)
        if seat.worker == FALLBACK:
            seated_by = (Scope.FALLBACK, seat.worker, places.fallback)
        for scope, area, limit in ((Scope.CAMERA, seat.camera, places.per_camera), seated_by):
            there = [other for other in self._areas.get(area, {}).values() if other not in victims]
            if _has_room(there, limit, places.reserve_share, seat.rank):
                continue
            victim = _newest_of_the_lowest(there, seat)
            if victim is None:
                raise self._refusal(seat, scope, now_s)
            victims.append(victim)
        return tuple(victims)

    def _refusal(self, seat: Seat, scope: Scope, now_s: float) -> NoPlaceError:
        gave_way = self.gave_way(seat.visitor, seat.camera, now_s)
        return NoPlaceError(scope, self._places.retry_after_s, gave_way=gave_way)

    def _remember(self, victim: Seat, now_s: float) -> None:
        # Oldest first, and all are kept equally long: those that are over are at the beginning.
        for key in tuple(self._gave_way):
            if self._gave_way[key] > now_s:
                break
            del self._gave_way[key]
        key = (victim.visitor, victim.camera)
        self._gave_way.pop(key, None)
        self._gave_way[key] = now_s + 2 * self._places.retry_after_s


def _has_room(there: Iterable[Seat], limit: int, reserve_share: float, rank: ViewingRank) -> bool:
    taken = Counter(seat.rank for seat in there)
    if taken.total() >= limit:
        return False
    lower = taken.total() - taken[HIGHEST]
    return rank is HIGHEST or lower < limit - int(limit * reserve_share)


def _newest_of_the_lowest(there: Iterable[Seat], arriving: Seat) -> Seat | None:
    """The seat to give away; of several ranks the lowest, and one in the arriving seat's own worker if there is one."""

    def order(numbered: tuple[int, Seat]) -> tuple[int, bool, int]:
        number, seat = numbered
        return (seat.rank, seat.worker != arriving.worker, -number)

    lower: Iterator[tuple[int, Seat]] = ((n, seat) for n, seat in enumerate(there) if seat.rank < arriving.rank)
    found = min(lower, key=order, default=None)
    return found[1] if found else None
