"""One camera's SOAP operations through zeep: synchronous, for use in threads."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import zeep
from zeep.exceptions import Error as ZeepError

from camctl.egress import PinnedTarget
from camctl.onvif.account import Account
from camctl.onvif.budget import Budget
from camctl.onvif.documents import Documents, Service, reply_settings
from camctl.onvif.http import HttpConnection
from camctl.onvif.replies import dig
from camctl.onvif.transport import Connect, SoapTransport
from camctl.ptz.ports import CameraError, CameraFault

_log = logging.getLogger(__name__)

# A difference that no rounding to whole seconds explains: the camera's clock was set or it rebooted.
CLOCK_JUMP_S = 3.0
_SETTINGS = reply_settings()


class OnvifClient:
    """Calls operations of a camera's services, one at a time, over connections of its own.

    Several clients of one camera share its `Account`, and so the camera's clock and its HTTP digest challenge.
    """

    def __init__(
        self,
        documents: Documents,
        account: Account,
        connect: Connect = HttpConnection,
    ) -> None:
        self._documents = documents
        self._account = account
        self._transport = SoapTransport(account, connect)
        self._proxies: dict[Service, Any] = {}
        self._time_proxy: Any = None
        self._was_accepted = False

    def use(self, service: Service, target: PinnedTarget) -> None:
        """Where a service is; the address passed the egress guard."""
        self._transport.allow(target)
        self._proxies[service] = self._proxy(service, target, self._account.token)
        if service is Service.DEVICE:
            self._time_proxy = self._proxy(service, target, None)

    def call(self, service: Service, operation: str, *, budget: Budget | None = None, **parameters: Any) -> Any:  # noqa: ANN401  # zeep has no types
        """Call an operation and return its answer as zeep parsed it; fields may be None.

        A camera that refuses an account which it accepted before is asked for its time: when its clock jumped, as
        after a reboot, the call is made once more with the right time.

        Raises:
            CameraError: any kind.
        """
        proxy = self._proxies.get(service)
        if proxy is None:
            raise CameraError(CameraFault.UNSUPPORTED, f"the camera has no {service.name} service")
        budget = budget or Budget()
        try:
            reply = self._invoke(proxy, operation, budget, parameters)
        except CameraError as error:
            if error.fault is not CameraFault.BAD_CREDENTIALS or not self._clock_jumped(budget):
                raise
            reply = self._invoke(proxy, operation, budget, parameters)
        self._was_accepted = True
        return reply

    def set_clock(self, budget: Budget) -> float:
        """Read the camera's time, without the account and with it only when the camera demands that.

        Returns the camera's clock minus ours, in seconds; as it was when the camera does not tell its UTC time.

        Raises:
            CameraError: the camera cannot be reached, or refuses the account.
        """
        clock = self._account.clock
        asked_s = clock.ours_s()
        try:
            reply = self._invoke(self._time_proxy, "GetSystemDateAndTime", budget, {})
        except CameraError as error:
            if error.fault not in {CameraFault.BAD_CREDENTIALS, CameraFault.REFUSED}:
                raise
            asked_s = clock.ours_s()
            reply = self._invoke(self._proxies[Service.DEVICE], "GetSystemDateAndTime", budget, {})
        theirs_s = utc_seconds(reply)
        if theirs_s is not None:
            clock.set(theirs_s, asked_s)
        return clock.offset_s

    def close(self) -> None:
        """Give the sockets back; the client can be used again."""
        self._transport.close()

    def _clock_jumped(self, budget: Budget) -> bool:
        if not self._was_accepted or self._time_proxy is None:
            return False
        self._was_accepted = False  # at most one look at the clock for every success
        before_s = self._account.clock.offset_s
        try:
            self.set_clock(budget)
        except CameraError as error:
            _log.info("the camera's clock could not be read again: %s", error.detail)
            return False
        return abs(self._account.clock.offset_s - before_s) > CLOCK_JUMP_S

    def _proxy(self, service: Service, target: PinnedTarget, wsse: object | None) -> Any:  # noqa: ANN401  # zeep has no types
        client: Any = zeep.Client(  # type: ignore[no-untyped-call]
            self._documents.get(service), wsse=wsse, transport=self._transport, settings=_SETTINGS
        )
        return client.create_service(service.binding, target.url)

    def _invoke(self, proxy: Any, operation: str, budget: Budget, parameters: dict[str, Any]) -> Any:  # noqa: ANN401  # zeep has no types
        self._transport.begin(operation, budget)
        try:
            return proxy[operation](**parameters)
        except (ZeepError, AttributeError, LookupError, TypeError, ValueError) as error:
            # zeep raises all of these on documents that it did not expect; before the answer they are mistakes of ours.
            if not self._transport.has_reply:
                raise
            _log.info("the answer to %s could not be read: %s", operation, type(error).__name__)
            raise CameraError(CameraFault.PROTOCOL, f"the camera's answer to {operation} cannot be read") from None
        finally:
            self._transport.end()


def utc_seconds(reply: object) -> float | None:
    """The UTC time of a GetSystemDateAndTime answer in seconds since the epoch; None where it is missing or no time."""
    parts: list[Any] = [dig(reply, "UTCDateTime", "Date", name) for name in ("Year", "Month", "Day")]
    parts += [dig(reply, "UTCDateTime", "Time", name) for name in ("Hour", "Minute", "Second")]
    if not all(isinstance(part, int) for part in parts):
        return None
    try:
        year, month, day, hour, minute, second = parts
        # Second 60 is allowed by the schema (leap seconds).
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None
