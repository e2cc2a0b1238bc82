"""Bringing a camera to rest, by whichever way it honours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from camctl.onvif.quirks import BY_STOP, StopWay
from camctl.onvif.steering import Parameters, Steering
from camctl.onvif.ways import MOVE_WAYS, SAID_NO, Ladder, MoveWay, Ways, first_accepted
from camctl.ptz.ports import CameraError, CameraFault

Send = Callable[[str, Parameters], Awaitable[None]]  # an operation and its parameters; raises CameraError


class Stopping:
    """What is known of how one camera is stopped."""

    def __init__(self, ways: Sequence[StopWay]) -> None:
        self._ladder = Ladder(ways)
        self._still_ways: Ways[MoveWay] = Ways(MOVE_WAYS, settles=False)
        self._relative_ways = Ways((False, True), settles=False)  # whether the space is named

    async def stop(self, steering: Steering, attempt: int, send: Send) -> None:
        """Say Stop in one way that the camera accepts; `attempt` as in `CameraDriver.stop`.

        Raises:
            CameraError: the first refusal, when all ways were refused; whatever else `send` raises.
        """
        rest = list(self._ladder.order(attempt))
        refusal: CameraError | None = None
        while rest:
            way = rest.pop(0)
            try:
                is_said = await self._say(steering, way, send)
            except CameraError as error:
                if error.fault not in SAID_NO:
                    raise
                refusal = refusal or error
                if error.fault is CameraFault.UNSUPPORTED and way in BY_STOP:
                    rest.sort(key=lambda each: each in BY_STOP)  # it does not know Stop: the others first
                continue
            if is_said:
                self._ladder.accepted(way)
                return
        raise refusal or CameraError(CameraFault.UNSUPPORTED, "the camera has no axis that could be stopped")

    async def _say(self, steering: Steering, way: StopWay, send: Send) -> bool:
        async def stand_still(move_way: MoveWay) -> bool:
            return await _send_all("ContinuousMove", steering.standstills(move_way), send)

        async def stay_here(spaces: bool) -> bool:
            request = steering.relative_zero(spaces=spaces)
            return await _send_all("RelativeMove", () if request is None else (request,), send)

        if way is StopWay.ZERO_VELOCITY:
            await first_accepted(self._still_ways, stand_still)
            return True
        if way is StopWay.RELATIVE_ZERO:
            await first_accepted(self._relative_ways, stay_here)
            return True
        return await _send_all("Stop", steering.stops(way), send)


async def _send_all(operation: str, requests: Iterable[Parameters], send: Send) -> bool:
    """Send them one after the other; whether there was any."""
    count = 0
    for request in requests:
        await send(operation, request)
        count += 1
    return count > 0
