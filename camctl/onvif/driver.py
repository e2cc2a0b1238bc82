"""The CameraDriver of an ONVIF camera."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from camctl.egress import EgressPolicy, EgressRefusedError, PinnedTarget, Site, resolve_pinned
from camctl.onvif import capabilities as cap
from camctl.onvif import quirks
from camctl.onvif.account import Account
from camctl.onvif.budget import Budget
from camctl.onvif.client import OnvifClient
from camctl.onvif.documents import Documents, Service
from camctl.onvif.envelopes import RequestMaker
from camctl.onvif.lane import Lane
from camctl.onvif.moving import Moving
from camctl.onvif.quirks import Quirk
from camctl.onvif.replies import needed
from camctl.onvif.shared import Shared
from camctl.onvif.steering import BOTH, Parameters, Steering
from camctl.onvif.stopping import Send, Stopping
from camctl.onvif.survey import Survey, Surveyor
from camctl.onvif.threads import call_in
from camctl.onvif.watching import StepWatcher
from camctl.onvif.ways import MOVE_WAYS, Ways, first_accepted
from camctl.ptz.model import STILL, Position, Preset, PtzStatus, SafetyNet, Velocity
from camctl.ptz.ports import CameraError, CameraFacts, CameraFault, StreamName

T = TypeVar("T")

CONNECT_TOTAL_S = 30.0  # a dozen calls, each with a limit of its own
STOP_TOTAL_S = 4.0  # all ways of stopping together
STOP_CONNECT_S = 1.0  # shorter than other calls: a Stop that got lost has to be said again soon
STOP_READ_S = 2.0
STOP_LANES = 2  # so that a second Stop never waits for one that hangs
_SCHEMES = frozenset({"http", "https"})


class OnvifDriver:
    """One camera's commands (see CameraDriver). Belongs to one event loop.

    Moves, questions and Stops go over connections of their own, so that a slow GetStatus never delays a move, and Stop
    goes out beside a hanging move. None of them waits in a thread; only finding out what the camera is does. What was
    found out stays known when the camera goes away: Stop can be tried at any time after the first `connect`.
    """

    def __init__(
        self,
        shared: Shared,
        device_url: str,
        username: str,
        password: str,
        quirk: Quirk | None = None,
        *,
        owner_accepts_no_net: bool = False,
        site: Site | None = None,
    ) -> None:
        self._shared = shared
        self._policy = shared.policy.at(site)
        self._device_url = device_url
        self._forced_quirk = quirk
        self._owner_accepts = owner_accepts_no_net
        account = Account(username, password)
        self._requests = requests = RequestMaker(shared.envelopes, account.token)
        self._surveying = OnvifClient(shared.documents, account)
        self._asking, self._moving, *self._stopping = (
            Lane(shared.envelopes, account, requests) for _ in range(2 + STOP_LANES)
        )
        self._survey: Survey | None = None
        self._stops_known = Stopping(quirks.DEFAULT.stop_ways)
        self._moves_known = Moving(SafetyNet.TIMEOUT, can_step=False, owner_accepts_no_net=False)
        self._travel_ways = Ways((False, True), settles=True)  # whether absolute and relative moves name their spaces
        self._speed_ways = Ways((True, False), settles=True)  # whether GotoPreset may have a Speed
        self._watcher = StepWatcher(self.status)
        self._surveys: set[Budget] = set()
        self._stops = 0  # how many Stops were asked for
        self._is_closed = False

    def __repr__(self) -> str:
        return "OnvifDriver(...)"

    @property
    def quirk(self) -> Quirk:
        """The row of the quirks table that is in force; the default row before the first `connect`."""
        return self._survey.quirk if self._survey is not None else (self._forced_quirk or quirks.DEFAULT)

    @property
    def safety_net(self) -> SafetyNet:
        """What ends a motion when the link dies, as known by now: a camera may turn out to take no Timeout."""
        return self._moves_known.net

    async def connect(self) -> CameraFacts:
        """Find out what the camera is and can do; may be called again after a failure."""
        try:
            target = await resolve_pinned(self._policy, self._device_url, schemes=_SCHEMES, pool=self._shared.resolving)
        except EgressRefusedError as error:
            raise CameraError(CameraFault.UNREACHABLE, str(error)) from None
        self._asking.use(Service.DEVICE, target)
        # A camera that is away is found out here, without a thread.
        await self._on(self._asking, Budget(), lambda budget: self._asking.reach(Service.DEVICE, budget))
        survey = await self._ask_everything(target)
        self._take(survey)
        abilities = replace(
            survey.facts.abilities, safety_net=self._moves_known.net, owner_accepts_no_net=self._owner_accepts
        )
        return replace(survey.facts, abilities=abilities)

    async def continuous_move(self, velocity: Velocity, timeout_s: int) -> None:
        """Turn until `stop`, another move, or `timeout_s` (whole seconds) has passed.

        A camera that does not end its moves by itself takes one short step instead, which the next call prolongs.
        """
        steering, sent_s = self._steering(), time.monotonic()
        self._stopping[0].warm(Service.PTZ, Budget())  # so that the Stop need not wait for a connection
        await self._command(lambda send: self._moves_known.move(steering, velocity, timeout_s, send))
        if self._moves_known.net is SafetyNet.STEPS and self._surveyed().facts.abilities.status_position:
            self._watcher.look(self._moves_known.pace, velocity, sent_s)

    async def stop(self, attempt: int = 0) -> None:
        """Stop every axis, by whichever way this camera honours.

        `attempt` 0 uses the way that worked last. Each further attempt of the same standstill says that the camera
        accepted the former one and went on turning, or did not answer: it begins with the next way, after one
        repetition where there was no answer.
        """
        self._stops += 1
        self._watcher.forget()
        steering, known = self._steering(), self._stops_known
        lane = next((lane for lane in self._stopping if not lane.is_busy), self._stopping[0])

        async def stop(budget: Budget) -> None:
            async def send(operation: str, parameters: Parameters) -> None:
                await lane.call(Service.PTZ, operation, parameters, budget, harmless=True)

            await known.stop(steering, attempt, send)

        await self._on(lane, Budget(STOP_TOTAL_S, connect_s=STOP_CONNECT_S, read_s=STOP_READ_S), stop)

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

    async def goto_preset(self, token: str, speed: float | None = None) -> None:
        """Go to a stored view at a share of full speed, 0 to 1; None, and a camera that refuses Speed: its own."""
        request = {**self._profile(), "PresetToken": token}
        if speed is None:
            await self._command(lambda send: send("GotoPreset", request))
            return
        share = min(max(speed, 0.0), 1.0)
        wanted = {"Speed": self._steering().speed(Velocity(share, share, share), BOTH)}

        async def go(send: Send, with_speed: bool) -> bool:
            await send("GotoPreset", {**request, **wanted} if with_speed else request)
            return True

        await self._command(lambda send: first_accepted(self._speed_ways, partial(go, send)))

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
        request = self._profile()
        await self._command(lambda send: send("GotoHomePosition", request))

    async def set_home(self) -> None:
        """Make the present view the home position."""
        await self._ask("SetHomePosition")

    async def request_key_frame(self, stream: StreamName) -> None:
        """Ask this stream's encoder for a key frame (Media SetSynchronizationPoint)."""
        profiles = self._surveyed().video_profiles  # main, and sub if there is one
        token = profiles[-1] if stream == "sub" else profiles[0]
        await self._question(Service.MEDIA, "SetSynchronizationPoint", {"ProfileToken": token})

    async def close(self) -> None:
        """Give back connections; idempotent."""
        self._is_closed = True
        self._watcher.close()
        for lane in (self._asking, self._moving, *self._stopping):
            lane.close()
        for budget in tuple(self._surveys):
            budget.cancel()

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

    async def _ask_everything(self, target: PinnedTarget) -> Survey:
        def ask(budget: Budget) -> Survey:
            self._surveying.use(Service.DEVICE, target)
            try:
                surveyor = Surveyor(self._surveying, self._policy, target, self._forced_quirk, budget)
                return self._prepared(surveyor.survey())
            finally:
                self._surveying.close()

        async with self._shared.surveys:  # waits for its turn without a thread and before its time begins
            self._check_open()
            budget = Budget(CONNECT_TOTAL_S)
            self._surveys.add(budget)
            try:
                return await call_in(self._shared.surveying, budget, partial(ask, budget))
            finally:
                self._surveys.discard(budget)

    def _prepared(self, survey: Survey) -> Survey:
        """`survey`, after the forms of the usual commands were made: here a millisecond each costs nobody anything."""
        steering = survey.steering
        if steering is not None:
            usual = [("ContinuousMove", each) for each in steering.continuous_moves(STILL, 1, MOVE_WAYS[0])]
            usual += [("Stop", each) for each in steering.stops(survey.quirk.stop_ways[0])]
            usual.append(("GetStatus", {"ProfileToken": steering.profile_token}))
            for operation, parameters in usual:
                self._requests.make(Service.PTZ, operation, parameters)
        return survey

    def _take(self, survey: Survey) -> None:
        abilities = survey.facts.abilities
        if self._survey is None or survey.quirk != self._survey.quirk or survey.steering != self._survey.steering:
            self._stops_known = Stopping(survey.quirk.stop_ways)
            can_step = abilities.relative and survey.quirk.has_relative
            self._moves_known = Moving(
                abilities.safety_net, can_step=can_step, owner_accepts_no_net=self._owner_accepts
            )
        for lane in (self._asking, self._moving, *self._stopping):
            for service, where in survey.targets.items():
                lane.use(service, where)
        self._survey = survey

    async def _ask(self, operation: str, **parameters: Any) -> Any:  # noqa: ANN401 - zeep's
        return await self._question(Service.PTZ, operation, {**self._profile(), **parameters})

    async def _question(self, service: Service, operation: str, parameters: Parameters) -> Any:  # noqa: ANN401  # zeep has no types
        async def ask(budget: Budget) -> bytes:
            return await self._asking.call(service, operation, parameters, budget)

        budget = Budget()
        document = await self._on(self._asking, budget, ask)
        # Reading takes CPU only, but for a long list much of it: not on the event loop.
        return await call_in(
            self._shared.reading, budget, partial(self._shared.envelopes.read, service, operation, document)
        )

    async def _command(self, say: Callable[[Send], Awaitable[T]]) -> T:
        """Let `say` send what moves the camera, one request at a time and none after a Stop was asked for."""
        stops = self._stops

        async def run(budget: Budget) -> T:
            async def send(operation: str, parameters: Parameters) -> None:
                self._check_not_overtaken(stops)
                await self._moving.call(Service.PTZ, operation, parameters, budget)

            return await say(send)

        return await self._on(self._moving, Budget(), run)

    def _check_not_overtaken(self, stops: int) -> None:
        """A move that waited for its turn while Stop was asked for must not start the camera again."""
        if self._stops != stops:
            raise CameraError(CameraFault.REFUSED, "the move was not sent: Stop was asked for meanwhile")

    async def _travel(self, operation: str, request: Callable[[bool], Parameters | None]) -> None:
        async def go(send: Send, spaces: bool) -> bool:
            parameters = request(spaces)
            if parameters is not None:
                await send(operation, parameters)
            return parameters is not None

        await self._command(lambda send: first_accepted(self._travel_ways, partial(go, send)))

    def _check_open(self) -> None:
        if self._is_closed:
            raise CameraError(CameraFault.UNREACHABLE, "the camera was disconnected")

    async def _on(self, lane: Lane, budget: Budget, work: Callable[[Budget], Awaitable[T]]) -> T:
        self._check_open()
        async with lane.turn(budget):
            self._check_open()
            return await work(budget)


class OnvifDrivers:
    """Makes drivers and owns what they share: parsed WSDLs and bounded pools of threads."""

    def __init__(self, policy: EgressPolicy, documents: Documents | None = None) -> None:
        """`documents`: parsed WSDLs to share with other makers of this process."""
        self._shared = Shared(policy, documents or Documents())
        self._drivers: weakref.WeakSet[OnvifDriver] = weakref.WeakSet()

    def create(
        self,
        device_url: str,
        username: str,
        password: str,
        *,
        quirk: str | None = None,
        owner_accepts_no_net: bool = False,
        site: Site | None = None,
    ) -> OnvifDriver:
        """A driver for the camera whose device service is at `device_url`; nothing is sent before `connect`.

        `quirk` names a row of the quirks table; None finds the row by what the camera says of itself.
        `owner_accepts_no_net`: it may be steered even if nothing ends its motion when the link to it dies.
        `site`: the networks that it may be in, where it is not those of all.

        Raises:
            ValueError: no row has that name.
        """
        row = quirks.named(quirk) if quirk is not None else None
        driver = OnvifDriver(
            self._shared, device_url, username, password, row, owner_accepts_no_net=owner_accepts_no_net, site=site
        )
        self._drivers.add(driver)
        return driver

    async def close(self) -> None:
        """Close all drivers and end the threads; idempotent."""
        await asyncio.gather(*(driver.close() for driver in list(self._drivers)))
        await self._shared.close()
