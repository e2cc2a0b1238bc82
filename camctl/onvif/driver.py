"""The CameraDriver of an ONVIF camera, and the owner of what all drivers share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from camctl.egress import EgressPolicy, EgressRefusedError, PinnedTarget, Resolve, resolve_pinned
from camctl.onvif import capabilities as cap
from camctl.onvif import quirks
from camctl.onvif.account import Account
from camctl.onvif.budget import TOTAL_S, Budget
from camctl.onvif.client import OnvifClient
from camctl.onvif.documents import Documents, Service
from camctl.onvif.http import HttpConnection
from camctl.onvif.quirks import Quirk, StopWay
from camctl.onvif.replies import needed
from camctl.onvif.steering import Parameters, Steering
from camctl.onvif.survey import Survey, Surveyor
from camctl.onvif.threads import call_in
from camctl.onvif.transport import Poster
from camctl.onvif.ways import MOVE_WAYS, MoveWay, Ways
from camctl.ptz.model import Position, Preset, PtzStatus, Velocity
from camctl.ptz.ports import CameraError, CameraFacts, CameraFault

T = TypeVar("T")
Connect = Callable[[PinnedTarget, str], Poster]

CONNECT_TOTAL_S = 30.0  # a dozen calls, each with a limit of its own
STOP_TOTAL_S = 4.0  # all ways of stopping together
STOP_LANES = 2  # so that a second Stop never waits for one that hangs
_SCHEMES = frozenset({"http", "https"})
_HANG_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class Shared:
    """What all drivers of a process share."""

    policy: EgressPolicy
    documents: Documents
    calls: ThreadPoolExecutor
    stops: ThreadPoolExecutor
    resolve: Resolve | None = None
    connect: Connect = HttpConnection


class OnvifDriver:
    """One camera's commands (see CameraDriver). Belongs to one event loop; calls run in threads, one at a time.

    Stop goes out over connections and threads of its own. What was found out stays known when the camera goes away, so
    that Stop can be tried at any time after the first `connect`.
    """

    def __init__(self, shared: Shared, device_url: str, username: str, password: str, quirk: Quirk | None) -> None:
        self._shared = shared
        self._device_url = device_url
        self._forced_quirk = quirk
        self._account = Account(username, password)
        self._client = OnvifClient(shared.documents, self._account, shared.connect)
        self._one_call = asyncio.Lock()
        self._stop_clients = [OnvifClient(shared.documents, self._account, shared.connect) for _ in range(STOP_LANES)]
        self._free_lanes: asyncio.LifoQueue[OnvifClient] = asyncio.LifoQueue()
        for client in self._stop_clients:
            self._free_lanes.put_nowait(client)
        self._survey: Survey | None = None
        self._move_ways = Ways(MOVE_WAYS, settles=True)
        self._stop_ways = Ways(quirks.DEFAULT.stop_ways, settles=False)
        self._budgets: set[Budget] = set()
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
            target = await resolve_pinned(
                self._shared.policy, self._device_url, schemes=_SCHEMES, resolve=self._shared.resolve
            )
        except EgressRefusedError as error:
            raise CameraError(CameraFault.UNREACHABLE, str(error)) from None
        survey = await self._ordinary(lambda _: self._ask_everything(target), CONNECT_TOTAL_S)
        if self._survey is None or survey.quirk != self._survey.quirk:
            self._stop_ways = Ways(survey.quirk.stop_ways, settles=False)
            self._move_ways = Ways(MOVE_WAYS, settles=True)
        for client in self._stop_clients:
            for service, where in survey.targets.items():
                client.use(service, where)
        self._survey = survey
        return survey.facts
