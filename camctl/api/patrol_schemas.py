"""Patrols and events as they go over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from camctl.api.control_schemas import RoundOut
from camctl.api.schema_base import In
from camctl.store.patrols import StoredPatrol

PresetToken = Annotated[str, Field(min_length=1, max_length=64)]
# Shown to everyone as the holder's name: one line that says something.
Title = Annotated[str, Field(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")]
Seconds = Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)]
Priority = Annotated[int, Field(ge=0, le=100)]
Day = Annotated[int, Field(ge=0, le=6)]
ClockTime = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


class StationIn(In):
    """Go to `preset` (its token) with `speed` (a share of the fastest; null: the camera's own), stay for `dwell_s`."""

    preset: PresetToken
    dwell_s: Seconds
    speed: Annotated[float, Field(ge=0.05, le=1, allow_inf_nan=False)] | None = None


class WindowIn(In):
    """When a patrol runs: on these days (0 is Monday) from "HH:MM" to "HH:MM"; to an earlier time is the next day."""

    model_config = ConfigDict(populate_by_name=True)

    days: Annotated[list[Day], Field(min_length=1, max_length=7)]
    begins: Annotated[ClockTime, Field(alias="from")]
    ends: Annotated[ClockTime, Field(alias="to")]

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.begins == "24:00":
            raise ValueError('"from" is at most "23:59"')
        if self.begins == self.ends:
            raise ValueError('"from" and "to" are the same; a whole day is "00:00" to "24:00"')
        if len(set(self.days)) != len(self.days):
            raise ValueError("a day is named twice")
        return self

    def stored(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {"days": sorted(self.days), "from_min": _minutes(self.begins), "to_min": _minutes(self.ends)}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> WindowIn:
        """As clients see a stored one."""
        begins, ends = _clock_time(stored["from_min"]), _clock_time(stored["to_min"])
        return cls(days=list(stored["days"]), begins=begins, ends=ends)


class PatrolIn(In):
    """A whole patrol. No windows: it always runs.

    `priority` null: as it is, or of a new patrol 10, or just below one's own if that is less. `order`: which of a
    camera's patrols that are on and due runs, the lowest first; null: as it is, or of a new patrol after all others.
    """

    name: Title
    stops: Annotated[list[StationIn], Field(min_length=1, max_length=64)]
    windows: Annotated[list[WindowIn], Field(max_length=32, default_factory=list)]
    priority: Priority | None = None
    order: Annotated[int, Field(ge=0, le=1000)] | None = None
    enabled: bool = False


class PatrolOut(BaseModel):
    """A patrol. `round`: what it does now, while it is the one that runs or waits on the camera."""

    id: str
    camera_id: str
    name: str
    stops: list[StationIn]
    windows: list[WindowIn]
    priority: int
    order: int
    enabled: bool
    updated_by: str
    updated_at: datetime
    round: RoundOut | None

    @classmethod
    def of(cls, stored: StoredPatrol, running: RoundOut | None) -> PatrolOut:
        """The stored patrol; `running` is the camera's round, whichever it is."""
        return cls(
            id=stored.id,
            camera_id=stored.camera_id,
            name=stored.name,
            stops=[StationIn.model_validate(dict(stop)) for stop in stored.stops],
            windows=[WindowIn.of(window) for window in stored.windows],
            priority=stored.priority,
            order=stored.place or 0,
            enabled=stored.enabled,
            updated_by=stored.updated_by,
            updated_at=stored.updated_at,
            round=running if running is not None and running.id == stored.id else None,
        )


class PatrolsOut(BaseModel):
    """A camera's patrols in running order; their windows are in `time_zone`."""

    items: list[PatrolOut]
    time_zone: str


class EventIn(In):
    """Show `preset` for `hold_s` seconds, before patrols and after people, because of `reason`, which everyone sees."""

    preset: PresetToken
    hold_s: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)]
    reason: Title
    priority: Priority | None = None


class EventOut(BaseModel):
    """The event was taken; it is shown unless a person has control, and then once they are gone, if time is left."""

    id: str
    preset: str
    hold_s: float
    reason: str
    priority: int


def _minutes(clock_time: str) -> int:
    hours, minutes = clock_time.split(":")
    return int(hours) * 60 + int(minutes)


def _clock_time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
