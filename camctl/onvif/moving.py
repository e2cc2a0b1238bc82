"""Turning a camera so that something ends its motion: by its own Timeout, or in short steps that end by themselves."""

from __future__ import annotations

from camctl.onvif.pace import Pace
from camctl.onvif.steering import Steering
from camctl.onvif.stopping import Send
from camctl.onvif.ways import MOVE_WAYS, STEP_WAYS, AxisParts, MoveWay, StepWay, Ways, first_accepted
from camctl.ptz.model import STILL, SafetyNet, Velocity
from camctl.ptz.ports import CameraError, CameraFault

WITHOUT_TIMEOUT = tuple(way for way in MOVE_WAYS if not way.timeout)
WITH_TIMEOUT = tuple(way for way in MOVE_WAYS if way.timeout)
_NO_NET = (
    "nothing would end this camera's motion when the link to it dies; it is steered only if its owner accepts that "
    "(steer_without_timeout)"
)


class Moving:
    """What is known of how one camera is moved.

    `net` is what ends its motion; a camera that turns out to take no Timeout is driven in steps from then on, if
    `can_step`, and without a net only if its owner accepts that.
    """

    def __init__(self, net: SafetyNet, *, can_step: bool, owner_accepts_no_net: bool) -> None:
        self.net = net
        self.pace = Pace()
        self._can_step = can_step
        self._owner_accepts = owner_accepts_no_net
        self._ways: Ways[MoveWay] = Ways(MOVE_WAYS if net is SafetyNet.NONE else WITH_TIMEOUT, settles=True)
        self._step_ways: Ways[StepWay] = Ways(STEP_WAYS, settles=True)
        self._stepping = AxisParts(pan_tilt=False, zoom=False)  # the axes that the last step turned

    async def move(self, steering: Steering, velocity: Velocity, timeout_s: int, send: Send) -> None:
        """Send what turns the camera with this velocity: until Stop, another move, `timeout_s`, or a step's end.

        Raises:
            CameraError: the first refusal, when all ways were refused; UNSUPPORTED when nothing would end the motion;
                whatever else `send` raises.
        """
        if self.net is SafetyNet.STEPS:
            await self._step(steering, velocity, send)
            return
        if self.net is SafetyNet.NONE and not self._owner_accepts:
            raise CameraError(CameraFault.UNSUPPORTED, _NO_NET)
        is_known = self._ways.is_settled or self.net is SafetyNet.NONE
        try:
            await self._turn(self._ways, steering, velocity, timeout_s, send)
        except CameraError as error:
            if is_known or not self._ways.goes_on_after(error):
                raise
            await self._without_timeout(steering, velocity, send, error)

    async def _without_timeout(self, steering: Steering, velocity: Velocity, send: Send, refusal: CameraError) -> None:
        """The camera refused every move with a Timeout, the first one with `refusal`."""
        try:
            if self._can_step:
                await self._step(steering, velocity, send)
                self.net = SafetyNet.STEPS
                return
            if self._owner_accepts:
                ways: Ways[MoveWay] = Ways(WITHOUT_TIMEOUT, settles=True)
                await self._turn(ways, steering, velocity, 1, send)
                self._ways, self.net = ways, SafetyNet.NONE
                return
        except CameraError as error:
            if not self._ways.goes_on_after(error):
                raise
            raise refusal from None
        raise CameraError(refusal.fault, f"{refusal.detail}; without a Timeout {_NO_NET}")

    async def _turn(
        self, ways: Ways[MoveWay], steering: Steering, velocity: Velocity, timeout_s: int, send: Send
    ) -> None:
        async def say(way: MoveWay) -> bool:
            requests = list(steering.continuous_moves(velocity, timeout_s, way))
            for request in requests:
                await send("ContinuousMove", request)
            return bool(requests)

        await first_accepted(ways, say)

    async def _step(self, steering: Steering, velocity: Velocity, send: Send) -> None:
        wanted = AxisParts(pan_tilt=velocity.pan != 0 or velocity.tilt != 0, zoom=velocity.zoom != 0)
        # An axis that is let go gets a step of nothing, which ends the one it is in.
        named = AxisParts(wanted.pan_tilt or self._stepping.pan_tilt, wanted.zoom or self._stepping.zoom)
        if velocity == STILL:
            named = AxisParts(pan_tilt=True, zoom=True)
        distance = self.pace.distance(velocity)

        async def say(way: StepWay) -> bool:
            requests = list(steering.steps(distance, velocity, named, way))
            for request in requests:
                await send("RelativeMove", request)
            return bool(requests)

        await first_accepted(self._step_ways, say)
        self._stepping = wanted
