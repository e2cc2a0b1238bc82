"""How many requests a second one address and one person may send; generous, so that only floods meet it."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from auth.throttle import network_of
from camctl.api.problems import TOO_FAST, ProblemError, problem_response
from camctl.config_server import HttpLimits
from camctl.metrics import Metrics
from camctl.ptz.channel import TokenBucket

MAX_KEYS = 20_000
BURST_S = 2.0  # of the average may come at once
RETRY_AFTER_S = 1

# Video has limits of its own (camctl.admission), and a viewer on a bad link asks again and again.
_VIDEO = re.compile(r"/api/v1/cameras/[^/]+/(whep(/.*)?|feed|jpegs)")
_STOP = re.compile(r"/api/v1/cameras/[^/]+/ptz/stop")


class Buckets:
    """A token bucket for each key; bounded: who was quiet longest is forgotten, and begins again with a full one."""

    def __init__(self, rate_per_s: float, max_keys: int = MAX_KEYS) -> None:
        self._rate_per_s = rate_per_s
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def allows(self, key: str, now_s: float) -> bool:
        """Take one of this key's tokens, if there is one."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._rate_per_s, max(1.0, self._rate_per_s * BURST_S))
            if len(self._buckets) > self._max_keys:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket.allows(now_s)

    def __len__(self) -> int:
        return len(self._buckets)


class Rates:
    """The tables of addresses and people, and what is refused because of them."""

    def __init__(self, limits: HttpLimits, metrics: Metrics, steady: Callable[[], float] = time.monotonic) -> None:
        self._addresses = Buckets(limits.requests_per_s_per_address)
        self._people = Buckets(limits.requests_per_s_per_person)
        self._refused = metrics.refused
        self._steady = steady

    def check_address(self, scope: Scope) -> None:
        """Count a request for its address; ProblemError (429) when there were too many. A Stop is never refused."""
        client = scope.get("client")
        if client is None or _VIDEO.fullmatch(scope["path"]):
            return
        if not self._addresses.allows(network_of(client[0]), self._steady()) and not _is_stop(scope):
            self._refuse("address-rate", "More requests come from your network than are needed; slow down.")

    def check_unknown(self, connection: HTTPConnection, is_known: Callable[[], bool]) -> None:
        """Count for its address what asks for video without a sign-in that was let in lately: each is a look-up."""
        client = connection.client
        if client is None or not _VIDEO.fullmatch(connection.scope["path"]) or is_known():
            return
        if not self._addresses.allows(network_of(client.host), self._steady()):
            self._refuse("address-rate", "More requests come from your network than are needed; slow down.")

    def check_person(self, person_id: str, connection: HTTPConnection) -> None:
        """Count a request for who sent it, as above."""
        if _VIDEO.fullmatch(connection.scope["path"]):
            return
        if not self._people.allows(person_id, self._steady()) and not _is_stop(connection.scope):
            self._refuse("person-rate", "You send more requests than are needed; slow down.")

    def _refuse(self, why: str, detail: str) -> None:
        self._refused.labels(why).inc()
        raise ProblemError(TOO_FAST, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def _is_stop(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] == "POST" and _STOP.fullmatch(scope["path"]) is not None


class RateOfAddresses:
    """Refuses what one address sends too much of, before anything is done for it. Plain ASGI."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request or socket on, or refuse it."""
        if scope["type"] in {"http", "websocket"}:
            try:
                self._rates.check_address(scope)
            except ProblemError as error:
                if scope["type"] == "websocket":
                    await receive()  # websocket.connect; the answer below is then sent instead of a handshake
                await problem_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
