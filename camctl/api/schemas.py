"""What goes over HTTP, as OpenAPI documents it."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from auth.model import CameraRef, Person
from auth.policy import Standing
from auth.roles import Capability
from auth.service import utc_now
from camctl.api.access import Visit
from camctl.api.control_schemas import HolderOut, PositionOut, SafetyNetName
from camctl.api.invitation_schemas import NoticeOut
from camctl.api.schema_base import In, Share
from camctl.areas.tree import AreaTree

_SHOWN = (
    Capability.LIVE, Capability.CONTROL, Capability.SNAPSHOT, Capability.PRESETS, Capability.BREAK_RESERVATION,
    Capability.PATROLS, Capability.EVENTS,
)  # fmt: skip


class LoginIn(In):
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
        standing = Standing(person, utc_now())
        return cls(
            username=person.username,
            display_name=person.display_name,
            role=person.role,
            areas=list(person.areas),
            priority=standing.highest_priority(),
            capabilities=sorted(standing.capabilities()),
        )


class MeOut(PersonOut):
    """The caller. `notices` are shown until they are read (DELETE /me/notices/{id})."""

    notices: list[NoticeOut]


class LoginOut(BaseModel):
    """A new sign-in. `token` is for programs; browsers have the cookie."""

    token: str
    expires_at: datetime
    person: PersonOut


class AreaOut(BaseModel):
    """An area by its dotted code."""

    code: str
    name: str


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
    break_reservation: bool
    patrols: bool
    events: bool

    @classmethod
    def of(cls, standing: Standing, ref: CameraRef) -> MayOut:
        """What these grants say of this camera."""
        allowed = {each: standing.allows(each, ref).allowed for each in _SHOWN}
        return cls(**{each.value: is_allowed for each, is_allowed in allowed.items()})


class EmergencyOut(BaseModel):
    """The camera is shared in emergencies only. `may_open`: whether the caller may say that there is one.

    `open_until`: until when it is open for the caller, null while it is not.
    """

    may_open: bool
    open_until: datetime | None

    @classmethod
    def of(cls, visit: Visit) -> EmergencyOut | None:
        """None for a camera that needs no emergency."""
        if not visit.ref.emergency_only:
            return None
        opening = visit.standing.opening_of(visit.ref)
        return cls(may_open=visit.may(Capability.EMERGENCY), open_until=None if opening is None else opening.ends_at)


class CameraOut(BaseModel):
    """One camera, as the caller sees it. `safety_net`: what ends a motion when the link to the camera is gone.

    With "none" it is `steerable` only if its owner accepted that. `hidden`: why its picture is withheld now.
    `state_detail`: why it is not live, or what its owner should change in it, in a sentence. `audio`: whether its owner
    lets its sound be heard, if it has any.
    """

    id: str
    name: str
    area: AreaOut
    state: Literal["unknown", "connecting", "live", "offline"]
    state_detail: str
    steerable: bool
    audio: bool
    safety_net: SafetyNetName
    hidden: str | None
    abilities: AbilitiesOut
    may: MayOut
    holder: HolderOut | None
    emergency: EmergencyOut | None

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
            state_detail=camera.health.detail or camera.video_note,
            steerable=abilities.can_steer,
            audio=camera.entry.audio,
            safety_net=abilities.safety_net.value,
            hidden=camera.hidden,
            abilities=AbilitiesOut(
                pan_tilt=abilities.pan_tilt,
                zoom=abilities.zoom,
                absolute=abilities.absolute,
                relative=abilities.relative,
                home=abilities.home,
                presets=abilities.presets,
            ),
            may=MayOut.of(visit.standing, visit.ref),
            holder=HolderOut.of(camera.control, visit.sign_in.session_id, time.monotonic()),
            emergency=EmergencyOut.of(visit),
        )


class CameraPage(BaseModel):
    """Some cameras, by id; `next` is the `after` of the next page, null on the last."""

    items: list[CameraOut]
    next: str | None


class MoveIn(In):
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


class GotoIn(In):
    """A preset by its token, or home."""

    preset: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    home: bool = False


class AcceptedOut(BaseModel):
    """The camera is on its way."""

    accepted: Literal[True] = True


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
