"""What of one control socket's messages reaches the arbiter, over whichever lane they came. Time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from auth.roles import Capability
from camctl.api import messages
from camctl.api.access import Visit
from camctl.api.problems import FORBIDDEN, ProblemError
from camctl.api.refusals import sentence
from camctl.api.steering import check_steerable, check_stoppable
from camctl.config import ControlConfig
from camctl.control.client import RemoteCamera
from camctl.ptz import events as ev
from camctl.ptz.channel import LinkLife, StaleFilter, TokenBucket
from camctl.ptz.model import Velocity
from camctl.ptz.ports import CameraError
from camctl.ptz.shaping import shape


class Lane(StrEnum):
    """The way on which a message came; its answer goes back on the same."""

    SOCKET = "socket"
    DATAGRAM = "datagram"


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a message is not put to the arbiter; as in the socket's errors. `why`: the rule of the right it lacks."""

    code: str
    detail: str
    why: str = ""


class SeqOrder:
    """Which messages came already, where the same or an older one may come over the other lane. Pure.

    `seq` is counted by the client over both lanes together. Over the socket alone nothing can repeat or overtake, so
    nothing is looked at before `has_two_lanes` is set.
    """

    def __init__(self, remember: int = 256) -> None:
        self._remember = remember
        self._lane_of: OrderedDict[int, Lane] = OrderedDict()
        self._newest = -1
        self.has_two_lanes = False

    def repeats(self, seq: int, lane: Lane) -> bool:
        """Whether the message with this number came over the other lane before."""
        if not self.has_two_lanes:
            return False
        first = self._lane_of.setdefault(seq, lane)
        if len(self._lane_of) > self._remember:
            self._lane_of.popitem(last=False)
        return first is not lane

    def is_overtaken(self, seq: int) -> bool:
        """Whether a newer message was heard before this one."""
        is_older = self.has_two_lanes and seq < self._newest
        self._newest = max(self._newest, seq)
        return is_older


class Gate:
    """One socket's filters: right, rate, age and order. A Stop passes all but the right to control at all."""

    def __init__(self, control: ControlConfig) -> None:
        self._bucket = TokenBucket(control.moves_per_s, control.moves_per_s)
        self._stale = StaleFilter()
        self._life = LinkLife(control.command_life_min_ms / 1000, control.command_life_max_ms / 1000)
        self.order = SeqOrder()

    @property
    def life_s(self) -> float:
        """How long a move that comes now lives unless it is repeated."""
        return self._life.life_s

    def refuses(self, message: messages.Command, visit: Visit, now: float) -> Refused | None:
        """Why this message, the first with its number, is not put to the arbiter; None when it is."""
        decision = visit.standing.allows(Capability.CONTROL, visit.ref)
        if not decision:
            return Refused(FORBIDDEN.name, decision.reason, decision.why.value)
        # Noted for every kind: a move must not come through behind a newer Stop or take-over either.
        is_overtaken = self.order.is_overtaken(message.seq)
        is_stop = isinstance(message, messages.StopMessage)
        try:
            (check_stoppable if is_stop else check_steerable)(visit.camera)
        except ProblemError as error:
            return Refused(error.kind.name, error.detail)
        except CameraError as error:
            return Refused("camera-fault", error.detail)
        if is_stop:
            return None
        if not self._bucket.allows(now):
            return Refused("rate-limited", "More commands a second than are needed; slow down.")
        if isinstance(message, messages.MoveMessage) and (self._is_late(message, now) or is_overtaken):
            return Refused(ev.Refusal.STALE.value, sentence(ev.Refusal.STALE, None))
        return None

    def _is_late(self, message: messages.MoveMessage, now: float) -> bool:
        client_s = None if message.at_ms is None else message.at_ms / 1000
        self._life.heard(client_s, now)  # one that comes too late lengthens the life of those that follow all the same
        return client_s is not None and self._stale.is_stale(client_s, now)

    def event(self, message: messages.Command, source: ev.Source, camera: RemoteCamera) -> ev.Event:
        """The message as the arbiter takes it."""
        if isinstance(message, messages.MoveMessage):
            return self._move(message, source, camera)
        return _event(message, source)

    def _move(self, message: messages.MoveMessage, source: ev.Source, camera: RemoteCamera) -> ev.Move:
        position = camera.position
        velocity = shape(
            Velocity(message.pan, message.tilt, message.zoom),
            zoom=position.zoom if position else None,
            delay_s=None if message.delay_ms is None else message.delay_ms / 1000,
        )
        return ev.Move(source, velocity, self.life_s, message.gesture, message.fence)


def _event(message: messages.Wish, source: ev.Source) -> ev.Event:
    match message:
        case messages.StopMessage():
            return ev.Stop(source, message.gesture, message.fence)
        case messages.TakeMessage():
            return ev.Take(source)
        case messages.TakeOverMessage():
            return ev.TakeOver(source, message.reason)
        case messages.ReleaseMessage():
            return ev.Release(source)
        case messages.RequestMessage():
            return ev.Request(source, message.reason)
        case messages.WithdrawMessage():
            return ev.Withdraw(source)
        case messages.HandOverMessage():
            return ev.HandOver(source, message.ticket)
        case messages.ReserveMessage():
            return ev.Reserve(source, message.reason, message.limit_s)
        case messages.UnreserveMessage():
            return ev.Unreserve(source)
        case messages.GotoMessage():
            return ev.Travel(source, message.preset, fence=message.fence)
        case messages.HomeMessage():
            return ev.Travel(source, None, fence=message.fence)
