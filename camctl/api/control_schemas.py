"""Who controls a camera, as the socket and HTTP show it, and what may be asked about it over HTTP."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from camctl.api.schema_base import In, OptionalReason, Reason, ReserveSeconds, Ticket
from camctl.control.client import RemoteCamera
from camctl.ptz.events import Source
from camctl.ptz.rounds import RoundView
from camctl.ptz.view import ControlView, WaiterView

Kind = Literal["person", "event", "patrol"]
SafetyNetName = Literal["timeout", "steps", "none"]


class TakeOverIn(In):
    """Why the camera is taken from its holder."""

    reason: Reason


class RequestIn(In):
    """Why one waits for control."""

    reason: OptionalReason = ""


class HandOverIn(In):
    """Who gets control: the `ticket` of a place in the queue."""

    ticket: Ticket


class ReserveIn(In):
    """Why and for how long; at most `control.reserve_max_s` is given."""

    reason: Reason
    limit_s: ReserveSeconds


class HolderOut(BaseModel):
    """Who controls a camera now. `expires_in_ms`: if nothing more is done.

    `reserved_in_ms`: when the reservation ends; `capped_in_ms`: when the lease ends because others wait.
    """

    name: str
    role: str
    priority: int
    kind: Kind
    you: bool
    reason: str
    reserved: bool
    expires_in_ms: int
    reserved_in_ms: int | None
    capped_in_ms: int | None
    since_ms: int

    @classmethod
    def of(cls, control: ControlView, sign_in_id: str, now: float) -> HolderOut | None:
        """The holder as the person with this sign-in sees them at `now` (monotonic); None when the camera is free."""
        holder = control.holder
        if holder is None:
            return None
        source = holder.source
        return cls(
            name=source.name,
            role=source.role,
            priority=source.priority,
            kind=source.kind.value,
            you=source.sign_in == sign_in_id,
            reason=holder.reason,
            reserved=holder.reserved_until is not None,
            expires_in_ms=_until_ms(holder.ends_at, now),
            reserved_in_ms=None if holder.reserved_until is None else _until_ms(holder.reserved_until, now),
            capped_in_ms=None if holder.capped_at is None else _until_ms(holder.capped_at, now),
            since_ms=_until_ms(now, holder.since),
        )


class WaiterOut(BaseModel):
    """One place in the queue."""

    ticket: int
    name: str
    role: str
    priority: int
    you: bool
    reason: str
    waiting_ms: int

    @classmethod
    def of(cls, waiter: WaiterView, sign_in_id: str, now: float) -> WaiterOut:
        """The place as the person with this sign-in sees it."""
        source = waiter.source
        return cls(
            ticket=waiter.ticket,
            name=source.name,
            role=source.role,
            priority=source.priority,
            you=source.sign_in == sign_in_id,
            reason=waiter.reason,
            waiting_ms=_until_ms(now, waiter.since),
        )


class RoundOut(BaseModel):
    """The patrol or event preset that runs or waits; `stop` of `stops` is counted from 0."""

    id: str
    name: str
    kind: Kind
    state: str
    stop: int
    stops: int
    resumes_in_ms: int | None
    detail: str

    @classmethod
    def of(cls, view: RoundView | None, now: float) -> RoundOut | None:
        """The round as everybody sees it."""
        if view is None:
            return None
        return cls(
            id=view.id,
            name=view.name,
            kind=view.kind.value,
            state=view.state,
            stop=view.stop,
            stops=view.stops,
            resumes_in_ms=None if view.resumes_at is None else _until_ms(view.resumes_at, now),
            detail=view.detail,
        )


class PositionOut(BaseModel):
    """Where the camera looks: pan and tilt -1 to 1, zoom 0 to 1; null where it does not say."""

    pan: float | None
    tilt: float | None
    zoom: float | None


class ReachOut(BaseModel):
    """Whether the camera answers, and when not, why."""

    state: Literal["unknown", "connecting", "live", "offline"]
    detail: str


class ControlOut(BaseModel):
    """A camera's control state as the caller sees it; the control socket's `state`.

    `fence` is the number of the caller's own lease, null when somebody else or nobody holds the camera. `may_take`: a
    move or take gets it: it is free, the caller's, or a patrol's that gives way. `may_break`: another has reserved
    it and the caller may take it over all the same. `hidden`: why the picture is withheld. `life_ms`: how long a move
    of this socket lives unless repeated; null over HTTP.
    """

    camera_id: str
    holder: HolderOut | None
    queue: list[WaiterOut]
    fence: int | None
    moving: bool
    stop_confirmed: bool | None
    may_control: bool
    may_take: bool
    may_take_over: bool
    may_break: bool
    camera: ReachOut
    position: PositionOut | None
    hidden: str | None
    patrol: RoundOut | None
    safety_net: SafetyNetName
    life_ms: int | None
    viewers: int

    @classmethod
    def of(
        cls, camera: RemoteCamera, me: Source, *, may_control: bool, viewers: int, life_s: float | None, now: float
    ) -> ControlOut:
        """The state of `camera` at `now` (monotonic) as `me` sees it."""
        view = camera.view
        control, position = view.control, view.position
        holder = HolderOut.of(control, me.sign_in, now)
        is_mine = holder is not None and holder.you
        return cls(
            camera_id=camera.entry.id,
            holder=holder,
            queue=[WaiterOut.of(waiter, me.sign_in, now) for waiter in control.queue],
            fence=control.holder.fence if control.holder is not None and is_mine else None,
            moving=control.is_moving,
            stop_confirmed=control.stop_confirmed,
            may_control=may_control,
            may_take=may_control and control.gives_way_to(me),
            may_take_over=may_control and control.may_take_over(me),
            may_break=may_control and me.may_break and holder is not None and holder.reserved and not is_mine,
            camera=ReachOut(state=view.health.state.value, detail=view.health.detail),
            position=PositionOut(pan=position.pan, tilt=position.tilt, zoom=position.zoom) if position else None,
            hidden=view.hidden,
            patrol=RoundOut.of(view.round, now),
            safety_net=camera.abilities.safety_net.value,
            life_ms=None if life_s is None else round(life_s * 1000),
            viewers=viewers,
        )


def _until_ms(then: float, now: float) -> int:
    return max(0, round((then - now) * 1000))
