"""The CameraDriver of an ONVIF camera, and the owner of what all drivers share."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from camctl.egress import EgressPolicy, EgressRefusedError, PinnedTarget, resolve_pinned
from camctl.onvif import capabilities as cap
from camctl.onvif import quirks
from camctl.onvif.account import Account
from camctl.onvif.budget import Budget
from camctl.onvif.client import OnvifClient
from camctl.onvif.documents import Documents, Service
from camctl.onvif.quirks import Quirk, StopWay
from camctl.onvif.replies import needed
from camctl.onvif.steering import Parameters, Steering
from camctl.onvif.survey import Survey, Surveyor
from camctl.onvif.threads import call_in
from camctl.onvif.ways import MOVE_WAYS, MoveWay, Ways
from camctl.ptz.model import Position, Preset, PtzStatus, Velocity
from camctl.ptz.ports import CameraError, CameraFacts, CameraFault

T = TypeVar("T")

CONNECT_TOTAL_S = 30.0  # a dozen calls, each with a limit of its own
STOP_TOTAL_S = 4.0  # all ways of stopping together
STOP_CONNECT_S = 1.0  # shorter than other calls: a Stop that got lost has to be said again soon
STOP_READ_S = 2.0
CALL_THREADS, STOP_THREADS = 64, 16
STOP_LANES = 2  # so that a second Stop never waits for one that hangs
_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Shared:
    """What all drivers of a process share."""

    policy: EgressPolicy
    documents: Documents
    calls: ThreadPoolExecutor
    stops: ThreadPoolExecutor


class _Lane:
    """A client with its own connection, used by one call at a time."""

    def __init__(self, shared: Shared, account: Account) -> None:
        self.client = OnvifClient(shared.documents, account)
        self.free = asyncio.Lock()


class OnvifDriver:
    """One camera's commands (see CameraDriver). Belongs to one event loop; the calls run in threads.

    Moves, questions and Stops go over connections of their own, so that a slow GetStatus never delays a move, and Stop
    goes out beside a hanging move in threads that nothing else uses. What was found out stays known when the camera
    goes away: Stop can be tried at any time after the first `connect`.
    """

    def __init__(
        self, shared: Shared, device_url: str, username: str, password: str, quirk: Quirk | None = None
    ) -> None:
        self._shared = shared
        self._device_url = device_url
        self._forced_quirk = quirk
        account = Account(username, password)
        self._asking, self._moving = _Lane(shared, account), _Lane(shared, account)
        self._stopping = [_Lane(shared, account) for _ in range(STOP_LANES)]
        self._survey: Survey | None = None
        self._move_ways: Ways[MoveWay] = Ways(MOVE_WAYS, settles=True)
        self._stop_ways: Ways[StopWay] = Ways(quirks.DEFAULT.stop_ways, settles=False)
        self._travel_ways = Ways((False, True), settles=True)  # whether absolute and relative moves name their spaces
        self._budgets: set[Budget] = set()
        self._stops = 0  # how many Stops were asked for; read by the threads that move
        self._is_closed = False

    def __repr__(self) -> str:
        return "OnvifDriver(...)"

    @property
    def quirk(self) -> Quirk:
        """The row of the quirks table that is in force; the default row before the first `connect`."""
        return self._survey.quirk if self._survey is not None else (self._forced_quirk or quirks.DEFAULT)

    async def connect(self) -> CameraFacts:
        """Find out what the camera is and can do; may be called again after a failure."""
        try:
            target = await resolve_pinned(self._shared.policy, self._device_url, schemes=_SCHEMES)
        except EgressRefusedError as error:
            raise CameraError(CameraFault.UNREACHABLE, str(error)) from None
        survey = await self._call(self._asking, partial(self._ask_everything, target), budget=Budget(CONNECT_TOTAL_S))
        if self._survey is None or survey.quirk != self._survey.quirk:
            self._move_ways = Ways(MOVE_WAYS, settles=True)
            self._stop_ways = Ways(survey.quirk.stop_ways, settles=False)
        for lane in (self._moving, *self._stopping):
            for service, where in survey.targets.items():
                lane.client.use(service, where)
        self._survey = survey
        return survey.facts

    async def continuous_move(self, velocity: Velocity, timeout_s: int) -> None:
        """Turn until `stop`, another move, or `timeout_s` (whole seconds) has passed."""
        steering, ways, stops = self._steering(), self._move_ways, self._stops

        def attempt(client: OnvifClient, budget: Budget, way: MoveWay) -> bool:
            requests = list(steering.continuous_moves(velocity, timeout_s, way))
            for request in requests:
                self._check_not_overtaken(stops)
                client.call(Service.PTZ, "ContinuousMove", budget=budget, **request)
            return bool(requests)

        await self._call(self._moving, lambda client, budget: _first_way(ways, client, budget, attempt))

    async def stop(self) -> None:
        """Stop every axis, by whichever way this camera honours."""
        self._stops += 1
        steering, ways, move_ways = self._steering(), self._stop_ways, self._move_ways

        def attempt(client: OnvifClient, budget: Budget, way: StopWay) -> bool:
            if way is StopWay.ZERO_VELOCITY:
                return _first_way(move_ways, client, budget, stand_still)
            client.call(Service.PTZ, "Stop", budget=budget, **steering.stop(names_axes=way is StopWay.AXES))
            return True

        def stand_still(client: OnvifClient, budget: Budget, way: MoveWay) -> bool:
            requests = list(steering.standstills(way))
            for request in requests:
                client.call(Service.PTZ, "ContinuousMove", budget=budget, **request)
            return bool(requests)

        lane = next((lane for lane in self._stopping if not lane.free.locked()), self._stopping[0])
        await self._call(
            lane,
            lambda client, budget: _first_way(ways, client, budget, attempt),
            self._shared.stops,
            Budget(STOP_TOTAL_S, connect_s=STOP_CONNECT_S, read_s=STOP_READ_S),
        )

    async def absolute_move(self, position: Position) -> None:
        """Go to a position; axes that are None stay."""
        steering = self._steering()
        if (position.pan is None) != (position.tilt is None):
            now = (await self.status()).position  # a PanTilt vector has no room for half a place
            pan = now.pan if position.pan is None else position.pan
            tilt = now.tilt if position.tilt is None else position.tilt
            position = replace(position, pan=pan, tilt=tilt)
        target = position
        await self._travel("AbsoluteMove", lambda spaces: steering.absolute_move(target, spaces=spaces))

    async def relative_move(self, pan: float, tilt: float, zoom: float) -> None:
        """Go by a translation in the generic spaces, -1 to 1 each."""
        steering = self._steering()
        await self._travel("RelativeMove", lambda spaces: steering.relative_move(pan, tilt, zoom, spaces=spaces))

    async def status(self) -> PtzStatus:
        """Where it looks and whether it turns."""
        steering = self._steering()
        return steering.status(await self._ask("GetStatus"))

    async def presets(self) -> list[Preset]:
        """The stored views."""
        return cap.presets(await self._ask("GetPresets"))

    async def goto_preset(self, token: str) -> None:
        """Go to a stored view; without a Speed, which some cameras refuse."""
        await self._go("GotoPreset", PresetToken=token)

    async def set_preset(self, name: str, token: str | None = None) -> str:
        """Store the present view (over `token` if given); returns its token."""
        over = {} if token is None else {"PresetToken": token}
        stored = await self._ask("SetPreset", PresetName=name, **over)
        return needed(stored if isinstance(stored, str) else "", "token", "SetPreset")

    async def remove_preset(self, token: str) -> None:
        """Forget a stored view."""
        await self._ask("RemovePreset", PresetToken=token)

    async def goto_home(self) -> None:
        """Go to the home position."""
        await self._go("GotoHomePosition")

    async def set_home(self) -> None:
        """Make the present view the home position."""
        await self._ask("SetHomePosition")

    async def request_key_frame(self) -> None:
        """Ask the encoders for a key frame (Media SetSynchronizationPoint)."""
        for token in self._surveyed().video_profiles:
            request = partial(_operation, Service.MEDIA, "SetSynchronizationPoint", {"ProfileToken": token})
            await self._call(self._asking, request)

    async def close(self) -> None:
        """Give back connections; idempotent."""
        self._is_closed = True
        for budget in tuple(self._budgets):
            budget.cancel()
        await asyncio.to_thread(self._hang_up)

    def _hang_up(self) -> None:
        for lane in (self._asking, self._moving, *self._stopping):
            lane.client.close()

    def _surveyed(self) -> Survey:
        if self._survey is None:
            raise CameraError(CameraFault.UNREACHABLE, "the camera has not been reached yet")
        return self._survey

    def _steering(self) -> Steering:
        steering = self._surveyed().steering
        if steering is None:
            raise CameraError(CameraFault.UNSUPPORTED, "the camera cannot be steered; it has a picture only")
        return steering

    def _profile(self) -> Parameters:
        return {"ProfileToken": self._steering().profile_token}

    def _ask_everything(self, target: PinnedTarget, client: OnvifClient, budget: Budget) -> Survey:
        client.use(Service.DEVICE, target)
        return Surveyor(client, self._shared.policy, target, self._forced_quirk, budget).survey()

    async def _ask(self, operation: str, **parameters: Any) -> Any:  # noqa: ANN401 - zeep's
        request = partial(_operation, Service.PTZ, operation, {**self._profile(), **parameters})
        return await self._call(self._asking, request)

    async def _go(self, operation: str, **parameters: Any) -> None:  # noqa: ANN401 - zeep's
        stops, request = self._stops, {**self._profile(), **parameters}

        def go(client: OnvifClient, budget: Budget) -> None:
            self._check_not_overtaken(stops)
            client.call(Service.PTZ, operation, budget=budget, **request)

        await self._call(self._moving, go)

    def _check_not_overtaken(self, stops: int) -> None:
        """A move that waited for its turn while Stop was asked for must not start the camera again."""
        if self._stops != stops:
            raise CameraError(CameraFault.REFUSED, "the move was not sent: Stop was asked for meanwhile")

    async def _travel(self, operation: str, request: Callable[[bool], Parameters | None]) -> None:
        ways, stops = self._travel_ways, self._stops

        def attempt(client: OnvifClient, budget: Budget, spaces: bool) -> bool:
            parameters = request(spaces)
            if parameters is not None:
                self._check_not_overtaken(stops)
                client.call(Service.PTZ, operation, budget=budget, **parameters)
            return parameters is not None

        await self._call(self._moving, lambda client, budget: _first_way(ways, client, budget, attempt))

    async def _call(
        self,
        lane: _Lane,
        function: Callable[[OnvifClient, Budget], T],
        pool: ThreadPoolExecutor | None = None,
        budget: Budget | None = None,
    ) -> T:
        if self._is_closed:
            raise CameraError(CameraFault.UNREACHABLE, "the camera was disconnected")
        budget = budget or Budget()
        self._budgets.add(budget)
        try:
            try:
                async with asyncio.timeout(budget.total_s):
                    await lane.free.acquire()
            except TimeoutError:
                raise budget.timeout() from None
            try:
                return await call_in(pool or self._shared.calls, budget, partial(function, lane.client, budget))
            finally:
                lane.free.release()
        finally:
            self._budgets.discard(budget)


def _operation(service: Service, name: str, parameters: Parameters, client: OnvifClient, budget: Budget) -> Any:  # noqa: ANN401
    return client.call(service, name, budget=budget, **parameters)


def _first_way(
    ways: Ways[T], client: OnvifClient, budget: Budget, attempt: Callable[[OnvifClient, Budget, T], bool]
) -> bool:
    """Try the ways in order until the camera accepts one, and remember it.

    Raises:
        CameraError: the first refusal, when all ways were refused; UNSUPPORTED when no way can say what is asked.
    """
    refusal: CameraError | None = None
    for way in ways.order():
        try:
            is_said = attempt(client, budget, way)
        except CameraError as error:
            if not ways.goes_on_after(error):
                raise
            refusal = refusal or error
            continue
        if is_said:
            ways.accepted(way)
            return True
    raise refusal or CameraError(CameraFault.UNSUPPORTED, "the camera has none of the axes that were asked for")


class OnvifDrivers:
    """Makes drivers and owns what they share: parsed WSDLs and two bounded pools of threads."""

    def __init__(self, policy: EgressPolicy) -> None:
        self._shared = Shared(
            policy,
            Documents(),
            ThreadPoolExecutor(CALL_THREADS, "onvif-call"),
            ThreadPoolExecutor(STOP_THREADS, "onvif-stop"),
        )
        self._drivers: weakref.WeakSet[OnvifDriver] = weakref.WeakSet()

    def create(self, device_url: str, username: str, password: str, *, quirk: str | None = None) -> OnvifDriver:
        """A driver for the camera whose device service is at `device_url`; nothing is sent before `connect`.

        `quirk` names a row of the quirks table; None finds the row by what the camera says of itself.

        Raises:
            ValueError: no row has that name.
        """
        row = quirks.named(quirk) if quirk is not None else None
        driver = OnvifDriver(self._shared, device_url, username, password, row)
        self._drivers.add(driver)
        return driver

    async def close(self) -> None:
        """Close all drivers and end the threads; idempotent."""
        await asyncio.gather(*(driver.close() for driver in list(self._drivers)))
        for pool in (self._shared.calls, self._shared.stops):
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
