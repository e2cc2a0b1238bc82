"""One of a camera's lanes: SOAP over connections of its own, on the event loop, used by one call at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Protocol
from urllib.parse import urlsplit

from camctl.egress import PinnedTarget
from camctl.onvif.account import Account
from camctl.onvif.budget import Budget
from camctl.onvif.client import CLOCK_JUMP_S, utc_seconds
from camctl.onvif.documents import Service
from camctl.onvif.envelopes import Envelopes, Request, RequestMaker
from camctl.onvif.http import HttpReply
from camctl.onvif.link import Link
from camctl.onvif.soap import bad_credentials, read_reply
from camctl.onvif.steering import Parameters
from camctl.onvif.transport import NOT_REPEATABLE
from camctl.ptz.ports import CameraError, CameraFault

_log = logging.getLogger(__name__)

_MAX_KNOWN_ANSWER = 4096
_MAX_CLOCK_ANSWER = 16_384


class AsyncPoster(Protocol):
    """What sends a body and waits for the whole answer; a Link, or a script in tests."""

    async def post(
        self, path: str, body: bytes, headers: dict[str, str], budget: Budget, *, repeatable: bool
    ) -> HttpReply:
        """Send and wait; raises CameraError."""

    async def open(self, budget: Budget) -> None:
        """Have a connection; raises CameraError."""

    def warm(self, budget: Budget) -> None:
        """Begin to have a connection; does not wait."""

    def close(self) -> None:
        """Give the socket back."""


AsyncConnect = Callable[[PinnedTarget, str], AsyncPoster]


class Lane:
    """Calls operations of a camera's services. Lanes of one camera share its `Account` and `RequestMaker`.

    A wrong password is sent once with WS-Security and, when the camera asks for it, once with HTTP digest; never again.
    """

    def __init__(
        self, envelopes: Envelopes, account: Account, requests: RequestMaker, connect: AsyncConnect = Link
    ) -> None:
        self._envelopes = envelopes
        self._account = account
        self._requests = requests
        self._connect = connect
        self._targets: dict[Service, PinnedTarget] = {}
        self._links: dict[tuple[str, str, int], AsyncPoster] = {}
        self._known_answers: dict[str, tuple[bytes, bytes]] = {}  # as it came, and its envelope
        self._turn = asyncio.Lock()
        self._was_accepted = False

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way."""
        return self._turn.locked()

    def use(self, service: Service, target: PinnedTarget) -> None:
        """Where a service is; the address passed the egress guard."""
        self._targets[service] = target

    @contextlib.asynccontextmanager
    async def turn(self, budget: Budget) -> AsyncIterator[None]:
        """Wait for the calls before; raises CameraError when they take too long."""
        try:
            async with asyncio.timeout(budget.left_s()):
                await self._turn.acquire()
        except TimeoutError:
            raise budget.timeout() from None
        try:
            yield
        finally:
            self._turn.release()

    async def reach(self, service: Service, budget: Budget) -> None:
        """Have a connection to a service; raises CameraError where nobody answers."""
        await self._link(self._target(service)).open(budget)

    def warm(self, service: Service, budget: Budget) -> None:
        """Begin to have a connection to a service, so that the next call need not wait for one."""
        if service in self._targets and not self.is_busy:
            self._link(self._targets[service]).warm(budget)

    async def call(
        self, service: Service, operation: str, parameters: Parameters, budget: Budget, *, harmless: bool = False
    ) -> bytes:
        """Call an operation and return the answer's envelope, which holds the operation's response. Needs the turn.

        A camera that refuses an account which it accepted before is asked for its time: when its clock jumped, as
        after a reboot, the call is made once more with the right time. `harmless`: it may be sent twice, whatever the
        operation.

        Raises:
            CameraError: any kind.
        """
        repeatable = harmless or operation not in NOT_REPEATABLE
        try:
            document = await self._exchange(service, operation, parameters, budget, repeatable=repeatable)
        except CameraError as error:
            if error.fault is not CameraFault.BAD_CREDENTIALS or not await self._clock_jumped(budget):
                raise
            document = await self._exchange(service, operation, parameters, budget, repeatable=repeatable)
        self._was_accepted = True
        return document

    def close(self) -> None:
        """Give the sockets back; a call that waits ends. The lane can be used again."""
        for link in self._links.values():
            link.close()

    def _target(self, service: Service) -> PinnedTarget:
        target = self._targets.get(service)
        if target is None:
            raise CameraError(CameraFault.UNSUPPORTED, f"the camera has no {service.name} service")
        return target

    def _link(self, target: PinnedTarget) -> AsyncPoster:
        scheme = urlsplit(target.url).scheme
        key = (scheme, target.address, target.port)
        link = self._links.get(key)
        if link is None:
            link = self._links[key] = self._connect(target, scheme)
        return link

    async def _exchange(
        self,
        service: Service,
        operation: str,
        parameters: Parameters,
        budget: Budget,
        *,
        repeatable: bool = True,
        with_token: bool = True,
    ) -> bytes:
        target = self._target(service)
        request = self._requests.make(service, operation, parameters, with_token=with_token)
        reply = await self._authenticated(target, operation, request, budget, repeatable=repeatable)
        known = self._known_answers.get(operation)
        if known is not None and reply.status == 200 and reply.body == known[0]:
            return known[1]  # byte for byte what was read before and found good
        document = read_reply(reply.status, reply.body, operation)
        if len(reply.body) <= _MAX_KNOWN_ANSWER:
            self._known_answers[operation] = (reply.body, document)
        return document

    async def _authenticated(
        self, target: PinnedTarget, operation: str, request: Request, budget: Budget, *, repeatable: bool
    ) -> HttpReply:
        parts = urlsplit(target.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        link = self._link(target)

        async def post(answer: tuple[str, str] | None) -> HttpReply:
            headers = {"Content-Type": request.content_type}
            if answer is not None:
                headers["Authorization"] = answer[0]
            return await link.post(path, request.body, headers, budget, repeatable=repeatable)

        answered = self._account.authorization(path)
        reply = await post(answered)
        if reply.status != 401:
            return reply
        if not self._account.take_challenge(reply.headers.get_all("WWW-Authenticate", [])):
            return reply
        again = self._account.authorization(path)
        # The same nonce refused means that the password is wrong; another one may only mean that ours was used up.
        if again is None or (answered is not None and again[1] == answered[1]):
            return reply
        reply = await post(again)
        if reply.status == 401:
            raise bad_credentials(operation)
        return reply

    async def _clock_jumped(self, budget: Budget) -> bool:
        if not self._was_accepted:
            return False
        self._was_accepted = False  # at most one look at the clock for every success
        clock = self._account.clock
        before_s = clock.offset_s
        try:
            await self._set_clock(budget)
        except CameraError as error:
            _log.info("the camera's clock could not be read again: %s", error.detail)
            return False
        return abs(clock.offset_s - before_s) > CLOCK_JUMP_S

    async def _set_clock(self, budget: Budget) -> None:
        clock, operation = self._account.clock, "GetSystemDateAndTime"
        asked_s = clock.ours_s()
        try:
            document = await self._exchange(Service.DEVICE, operation, {}, budget, with_token=False)
        except CameraError as error:
            if error.fault not in {CameraFault.BAD_CREDENTIALS, CameraFault.REFUSED}:
                raise
            asked_s = clock.ours_s()
            document = await self._exchange(Service.DEVICE, operation, {}, budget)
        if len(document) > _MAX_CLOCK_ANSWER:  # it is parsed on the event loop
            raise CameraError(CameraFault.PROTOCOL, "the camera's answer with its time is too large")
        theirs_s = utc_seconds(self._envelopes.read(Service.DEVICE, operation, document))
        if theirs_s is not None:
            clock.set(theirs_s, asked_s)
