"""Viewing a camera: WHEP (draft-ietf-wish-whep-03), one session resource per viewer."""

from __future__ import annotations

import secrets
import time
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from auth.policy import Standing
from auth.roles import Capability
from auth.service import utc_now
from camctl.api.access import Visit, Watching
from camctl.api.paths import PREFIX
from camctl.api.problems import (
    BAD_INPUT,
    BAD_OFFER,
    CODEC,
    CROSS_SITE,
    FORBIDDEN,
    GAVE_WAY,
    HIDDEN,
    MEDIA_TYPE_WRONG,
    NO_PLACE,
    NO_PRECONDITION,
    NOT_FOUND,
    NOT_LIVE,
    OVERLOADED,
    STALE_ETAG,
    TOO_LARGE,
    TOO_MANY_SESSIONS,
    ProblemError,
    documented,
)
from camctl.api.services import Services, services_of
from camctl.api.video_schemas import QualityWish, VideoView
from camctl.video import VideoSession, ViewEnd
from streams.errors import StreamError, StreamFault
from streams.pool import SessionNotFoundError
from streams.quality import Demand, Wish

router = APIRouter(prefix=PREFIX, tags=["video"])

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
MAX_SDP_BYTES = 65_536
_OVER = "There is no such session, or it is over."

_POST_ANSWERS = documented(
    FORBIDDEN,
    BAD_OFFER,
    CODEC,
    HIDDEN,
    NOT_LIVE,
    MEDIA_TYPE_WRONG,
    TOO_MANY_SESSIONS,
    NO_PLACE,
    GAVE_WAY,
    OVERLOADED,
)
_SESSION_ANSWERS = documented(FORBIDDEN, BAD_OFFER, STALE_ETAG, NO_PRECONDITION, MEDIA_TYPE_WRONG, CROSS_SITE)


async def _text(request: Request, media_type: str) -> str:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != media_type:
        raise ProblemError(MEDIA_TYPE_WRONG, f"Send the body as {media_type}, not as {given or 'nothing'}.")
    body = await request.body()
    if len(body) > MAX_SDP_BYTES:
        raise ProblemError(TOO_LARGE, f"An SDP has at most {MAX_SDP_BYTES} bytes here.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(BAD_INPUT, f"The body is not UTF-8 at byte {error.start}.") from None


def _body_schema(media_type: str) -> dict[str, object]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": {"type": "string"}}}}}


def _add_links(response: Response, services: Services) -> Response:
    """Tell of the TURN servers, with credentials of this answer's own; answers with them are kept by nobody."""
    response.headers["Cache-Control"] = "no-store"
    if services.turn is not None:
        for link in services.turn.links(time.time(), secrets.token_hex(8)):
            response.headers.append("Link", link)
    return response


@router.options("/cameras/{camera_id}/whep", status_code=204, responses=documented(FORBIDDEN))
async def whep_options(_visit: Watching, request: Request) -> Response:
    """What may be posted here, and the TURN servers there are (Link, rel="ice-server")."""
    return _add_links(Response(status_code=204, headers={"Accept-Post": SDP}), services_of(request))


@router.post(
    "/cameras/{camera_id}/whep",
    status_code=201,
    response_class=Response,
    responses={**_POST_ANSWERS, 201: {"content": {SDP: {"schema": {"type": "string"}}}}},
    openapi_extra=_body_schema(SDP),
)
async def open_session(
    visit: Watching,
    request: Request,
    quality: Wish = Wish.AUTO,
    height_px: Annotated[int, Query(ge=0, le=8640)] = 0,
    slow: bool = False,
) -> Response:
    """Answer a viewer's SDP offer; the picture follows over UDP, or TCP where that is closed.

    `quality` is auto (by the link, the default), main or sub; `height_px` the picture's height in device pixels (0:
    unknown), for a small one the sub stream is enough; `slow`: the viewer believes that its link is. Link headers
    (rel="ice-server") name the TURN servers, if there are any, with credentials for this viewer.
    """
    services = services_of(request)
    offer = await _text(request, SDP)
    person = visit.sign_in.person
    session_id, answer = await services.media.open(
        visit.camera,
        Demand(quality, height_px, slow),
        offer,
        sign_in=visit.sign_in.session_id,
        person=person.id,
        viewer=person,
        rank=Standing(person, utc_now()).viewing_rank(),
    )
    # Looked at once more now that a withdrawal would find the session: none can fall between the two. The
    # right to watch too: a body takes as long as its sender likes, and what was withdrawn meanwhile found no session.
    fresh = await services.auth.recheck(visit.sign_in.session_id)
    if fresh is None or not Visit(fresh, visit.camera).may(Capability.LIVE):
        await services.media.close(session_id, ViewEnd.REVOKED)
        raise StreamError(StreamFault.CLOSED, "your right to watch ended while the session was being set up")
    location = f"/api/v1/cameras/{visit.camera.entry.id}/whep/{session_id}"
    headers = {"Location": location, "ETag": answer.etag, "Accept-Patch": FRAGMENT}
    return _add_links(Response(answer.sdp, 201, headers, SDP), services)


def _own(visit: Visit, services: Services, session_id: str) -> VideoSession:
    """The session of this very sign-in; another one, of the same person's too, is refused as if it did not exist."""
    session = services.media.get(session_id)
    if session is None or session.sign_in != visit.sign_in.session_id or session.camera_id != visit.camera.entry.id:
        raise ProblemError(NOT_FOUND, _OVER)
    return session


@router.patch(
    "/cameras/{camera_id}/whep/{session_id}",
    status_code=204,
    response_class=Response,
    responses={**_SESSION_ANSWERS, 200: {"content": {FRAGMENT: {"schema": {"type": "string"}}}}},
    openapi_extra=_body_schema(FRAGMENT),
)
async def patch_session(visit: Watching, request: Request, session_id: str) -> Response:
    """Trickle a candidate (204), or restart ICE (200 with the new credentials).

    A restart needs If-Match, "*" or the session's ETag (428); with an ETag that is no longer the session's: 412.
    """
    services = services_of(request)
    _own(visit, services, session_id)
    fragment = await _text(request, FRAGMENT)
    result = await services.media.patch(session_id, fragment, request.headers.get("if-match"))
    if not result.sdp_fragment:
        return Response(status_code=204, headers={"ETag": result.etag})
    return _add_links(Response(result.sdp_fragment, 200, {"ETag": result.etag}, FRAGMENT), services)


@router.get("/cameras/{camera_id}/whep/{session_id}", responses=_SESSION_ANSWERS)
async def show_session(visit: Watching, request: Request, session_id: str) -> VideoView:
    """What the session is shown now, and why."""
    services = services_of(request)
    session = _own(visit, services, session_id)
    return VideoView.of(session)


@router.put("/cameras/{camera_id}/whep/{session_id}/quality", responses=_SESSION_ANSWERS)
async def ask_quality(visit: Watching, request: Request, session_id: str, wanted: QualityWish) -> VideoView:
    """Pin the session to a stream, or let the link decide; the change comes with the next key picture."""
    services = services_of(request)
    _own(visit, services, session_id)
    try:
        await services.media.ask_quality(session_id, wanted.demand())
    except SessionNotFoundError:
        raise ProblemError(NOT_FOUND, _OVER) from None
    return VideoView.of(_own(visit, services, session_id))


@router.delete(
    "/cameras/{camera_id}/whep/{session_id}",
    response_class=Response,
    responses={**_SESSION_ANSWERS, 200: {"description": "The session is over; the body is empty."}},
)
async def close_session(visit: Watching, request: Request, session_id: str) -> Response:
    """End the session."""
    services = services_of(request)
    _own(visit, services, session_id)
    await services.media.close(session_id)
    return Response(status_code=200)
