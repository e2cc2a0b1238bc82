"""Who is asking and whether they may: every route and socket declares one of these, and a test walks them all.

`Public()` is a permission too: it says that the route was thought about.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends
from starlette.requests import HTTPConnection

from auth.model import CameraRef, SignIn
from auth.policy import Standing
from auth.roles import Capability
from auth.service import utc_now
from camctl.api.problems import CROSS_SITE, FORBIDDEN, NOT_FOUND, NOT_SIGNED_IN, ProblemError
from camctl.api.services import services_of
from camctl.control.client import RemoteCamera

COOKIE: Final = "camctl_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_NO_CAMERA = "There is no camera of this name, or none that you may know of."


def token_of(connection: HTTPConnection) -> tuple[str | None, bool]:
    """The caller's token, and whether it came as a cookie, which other sites' pages can make a browser send."""
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip(), False
    return connection.cookies.get(COOKIE), True


def refuse_cross_site(connection: HTTPConnection, public_url: str | None) -> None:
    """Refuse a cookie that another site's page made the browser send (unsafe methods and sockets)."""
    if connection.scope["type"] == "http" and connection.scope["method"] in _SAFE_METHODS:
        return
    origin = connection.headers.get("origin")
    if origin is None:
        # Browsers send Origin with every socket and unsafe request; without one it is not a browser's page.
        if connection.headers.get("sec-fetch-site", "none") in {"none", "same-origin"}:
            return
        raise ProblemError(CROSS_SITE, "This request came from another site's page.")
    allowed = {connection.headers.get("host", "")}
    if public_url:
        allowed.add(urlsplit(public_url).netloc)
    scheme, host = _parts_of(origin)
    # A page that came unencrypted may have been written by whoever carried it; the same name does not make it ours.
    is_weaker = scheme == "http" and connection.scope["scheme"] in {"https", "wss"}
    if host not in allowed or is_weaker:
        raise ProblemError(
            CROSS_SITE,
            "This request came from another page's address; if it is this service's own, set server.public_url to it.",
        )


def _parts_of(origin: str) -> tuple[str, str | None]:
    try:
        parts = urlsplit(origin)
    except ValueError:  # "http://[": no browser writes that
        return "", None
    return parts.scheme, parts.netloc


async def signed_in(connection: HTTPConnection) -> SignIn:
    """The caller's sign-in; 401 without a valid one."""
    services = services_of(connection)
    said = token_of(connection)[0] or ""
    services.rates.check_unknown(connection, lambda: services.recent.get(said, time.monotonic()) is not None)
    token = _own_token(connection)
    sign_in = await services.auth.authenticate(token, connection.client.host if connection.client else "")
    if sign_in is None:
        raise ProblemError(NOT_SIGNED_IN, "This sign-in has ended or never was; sign in again.")
    services.recent.saw(token, sign_in, time.monotonic())
    services.rates.check_person(sign_in.person.id, connection)
    return sign_in


def _own_token(connection: HTTPConnection) -> str:
    """The token that the caller sent by their own will."""
    token, from_cookie = token_of(connection)
    if token is None:
        raise ProblemError(NOT_SIGNED_IN, "Sign in, or send a token as Authorization: Bearer.")
    if from_cookie:
        refuse_cross_site(connection, services_of(connection).config.server.public_url)
    return token


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at a camera that they may know of."""

    sign_in: SignIn
    camera: RemoteCamera

    @property
    def standing(self) -> Standing:
        """What the person's grants say now."""
        return Standing(self.sign_in.person, utc_now())

    @property
    def ref(self) -> CameraRef:
        """The camera, as permissions see it."""
        return self.camera.entry.ref

    def may(self, capability: Capability) -> bool:
        """Whether this person may do that here."""
        return self.standing.allows(capability, self.ref).allowed


class Public:
    """Nobody needs to sign in for this."""

    async def __call__(self) -> None:
        """Allow."""


class SignedIn:
    """Anybody who is signed in; what they get depends on their grants."""

    async def __call__(self, connection: HTTPConnection) -> SignIn:
        """The caller."""
        return await signed_in(connection)


class Holding:
    """Somebody who holds capabilities that concern no single camera; all of these."""

    def __init__(self, *capabilities: Capability) -> None:
        self.capabilities = capabilities

    async def __call__(self, connection: HTTPConnection) -> SignIn:
        """The caller, or 403."""
        sign_in = await signed_in(connection)
        standing = Standing(sign_in.person, utc_now())
        for capability in self.capabilities:
            decision = standing.holds(capability)
            if not decision:
                raise ProblemError(FORBIDDEN, decision.reason, why=decision.why.value)
        return sign_in


class AtCamera:
    """Somebody who may do this with the camera in the path; an unknown camera and a forbidden one answer alike."""

    def __init__(self, capability: Capability) -> None:
        self.capability = capability

    async def __call__(self, connection: HTTPConnection, camera_id: str) -> Visit:
        """The caller and the camera, 404, or 403 for a capability missing on a camera that the caller may know of."""
        sign_in = await signed_in(connection)
        camera = services_of(connection).cameras.get(camera_id)
        if camera is None:
            raise ProblemError(NOT_FOUND, _NO_CAMERA)
        visit = Visit(sign_in, camera)
        self.judge(visit)
        return visit

    def judge(self, visit: Visit) -> None:
        """404 or 403 when this may not be; for what takes long, once more at its end."""
        standing = visit.standing
        if not standing.may_see(visit.ref):
            raise ProblemError(NOT_FOUND, _NO_CAMERA)
        decision = standing.allows(self.capability, visit.ref)
        if not decision:
            raise ProblemError(FORBIDDEN, decision.reason, why=decision.why.value)


class StoppingAt(AtCamera):
    """Somebody who may stop the camera in the path: as `AtCamera`, but its holder needs no database for it.

    Who was let in within the idle time, and of whom nothing changed since, is believed for this one thing while they
    hold the camera; whatever becomes of the people's database, and without waiting for it.
    """

    async def __call__(self, connection: HTTPConnection, camera_id: str) -> Visit:
        """The holder by memory, anybody else as always."""
        services = services_of(connection)
        sign_in = services.recent.get(_own_token(connection), time.monotonic())
        camera = services.cameras.get(camera_id)
        holder = camera.control.holder if camera is not None else None
        if sign_in is None or camera is None or holder is None or holder.source.sign_in != sign_in.session_id:
            return await super().__call__(connection, camera_id)
        visit = Visit(sign_in, camera)
        return visit if visit.may(self.capability) else await super().__call__(connection, camera_id)


Anyone = Depends(Public())
Caller = Annotated[SignIn, Depends(SignedIn())]
ManagingPeople = Annotated[SignIn, Depends(Holding(Capability.MANAGE_PEOPLE))]
Seeing = Annotated[Visit, Depends(AtCamera(Capability.SEE))]
Watching = Annotated[Visit, Depends(AtCamera(Capability.LIVE))]
Steering = Annotated[Visit, Depends(AtCamera(Capability.CONTROL))]
Stopping = Annotated[Visit, Depends(StoppingAt(Capability.CONTROL))]
Snapping = Annotated[Visit, Depends(AtCamera(Capability.SNAPSHOT))]
UsingPresets = Annotated[Visit, Depends(AtCamera(Capability.PRESETS))]
