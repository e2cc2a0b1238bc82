"""What goes over HTTP, as OpenAPI documents it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from auth.model import Person
from auth.policy import capabilities_of, highest_priority
from auth.roles import Capability
from camctl.api.access import Visit
from camctl.areas.tree import AreaTree
from camctl.cameras.session import CameraSession
from camctl.ptz.events import Source

Share = Annotated[float, Field(ge=-1.0, le=1.0, allow_inf_nan=False)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class LoginIn(_In):
    """Name and password of a person."""

    username: Annotated[str, Field(min_length=1, max_length=256)]
    password: Annotated[str, Field(min_length=1, max_length=256)]


class PersonOut(BaseModel):
    """Who somebody is and what their role brings."""

    username: str
    display_name: str
    role: str
    areas: list[str]
    priority: int
    capabilities: list[str]

    @classmethod
    def of(cls, person: Person) -> PersonOut:
        """The person as clients see them."""
        return cls(
            username=person.username,
            display_name=person.display_name,
            role=person.role,
            areas=list(person.areas),
            priority=highest_priority(person),
            capabilities=sorted(capabilities_of(person)),
        )


class LoginOut(BaseModel):
    """A new sign-in. `token` is for programs; browsers have the cookie."""

    token: str
    expires_at: datetime
    person: PersonOut


class AreaOut(BaseModel):
    """An area by its dotted code."""

    code: str
    name: str


class HolderOut(BaseModel):
    """Who controls a camera now."""

    name: str
    role: str
    priority: int
    you: bool
    expires_in_ms: int

    @classmethod
    def of(cls, camera: CameraSession, sign_in_id: str) -> HolderOut | None:
        """The holder as the person with this sign-in sees them; None when the camera is free."""
        lease = camera.lease
        if lease is None:
            return None
        source: Source = lease.source
        return cls(
            name=source.name,
            role=source.role,
            priority=source.priority,
            you=source.sign_in == sign_in_id,
            expires_in_ms=round(camera.lease_ends_in_s() * 1000),
        )


class AbilitiesOut(BaseModel):
    """What the camera proved that it can do."""

    pan_tilt: bool
    zoom: bool
    absolute: bool
    relative: bool
    home: bool
    presets: bool


class MayOut(BaseModel):
    """What the caller may do with this camera."""

    live: bool
    control: bool
    snapshot: bool
    presets: bool


class CameraOut(BaseModel):
    """One camera, as the caller sees it."""

    id: str
    name: str
    area: AreaOut
    state: Literal["unknown", "connecting", "live", "offline"]
    state_detail: str
    steerable: bool
    abilities: AbilitiesOut
    may: MayOut
    holder: HolderOut | None

    @classmethod
    def of(cls, visit: Visit, areas: AreaTree) -> CameraOut:
        """The camera of this visit."""
        camera = visit.camera
        abilities = camera.abilities
        area = areas.get(camera.entry.area)
        return cls(
            id=camera.entry.id,
            name=camera.entry.name,
            area=AreaOut(code=camera.entry.area, name=area.name if area else camera.entry.area),
            state=camera.health.state.value,
            state_detail=camera.health.detail,
            steerable=abilities.can_steer,
            abilities=AbilitiesOut(
                pan_tilt=abilities.pan_tilt,
                zoom=abilities.zoom,
                absolute=abilities.absolute,
                relative=abilities.relative,
                home=abilities.home,
                presets=abilities.presets,
            ),
            may=MayOut(
                live=visit.may(Capability.LIVE),
                control=visit.may(Capability.CONTROL),
                snapshot=visit.may(Capability.SNAPSHOT),
                presets=visit.may(Capability.PRESETS),
            ),
            holder=HolderOut.of(camera, visit.sign_in.session_id),
        )


class CameraPage(BaseModel):
    """Some cameras, by id; `next` is the `after` of the next page, null on the last."""

    items: list[CameraOut]
    next: str | None


class MoveIn(_In):
    """Turn with this velocity for `hold_ms`; each axis is a share of the camera's fastest."""

    pan: Share = 0.0
    tilt: Share = 0.0
    zoom: Share = 0.0
    hold_ms: Annotated[int, Field(ge=1, le=2000)] = 600


class MoveOut(BaseModel):
    """The move was accepted. `camera_ms` is how long the camera took to answer; null when it turns that way already."""

    accepted: Literal[True] = True
    hold_ms: int
    camera_ms: float | None
    holder: HolderOut | None


class StopOut(BaseModel):
    """The Stop was sent. It is repeated until the camera confirms it; `confirmed` says whether it has already."""

    confirmed: bool
    detail: str = ""


class GotoIn(_In):
    """A preset by its token, or home."""

    preset: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    home: bool = False


class AcceptedOut(BaseModel):
    """The camera is on its way."""

    accepted: Literal[True] = True


class PositionOut(BaseModel):
    """Where the camera looks: pan and tilt -1 to 1, zoom 0 to 1; null where it does not say."""

    pan: float | None
    tilt: float | None
    zoom: float | None


class StatusOut(BaseModel):
    """The camera's own word on where it looks and whether it turns."""

    position: PositionOut
    move_status: Literal["idle", "moving", "unknown"]
    holder: HolderOut | None


class PresetOut(BaseModel):
    """A stored view."""

    token: str
    name: str


class PresetsOut(BaseModel):
    """All stored views of a camera."""

    items: list[PresetOut]


class Health(BaseModel):
    """Whether the service lives, or is ready; `problems` says why not."""

    status: Literal["ok", "not-ready"]
    problems: list[str] = []
