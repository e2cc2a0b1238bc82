"""Every refusal as application/problem+json (RFC 9457): one table of kinds, one place that writes them."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from auth.errors import (
    AuthError,
    AuthUnavailableError,
    LastWayInError,
    NoPasskeysHereError,
    NoTotpError,
    PasskeyRefusedError,
    PendingOverError,
    PersonRuleError,
    SecondFactorPendingError,
    ThrottledError,
    TooManyPasskeysError,
    UnknownPasskeyError,
    WrongCodeError,
    WrongProofError,
    WrongSignInError,
)
from camctl.admission import NoPlaceError, TooManySessionsError
from camctl.ptz.ports import CameraError, CameraFault
from camctl.store.engine import StoreError
from camctl.video import PictureHiddenError
from streams.errors import StreamError, StreamFault
from streams.pool import PreconditionError, SessionNotFoundError, StaleEtagError

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of problem; `name` is the end of its urn and what clients branch on."""

    name: str
    status: int
    title: str


BAD_INPUT = Kind("bad-input", 422, "The request is not right")
BAD_OFFER = Kind("bad-offer", 400, "The offer cannot be used")
NOT_SIGNED_IN = Kind("not-signed-in", 401, "Sign in first")
WRONG_SIGN_IN = Kind("wrong-sign-in", 401, "Name or password is wrong")
SECOND_FACTOR_NEEDED = Kind("second-factor-needed", 401, "A code is needed too")
SECOND_FACTOR_OVER = Kind("second-factor-over", 401, "Begin the sign-in again")
WRONG_CODE = Kind("wrong-code", 403, "The code is wrong")
WRONG_PROOF = Kind("wrong-proof", 403, "This does not prove who you are")
PASSKEY_REFUSED = Kind("passkey-refused", 403, "The passkey was not accepted")
STEP_UP_NEEDED = Kind("step-up-needed", 403, "Prove again who you are")
NO_PASSKEYS_HERE = Kind("no-passkeys-here", 409, "Passkeys do not work at this address")
FORBIDDEN = Kind("forbidden", 403, "Not allowed")
CROSS_SITE = Kind("cross-site", 403, "Requests from other sites are refused")
NOT_FOUND = Kind("not-found", 404, "There is no such thing here")
METHOD = Kind("method", 405, "This address has no such method")
CODEC = Kind("codec", 406, "The camera's video cannot be shown")
HELD = Kind("held", 409, "Somebody else controls the camera")
NOT_DONE = Kind("not-done", 409, "This cannot be done as things stand")
OUTRANKED = Kind("outranked", 403, "The holder's priority is not lower")
HIDDEN = Kind("hidden", 409, "The picture is withheld")
NOT_LIVE = Kind("not-live", 409, "The camera gives no picture now")
RESTREAM_OFF = Kind("restream-off", 409, "The re-stream is switched off")
CANNOT_STEER = Kind("cannot-steer", 409, "This camera cannot be steered")
STALE_ETAG = Kind("stale-etag", 412, "The session has changed meanwhile")
NO_PRECONDITION = Kind("no-precondition", 428, "The request has to be conditional")
TOO_LARGE = Kind("too-large", 413, "The request is too large")
MEDIA_TYPE_WRONG = Kind("media-type", 415, "The content type is not right")
THROTTLED = Kind("rate-limited", 429, "Too many attempts")
TOO_FAST = Kind("rate-limited", 429, "Too many requests")
# Of the door: for what never becomes a request of a route.
MALFORMED = Kind("malformed", 400, "This is no HTTP request")
TOO_SLOW = Kind("too-slow", 408, "The request took too long to arrive")
URL_TOO_LONG = Kind("url-too-long", 414, "The address is too long")
HEADERS_TOO_LARGE = Kind("headers-too-large", 431, "The headers are too large")
TOO_MANY_SESSIONS = Kind("too-many-sessions", 429, "Too many video sessions")
INTERNAL = Kind("internal", 500, "The service failed")
CAMERA_FAULT = Kind("camera-fault", 502, "The camera did not do it")
CAMERA_TIMEOUT = Kind("camera-fault", 504, "The camera did not answer in time")
NO_PLACE = Kind("no-place", 503, "All places for viewers are taken")
GAVE_WAY = Kind("gave-way", 503, "Your place was needed")
OVERLOADED = Kind("overloaded", 503, "Too much to do at the moment")
NOT_ON_RECORD = Kind("not-on-record", 503, "Nothing can be written to the record now")
UNAVAILABLE = Kind("unavailable", 503, "A part of the service is not available")

_OF_CAMERA = {CameraFault.TIMEOUT: CAMERA_TIMEOUT, CameraFault.NOT_ON_RECORD: NOT_ON_RECORD}
_BY_STATUS = {404: NOT_FOUND, 405: METHOD, 401: NOT_SIGNED_IN, 403: FORBIDDEN, 413: TOO_LARGE, 415: MEDIA_TYPE_WRONG}


class ProblemError(Exception):
    """Answer the request with this problem; `extras` are members of the JSON beside the standard ones."""

    def __init__(self, kind: Kind, detail: str, *, headers: Mapping[str, str] | None = None, **extras: object) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.extras = extras


def problem_body(error: ProblemError) -> dict[str, object]:
    """The JSON members of a problem."""
    kind = error.kind
    return {
        "type": f"urn:camctl:problem:{kind.name}",
        "title": kind.title,
        "status": kind.status,
        "detail": error.detail,
        **error.extras,
    }


def problem_text(error: ProblemError) -> dict[str, object]:
    """The JSON members of a problem for a socket, where there is no header for how long to wait."""
    wait = error.headers.get("Retry-After")
    return problem_body(error) | ({"retry_after_ms": int(wait) * 1000} if wait else {})


def problem_response(error: ProblemError) -> JSONResponse:
    """The HTTP answer for a problem."""
    headers = {"Cache-Control": "no-store", **error.headers}
    if error.kind.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="camctl"'
    return JSONResponse(problem_body(error), error.kind.status, headers, MEDIA_TYPE)


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def from_stream_error(error: StreamError) -> ProblemError:
    """A stream that cannot be had, in the words of HTTP."""
    fault = error.fault
    if fault is StreamFault.CODEC:
        return ProblemError(CODEC, error.detail, codec=error.codec, fault=fault.value)
    if fault is StreamFault.BAD_OFFER:
        return ProblemError(BAD_OFFER, error.detail, fault=fault.value)
    if fault is StreamFault.HIDDEN:  # hidden between our look and the worker's
        return ProblemError(HIDDEN, error.detail, headers=_retry_after(5), fault=fault.value)
    if fault is StreamFault.OVERLOADED:
        return ProblemError(OVERLOADED, error.detail, headers=_retry_after(5), fault=fault.value)
    return ProblemError(NOT_LIVE, error.detail, headers=_retry_after(5), fault=fault.value)


def from_camera_error(error: CameraError) -> ProblemError:
    """A camera that did not do what it was asked, in the words of HTTP."""
    kind = _OF_CAMERA.get(error.fault, CAMERA_FAULT)
    return ProblemError(kind, error.detail, fault=error.fault.value)


def _from_validation(error: RequestValidationError) -> ProblemError:
    faults = [
        {"where": ".".join(str(step) for step in item["loc"] if step != "body") or "body", "what": item["msg"]}
        for item in error.errors()
    ]
    detail = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults[:5])
    return ProblemError(BAD_INPUT, detail, faults=faults)


def _from_http(error: HTTPException) -> ProblemError:
    if error.status_code == 400:  # FastAPI's answer to a body that its JSON parser gave up on
        what = "not JSON: it is no UTF-8 text, or nested too deeply"
        return ProblemError(BAD_INPUT, f"body: {what}", faults=[{"where": "body", "what": what}])
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        kind = Kind("http", error.status_code, "The request was refused")
    return ProblemError(kind, str(error.detail), headers=error.headers)


def _from_media(
    error: PictureHiddenError
    | TooManySessionsError
    | NoPlaceError
    | SessionNotFoundError
    | StaleEtagError
    | PreconditionError,
) -> ProblemError:
    match error:
        case PictureHiddenError():
            return ProblemError(HIDDEN, str(error), headers=_retry_after(5), hidden=error.why)
        case TooManySessionsError():
            return ProblemError(TOO_MANY_SESSIONS, str(error), headers=_retry_after(5))
        case NoPlaceError():
            kind = GAVE_WAY if error.gave_way else NO_PLACE
            return ProblemError(kind, str(error), headers=_retry_after(error.retry_after_s), full=error.scope.value)
        case SessionNotFoundError():
            return ProblemError(NOT_FOUND, "There is no such session, or it is over.")
        case StaleEtagError():
            return ProblemError(STALE_ETAG, str(error))
        case PreconditionError():
            return ProblemError(NO_PRECONDITION, str(error))


_OF_AUTH: Mapping[type[AuthError], Kind] = {
    WrongSignInError: WRONG_SIGN_IN,
    PendingOverError: SECOND_FACTOR_OVER,
    WrongCodeError: WRONG_CODE,
    WrongProofError: WRONG_PROOF,
    PasskeyRefusedError: PASSKEY_REFUSED,
    NoPasskeysHereError: NO_PASSKEYS_HERE,
    UnknownPasskeyError: NOT_FOUND,
    TooManyPasskeysError: NOT_DONE,
    LastWayInError: NOT_DONE,
    NoTotpError: NOT_DONE,
}


def _from_auth(error: AuthError) -> ProblemError | None:
    """What signing in and one's own account may be refused with; None for what a route should have caught."""
    match error:
        case ThrottledError():
            return ProblemError(THROTTLED, str(error), headers=_retry_after(error.retry_after_s))
        case SecondFactorPendingError():
            return ProblemError(SECOND_FACTOR_NEEDED, str(error), pending=error.pending)
        case PersonRuleError():
            fault = {"where": error.field, "what": str(error)}
            return ProblemError(BAD_INPUT, f"{error.field}: {error}", faults=[fault])
    kind = _OF_AUTH.get(type(error))
    return None if kind is None else ProblemError(kind, str(error))


def to_problem(error: Exception) -> ProblemError:
    """Any exception that may leave a route, as a problem; what is not expected is logged and says nothing of itself."""
    match error:
        case ProblemError():
            return error
        case StreamError():
            return from_stream_error(error)
        case CameraError():
            return from_camera_error(error)
        case RequestValidationError():
            return _from_validation(error)
        case AuthUnavailableError() | StoreError():
            return ProblemError(UNAVAILABLE, str(error), headers=_retry_after(2))
        case (
            PictureHiddenError() | TooManySessionsError() | NoPlaceError() | SessionNotFoundError() | StaleEtagError()
            | PreconditionError()
        ):  # fmt: skip
            return _from_media(error)
        case AuthError() if (found := _from_auth(error)) is not None:
            return found
        case HTTPException():
            return _from_http(error)
        case _:
            _log.error("a request failed unexpectedly", exc_info=error)
            return ProblemError(INTERNAL, "The service failed on this request; its log says why.")


def install(app: FastAPI, tell: Callable[[HTTPConnection, ProblemError], None] = lambda _c, _p: None) -> None:
    """Answer every exception with a problem; `tell` hears of each."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        problem = to_problem(error)
        tell(request, problem)
        return problem_response(problem)

    handled: tuple[type[Exception], ...] = (
        ProblemError, StreamError, CameraError, RequestValidationError, AuthError, StoreError, PictureHiddenError,
        TooManySessionsError, NoPlaceError, SessionNotFoundError, StaleEtagError, PreconditionError, HTTPException,
        Exception,
    )  # fmt: skip
    for kind in handled:
        app.add_exception_handler(kind, answer)


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}


def documented(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route, for OpenAPI: these kinds, and those that every route may answer with."""
    every = (NOT_SIGNED_IN, NOT_FOUND, BAD_INPUT, TOO_LARGE, TOO_FAST, UNAVAILABLE, *kinds)
    titles: dict[int, list[str]] = {}
    for kind in every:
        titles.setdefault(kind.status, []).append(kind.title)
    return {
        status: {
            "description": "; or: ".join(dict.fromkeys(names)),
            "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}},
        }
        for status, names in titles.items()
    }
