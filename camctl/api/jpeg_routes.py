"""A camera's picture for the weakest links: one small JPEG a second, as multipart/x-mixed-replace."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.types import Receive, Scope, Send

from auth.roles import Capability
from camctl.api.access import Visit, Watching
from camctl.api.paths import PREFIX
from camctl.api.problems import (
    CODEC,
    FORBIDDEN,
    GAVE_WAY,
    HIDDEN,
    NO_PLACE,
    NOT_LIVE,
    OVERLOADED,
    TOO_MANY_SESSIONS,
    documented,
)
from camctl.api.services import Services, services_of
from camctl.fallback import Way
from camctl.video import PictureHiddenError
from streams.errors import StreamError, StreamFault
from streams.quality import Quality

router = APIRouter(prefix=PREFIX, tags=["video"])
_log = logging.getLogger(__name__)

BOUNDARY = "camctl-picture"
MEDIA_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
SAME_AGAIN_S = 3.0  # a picture that stays the same is sent again after this long: the client knows that we live
# One grey pixel, so that no browser leaves the last picture standing.
BLANK = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////////"
    "////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
    "AQEAAD8AD//Z"
)


@dataclass(frozen=True, slots=True)
class Still:
    """One picture; `hidden` says why it is blank."""

    jpeg: bytes
    hidden: str | None = None

    def part(self) -> bytes:
        """As a part of the answer, with the delimiter behind it: browsers show a part only when they have seen that."""
        why = f"X-Camctl-Hidden: {self.hidden}\r\n" if self.hidden else ""
        head = f"Content-Type: image/jpeg\r\nContent-Length: {len(self.jpeg)}\r\n{why}\r\n"
        return head.encode() + self.jpeg + f"\r\n--{BOUNDARY}\r\n".encode()


class JpegStream(Response):
    """Sends the newest picture again and again; a client that is slow gets fewer, never older ones."""

    def __init__(self, visit: Visit, services: Services, quality: Quality, period_s: float) -> None:
        super().__init__()
        self._visit = visit
        self._services = services
        self._quality = quality
        self._period_s = period_s

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what fails before the first picture is answered as a problem."""
        sign_in = self._visit.sign_in
        seat = self._services.fallback.seat
        with seat(self._visit.camera, Way.JPEG, sign_in=sign_in.session_id, person=sign_in.person) as own:
            # Looked at once more now that a withdrawal would find the seat: none can fall between the two.
            fresh = await self._services.auth.recheck(sign_in.session_id)
            if fresh is None or not Visit(fresh, self._visit.camera).may(Capability.LIVE):
                raise StreamError(StreamFault.CLOSED, "the right to watch ended while the picture was being fetched")
            first = await self._next()
            headers = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._show_until(own.ended, first, receive, send)

    async def _show_until(self, ended: asyncio.Event, first: Still, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(_left(receive), name="jpegs client")
        ending = asyncio.create_task(ended.wait(), name="jpegs end")
        showing = asyncio.create_task(self._show(first, send), name="jpegs out")
        tasks = (leaving, ending, showing)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_client_there = not leaving.done()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        error = None if showing.cancelled() else showing.exception()
        if error is not None and not isinstance(error, OSError):  # OSError: the client is gone
            raise error
        if is_client_there:
            with contextlib.suppress(OSError):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _show(self, still: Still, send: Send) -> None:
        """Send this picture and each new one, until the stream fails."""
        clock = asyncio.get_running_loop().time
        await send(_body(f"--{BOUNDARY}\r\n".encode() + still.part()))
        sent_s = clock()
        while True:
            await asyncio.sleep(self._period_s)
            try:
                newest = await self._next()
            except StreamError as error:
                _log.debug("a stream of pictures ends: %s", error.detail)  # who asks again is told why
                return
            if newest != still or clock() - sent_s >= SAME_AGAIN_S:
                still = newest
                await send(_body(still.part()))
                sent_s = clock()

    async def _next(self) -> Still:
        camera = self._visit.camera
        if camera.hidden is not None:
            return Still(BLANK, str(camera.hidden))
        try:
            return Still(await self._services.media.snapshot(camera, self._quality, small=True))
        except PictureHiddenError as error:
            return Still(BLANK, str(error.why))
        except StreamError as error:
            if error.fault is StreamFault.HIDDEN:  # hidden between our look and the worker's
                return Still(BLANK, "withheld")
            raise


async def _left(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _body(data: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": data, "more_body": True}


@router.get(
    "/cameras/{camera_id}/jpegs",
    response_class=Response,
    responses={
        **documented(FORBIDDEN, CODEC, HIDDEN, NOT_LIVE, TOO_MANY_SESSIONS, OVERLOADED, NO_PLACE, GAVE_WAY),
        200: {"content": {"multipart/x-mixed-replace": {"schema": {"type": "string", "format": "binary"}}}},
    },
)
async def jpegs(
    visit: Watching,
    request: Request,
    quality: Quality = Quality.SUB,
    fps: Annotated[float, Query(ge=0.1, le=2.0)] = 1.0,
) -> Response:
    """The newest key picture, small, again and again: a new one at most `fps` times a second, never an old one."""
    return JpegStream(visit, services_of(request), quality, 1.0 / fps)
