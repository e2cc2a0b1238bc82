"""Patrols and event presets: rounds of presets that hold a camera with low priority. Pure; time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

from camctl.ptz.events import Source, SourceKind

_DAY_MIN = 24 * 60
_WEEK_MIN = 7 * _DAY_MIN


@dataclass(frozen=True, slots=True)
class RoundStop:
    """One station: go to `preset` with `speed` (0 to 1, None: the camera's own) and stay for `dwell_s`."""

    preset: str
    dwell_s: float
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """When a round runs, in the configured time zone: days 0 (Monday) to 6, minutes of the day; may pass midnight."""

    days: frozenset[int]
    from_min: int
    to_min: int


@dataclass(frozen=True, slots=True)
class Round:
    """A patrol (repeats, as scheduled; no windows: always) or an event's preset (once, until it has dwelt)."""

    id: str
    name: str
    kind: SourceKind
    priority: int
    stops: tuple[RoundStop, ...]
    windows: tuple[Window, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class RoundView:
    """The round that runs or waits on a camera, for everyone watching.

    `state`: "running", "paused" (a person has control), "resting" (waits for the idle time), "failed" with `detail`.
    """

    id: str
    name: str
    kind: SourceKind
    state: str
    stop: int = 0  # index of the station it is at or on the way to
    stops: int = 0
    resumes_at: float | None = None  # monotonic; known while resting
    detail: str = ""


def is_due(windows: tuple[Window, ...], day: int, minute: float) -> bool:
    """Whether a round with these windows runs at `minute` of `day`; one without windows always does."""
    return not windows or any(_is_open(window, day, minute) for window in windows)


def _is_open(window: Window, day: int, minute: float) -> bool:
    if window.from_min < window.to_min:
        return day in window.days and window.from_min <= minute < window.to_min
    begun_today = day in window.days and minute >= window.from_min
    return begun_today or ((day - 1) % 7 in window.days and minute < window.to_min)


def minutes_to_look(windows: tuple[Window, ...], day: int, minute: float) -> float:
    """How long until a window opens or closes, but at most until the full hour: clocks are changed at full hours."""
    edges = [60.0 - minute % 60.0]
    at = day * _DAY_MIN + minute
    for window in windows:
        passes_midnight = window.to_min <= window.from_min
        for first in window.days:
            times = (window.from_min, window.to_min + (_DAY_MIN if passes_midnight else 0))
            edges += [(first * _DAY_MIN + time - at) % _WEEK_MIN or _WEEK_MIN for time in times]
    return min(edges)


def source_of(the_round: Round) -> Source:
    """The round as the arbiter knows it."""
    name = f"{the_round.kind.value}:{the_round.id}"
    return Source(
        sign_in=name,
        person=name,
        name=the_round.name,
        role=the_round.kind.value,
        priority=the_round.priority,
        channel=name,
        kind=the_round.kind,
    )
