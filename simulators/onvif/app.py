"""The ONVIF server of a whole street as one ASGI application: the port tells which camera is meant."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Sequence

from simulators.onvif import events, side_door, snapshot
from simulators.onvif.auth import DEFAULT_TOLERANCE_S, Access, Login, read_token
from simulators.onvif.device import ELSEWHERE, Call, CameraEndpoint, Device, Operation, Service
from simulators.onvif.device_service import SERVICES
from simulators.onvif.http import (
    Exchange,
    GoneError,
    Receive,
    Scope,
    Send,
    TooLargeError,
    html_reply,
    plain_reply,
)
from simulators.onvif.ptz import CrashError
from simulators.onvif.soap import (
    MAX_REQUEST_BYTES,
    Reply,
    Request,
    SoapFaultError,
    action_not_supported,
    answer,
    fault,
    parse,
)
from simulators.onvif.xml import NAMESPACES

log = logging.getLogger(__name__)
_ROOT = "/onvif/"
_CRASH_S = 5.0
# Each entity is ten of the one before: ten to the ninth "lol" (the "billion laughs").
_BOMB = b"<!DOCTYPE s [<!ENTITY a 'lol'>%b]>" % b"".join(
    b"<!ENTITY %c '%b'>" % (name, b"&%c;" % (name - 1) * 10) for name in b"bcdefghij"
)
_GARBAGE = b"\x00\xff<soap:Envelope><oops"
_BY_NAMESPACE: dict[str, Service] = {
    NAMESPACES[service.prefix]: service for service in (*SERVICES, events.NOTIFICATION)
}


class OnvifApp:
    """Plain ASGI. Every answer is complete; no request can make it raise."""

    def __init__(self, endpoints: Sequence[CameraEndpoint], *, tolerance_s: float = DEFAULT_TOLERANCE_S) -> None:
        self.devices = {each.onvif_port: Device(each, tolerance_s=tolerance_s) for each in endpoints}
        self._photographers = {port: snapshot.Photographer(device) for port, device in self.devices.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI; anything but HTTP is refused."""
        if scope["type"] != "http":
            raise NotImplementedError(f"{scope['type']} is not served")
        exchange = Exchange(scope, receive, send)
        device = self.devices.get(exchange.server[1])
        try:
            reply = await self._serve(device, exchange) if device else plain_reply(404, "no camera on this port")
        except GoneError:
            return
        except TooLargeError:
            reply = plain_reply(413, "too large", ("connection", "close"))
        if reply is not None:
            await exchange.reply(reply)

    async def _serve(self, device: Device, exchange: Exchange) -> Reply | None:
        """The answer; None when none shall be given, or was given already."""
        if exchange.path.startswith(side_door.PREFIX):
            return await side_door.serve(device, exchange)
        troubles = device.endpoint.faults
        if troubles.now.black_hole:
            await exchange.say_nothing()
            return None
        if device.is_down:
            await exchange.abort()
            return None
        if troubles.now.delay_s:
            await asyncio.sleep(troubles.now.delay_s)
        if troubles.now.http_status is not None:
            return html_reply(troubles.now.http_status, "Error")
        if exchange.path == snapshot.PATH:
            picture = await self._photographers[device.endpoint.onvif_port].serve(exchange)
            return await _troubled(device, exchange, picture)
        return await _troubled(device, exchange, await _soap(device, exchange))


async def _troubled(device: Device, exchange: Exchange, reply: Reply | None) -> Reply | None:
    """The answer as faults and quirks of the wire leave it."""
    if reply is None:
        return None
    if device.endpoint.faults.now.reply_delay_s:
        await asyncio.sleep(device.endpoint.faults.now.reply_delay_s)
    if device.endpoint.faults.now.drop_replies:
        await exchange.say_nothing()
        return None
    if device.endpoint.faults.now.soap_garbage:
        return Reply(200, reply.content_type, _GARBAGE)
    if device.quirks.redirects_elsewhere:
        target = f"http://{ELSEWHERE}:{device.endpoint.onvif_port}{exchange.path}"
        return Reply(302, "text/plain", b"", (("location", target),))
    body = reply.body
    if device.quirks.entity_bomb and "xml" in reply.content_type:
        body = _BOMB + body[body.index(b"<s:Envelope") :].replace(b"<s:Body>", b"<s:Header>&j;</s:Header><s:Body>", 1)
    if device.quirks.invalid_utf8 and "xml" in reply.content_type:
        body = body.decode("utf-8").encode("latin-1", "replace")
    closing = (("connection", "close"),) if device.quirks.closes_connection else ()
    return Reply(reply.status, reply.content_type, body, (*reply.headers, *closing))


async def _soap(device: Device, exchange: Exchange) -> Reply | None:
    if not exchange.path.startswith(_ROOT):
        return plain_reply(404, "not found")
    if exchange.method != "POST":
        return plain_reply(405, "POST only", ("allow", "POST"))
    request: Request | None = None
    try:
        request = parse(await exchange.body(MAX_REQUEST_BYTES))
        service, operation = _find(device, request)
        refusal = _refusal(device, exchange, request, operation)
        if refusal is not None:
            return refusal
        call = Call(device, request, exchange.path, exchange.server[0])
        content = operation.handler(call)
        return answer(request, service.prefix, await content if inspect.isawaitable(content) else content)
    except SoapFaultError as error:
        return fault(error, request)
    except CrashError:
        device.go_down(_CRASH_S)
        await exchange.abort()
        return None
    except (GoneError, TooLargeError):
        raise
    except Exception:
        # A mistake of the simulator's own: the client gets what a broken camera says, the log gets the truth.
        log.exception("operation of %r failed", device.camera)
        return fault(SoapFaultError("Receiver", "Action", reason="internal error"), request)


def _find(device: Device, request: Request) -> tuple[Service, Operation]:
    """What the Body asks for.

    Raises:
        SoapFaultError: ter:ActionNotSupported, this camera has no such service or operation.
    """
    namespace, name = request.operation
    service = _BY_NAMESPACE.get(namespace)
    operation = service.operations.get(name) if service is not None and service.is_offered(device) else None
    if service is None or operation is None:
        raise action_not_supported(name[:64])
    return service, operation


def _refusal(device: Device, exchange: Exchange, request: Request, operation: Operation) -> Reply | None:
    """The answer to who may not; None to who may (ONVIF Core, 5.9.2 and 5.9.3)."""
    if operation.access is Access.PRE_AUTH and not device.quirks.auth_on_time:
        return None
    now_s = device.now_s
    authorization = exchange.header("authorization")
    token = read_token(request.header)
    login = device.gate.check_soap(token, authorization, uri=exchange.uri, wall_s=device.wall_s, now_s=now_s)
    if login is Login.GOOD:
        return None
    if device.quirks.auth_failure_html:
        return html_reply(401, "401 Unauthorized")
    if device.quirks.auth_failure_500:
        return fault(SoapFaultError("Sender", "NotAuthorized", reason="not authorized", status=500), request)
    if login is Login.LOCKED:
        return fault(SoapFaultError("Sender", "NotAuthorized", reason="the account is locked"), request)
    if login is Login.BAD_TOKEN:
        return fault(SoapFaultError("Sender", "NotAuthorized", reason="not authorized"), request)
    refused = fault(SoapFaultError("Sender", "NotAuthorized", reason="not authorized", status=401), request)
    offers = device.gate.challenges(now_s, stale=login is Login.STALE)
    return Reply(401, refused.content_type, refused.body, tuple(("www-authenticate", offer) for offer in offers))


def build_app(cameras: Sequence[CameraEndpoint], *, tolerance_s: float = DEFAULT_TOLERANCE_S) -> OnvifApp:
    """The application for these cameras; `tolerance_s` is how far a token's Created may be from a camera's clock.

    Raises:
        UnknownQuirkError: a camera's configuration names a quirk that is not in the table.
    """
    return OnvifApp(cameras, tolerance_s=tolerance_s)
