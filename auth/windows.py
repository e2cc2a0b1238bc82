"""Hours of the week at which something holds, on the clocks of one time zone; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from auth.errors import PersonRuleError

DAY_MIN = 24 * 60
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start_min` to before `end_min` (minutes after midnight, local) on each of `days` (0 is Monday).

    An end that is not after the start lies on the next day; both the same is a whole day from there.
    """

    days: frozenset[int]
    start_min: int
    end_min: int
    zone: str

    @property
    def length_min(self) -> int:
        """How long it is by the clock on the wall."""
        return (self.end_min - self.start_min) % DAY_MIN or DAY_MIN

    def holds(self, at: datetime) -> bool:
        """Whether that moment (aware) lies in it."""
        local = at.astimezone(_zone(self.zone))
        since_midnight = local.hour * 60 + local.minute
        today, yesterday = local.weekday(), (local.weekday() - 1) % 7
        is_since_today = today in self.days and 0 <= since_midnight - self.start_min < self.length_min
        is_since_yesterday = yesterday in self.days and since_midnight + DAY_MIN - self.start_min < self.length_min
        return is_since_today or is_since_yesterday

    def is_within(self, other: Window) -> bool:
        """Whether it holds at no minute of the week at which the other does not; never across time zones."""
        return self.zone == other.zone and self._minutes() <= other._minutes()

    def _minutes(self) -> set[int]:
        starts = (day * DAY_MIN + self.start_min for day in self.days)
        return {minute % (7 * DAY_MIN) for start in starts for minute in range(start, start + self.length_min)}

    def next_edge(self, after: datetime) -> datetime:
        """The next moment (in the zone of `after`) at which it may begin or end; at most eight days away."""
        zone = _zone(self.zone)
        first = after.astimezone(zone).date() - timedelta(days=1)
        edges = (
            _moment(first + timedelta(days=day), minute, zone).astimezone(after.tzinfo)
            for day in range(10)
            for minute in (self.start_min, self.start_min + self.length_min)
        )
        return min(edge for edge in edges if edge > after)

    def __str__(self) -> str:
        days = ",".join(DAYS[day] for day in sorted(self.days))
        return f"{days} {_clock(self.start_min)}-{_clock(self.end_min)} {self.zone}"


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    day, minute = day + timedelta(days=minute // DAY_MIN), minute % DAY_MIN
    return datetime.combine(day, time(minute // 60, minute % 60), zone)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def checked_window(window: Window) -> Window:
    """The window itself; PersonRuleError when it cannot be one."""
    if not window.days or not window.days <= frozenset(range(7)):
        raise PersonRuleError("window", "A time window names days from 0 (Monday) to 6 (Sunday).")
    if not (0 <= window.start_min < DAY_MIN and 0 <= window.end_min <= DAY_MIN):
        raise PersonRuleError("window", "A time window's hours lie between 00:00 and 24:00.")
    try:
        _zone(window.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PersonRuleError("window", f"There is no time zone {window.zone!r}; one is Asia/Jakarta.") from None
    return window


def parse_window(text: str) -> Window:
    """`mon-fri 07:00-18:00 Asia/Jakarta` as a window; PersonRuleError when it is written otherwise."""
    parts = text.split()
    try:
        days, hours, zone = parts
        start, end = hours.split("-")
        window = Window(_days(days), _minutes(start), _minutes(end), zone)
    except ValueError:
        raise PersonRuleError(
            "window", f"{text[:80]!r} is no time window; one looks like 'mon-fri 07:00-18:00 Asia/Jakarta'."
        ) from None
    return checked_window(window)


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.casefold().split(","):
        first, _, last = part.partition("-")
        start, end = DAYS.index(first), DAYS.index(last or first)
        found |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
    return frozenset(found)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    if len(hours) != 2 or len(minutes) != 2 or not 0 <= int(minutes) < 60:
        raise ValueError(text)
    return int(hours) * 60 + int(minutes)
