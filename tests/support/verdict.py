"""What a motor log proves: whether and when a camera that was told to end its motion did. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

_COMMANDS = frozenset({"move", "absolute", "relative", "preset", "home"})


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the simulator's motor log, as far as it matters here."""

    at_s: float
    kind: str
    pan: float | None
    tilt: float | None
    zoom: float | None
    moving: bool
    axis: str | None = None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Event:
        """From the simulator's side door."""
        return cls(**{name: value[name] for name in cls.__slots__})

    @property
    def is_halt(self) -> bool:
        """A command to stand still: Stop, or a move by nothing in every axis that it names."""
        if self.kind == "stop":
            return True
        named = [value for value in (self.pan, self.tilt, self.zoom) if value is not None]
        return self.kind in {"move", "relative"} and bool(named) and not any(named)

    @property
    def is_motion(self) -> bool:
        """A command to turn."""
        return self.kind in _COMMANDS and not self.is_halt


class Until(Enum):
    """What a row's limit is about."""

    STOP = "Stop"  # the command to stand still arrived at the motors, and no other came after it
    STILL = "standstill"  # the motors stand, and nothing moved them afterwards


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table of what may die. `promise` says where the limit comes from."""

    name: str
    limit_s: float
    until: Until
    promise: str
    must_turn: bool = True  # a trial counts only if the camera turned when the thing died
    may_resume: bool = False  # the finger is still down, and what died is back: the first end counts


@dataclass(frozen=True, slots=True)
class Trial:
    """One camera, one death: at `died_s` the thing died; `took_s` is inf when the camera never ended its motion."""

    row: Row
    camera: str
    died_s: float
    took_s: float
    events: Sequence[Event] = field(repr=False)

    @property
    def is_good(self) -> bool:
        """Whether the promise was kept."""
        return self.took_s <= self.row.limit_s

    def story(self) -> str:
        """The camera and what its motors did, in seconds from the death."""
        lines = [f"{self.row.name}, camera {self.camera}: {_ms(self.took_s)} ms, limit {_ms(self.row.limit_s)}"]
        for event in self.events:
            values = [f"{name} {value:g}" for name in ("pan", "tilt", "zoom") if (value := getattr(event, name))]
            what = " ".join([event.kind, event.axis or "", *values, "(turning)" if event.moving else "(still)"])
            lines.append(f"    {event.at_s - self.died_s:+8.3f} s  {what}")
        return "\n".join(lines)


class NothingToSeeError(AssertionError):
    """The trial proves nothing: the camera did not turn when the thing died."""


def judge(row: Row, camera: str, died_s: float, events: Sequence[Event]) -> Trial:
    """What the log says of one trial; `events` begin well before `died_s`.

    Raises:
        NothingToSeeError: it did not turn at `died_s` though the row needs that, or never at all.
    """
    before = [event for event in events if event.at_s <= died_s]
    is_turning = bool(before) and before[-1].moving
    motions = [event.at_s for event in events if event.is_motion]
    trial = Trial(row, camera, died_s, math.inf, events)
    if not motions or (row.must_turn and not is_turning):
        raise NothingToSeeError(f"the camera did not turn when it should be stopped:\n{trial.story()}")
    after_s = died_s if row.may_resume else max(motions)
    ends = [
        event.at_s
        for event in events
        if event.at_s >= max(after_s, died_s if is_turning else -math.inf)
        and (event.is_halt if row.until is Until.STOP else not event.moving)
    ]
    is_over = row.may_resume or not events[-1].moving
    took_s = max(0.0, ends[0] - died_s) if ends and is_over else math.inf
    return Trial(row, camera, died_s, took_s, events)


def interruptions(events: Sequence[Event], from_s: float, to_s: float) -> list[float]:
    """When a motion that should have gone on was ended: by a command to stand still or by the camera's own Timeout."""
    return [
        event.at_s for event in events if from_s <= event.at_s <= to_s and (event.is_halt or event.kind == "timeout")
    ]


def ages(events: Sequence[Event], sent: Sequence[tuple[float, float]], exactness: float) -> list[tuple[float, float]]:
    """How old each move was when it reached the motors first: (when it did, its age in s), matched by its pan.

    The same pan again is a renewal of a command that still lives. `sent` has when each move was sent, and its pan,
    which differs from all others' by more than `exactness`.

    Raises:
        ValueError: the motors did what nobody sent.
    """
    found: dict[float, tuple[float, float]] = {}
    for event in events:
        if event.kind == "move" and event.pan:
            sent_at_s, pan = min(sent, key=lambda each: abs(each[1] - (event.pan or 0.0)))
            if abs(pan - event.pan) > exactness:
                raise ValueError(f"a move with pan {event.pan} reached the motors; nobody sent it")
            found.setdefault(pan, (event.at_s, event.at_s - sent_at_s))
    return list(found.values())


def table(trials: Sequence[Trial]) -> str:
    """Row by row: how many, how long in ms, and what was allowed; in the order of each row's first trial."""
    rows = dict.fromkeys(trial.row for trial in trials)
    width = max(len(row.name) for row in rows)
    head = f"{'what dies':<{width}}    n   p50   p95   max  limit  until       promise"
    lines = [
        f"{len(trials)} trials over real sockets, from the death until the camera's motors were stopped, in ms:",
        "",
        head,
    ]
    for row in rows:
        took = sorted(trial.took_s for trial in trials if trial.row == row)
        figures = (_rank(took, 0.5), _rank(took, 0.95), took[-1], row.limit_s)
        cells = "".join(f"{_ms(value):>6}" for value in figures)
        lines.append(f"{row.name:<{width}}  {len(took):>3}{cells}   {row.until.value:<10}  {row.promise}")
    return "\n".join(lines)


def _rank(values: Sequence[float], share: float) -> float:
    return values[max(0, math.ceil(share * len(values)) - 1)]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}" if math.isfinite(seconds) else "never"
