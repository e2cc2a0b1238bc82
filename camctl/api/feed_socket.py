"""A camera's picture for viewers without WebRTC: fragmented MP4 over a WebSocket, for Media Source Extensions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from auth.errors import AuthUnavailableError
from auth.roles import Capability
from camctl.admission import NoPlaceError, TooManySessionsError
from camctl.api import messages
from camctl.api.access import Visit, Watching
from camctl.api.paths import PREFIX
from camctl.api.problems import problem_text, to_problem
from camctl.api.services import Services, services_of
from camctl.fallback import FallbackSeat, Way
from camctl.video import PictureHiddenError
from streams.errors import StreamError
from streams.feed_relay import FeedViewer
from streams.quality import Quality

router = APIRouter(prefix=PREFIX)
_log = logging.getLogger(__name__)

GOODBYE_S = 1.0
Closing = tuple[int, dict[str, Any]]


class FeedSocket:
    """Sends one viewer what is live; a slow one is skipped to a key picture, and never waited for."""

    def __init__(self, socket: WebSocket, visit: Visit, services: Services, quality: Quality) -> None:
        self._socket = socket
        self._visit = visit
        self._services = services
        self._quality = quality
        self._viewer: FeedViewer | None = None
        self._hidden_due = asyncio.Event()
        self._told_hidden: str | None = None

    async def run(self) -> None:
        """Serve until the client, the network, the stream, or a withdrawn right ends it."""
        sign_in = self._visit.sign_in
        seat = self._services.fallback.seat
        try:
            with seat(self._visit.camera, Way.MP4, sign_in=sign_in.session_id, person=sign_in.person) as own:
                # Looked at once more now that a withdrawal would find the seat: none can fall between the two.
                closing = await self._not_allowed()
                if closing is None:
                    closing = await self._serve(own)
        except (StreamError, PictureHiddenError, TooManySessionsError, NoPlaceError) as error:
            closing = _no_picture(error)
        if closing is not None:
            await self._say_goodbye(*closing)

    async def _serve(self, seat: FallbackSeat) -> Closing | None:
        """Send and hear; why it ends, or None when the client is gone."""
        unsubscribe = self._visit.camera.subscribe(self._hidden_due.set)
        self._hidden_due.set()  # what changed since the seat was taken told nobody yet
        reading = asyncio.create_task(self._read(), name="feed in")
        sending = asyncio.create_task(self._send(), name="feed out")
        hiding = asyncio.create_task(self._tell_hidden(), name="feed hidden")
        ending = asyncio.create_task(seat.ended.wait(), name="feed end")
        tasks = (reading, sending, hiding, ending)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            unsubscribe()
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        errors = [result for result in results if isinstance(result, Exception)]
        for error in errors:
            if isinstance(error, StreamError | PictureHiddenError):
                return _no_picture(error)
            if not isinstance(error, WebSocketDisconnect | OSError):
                raise error
        if errors or not seat.ended.is_set():
            return None
        return await self._not_allowed() or self._given_away(seat)

    def _given_away(self, seat: FallbackSeat) -> Closing:
        why = self._services.media.why_ended(seat.session)
        if isinstance(why, NoPlaceError):
            return _no_picture(why)
        return messages.CLOSE_RESTART, {"reason": "this view was ended; try again"}

    async def _not_allowed(self) -> Closing | None:
        """Whether the right to watch is gone, and how that is said."""
        try:
            sign_in = await self._services.auth.recheck(self._visit.sign_in.session_id)
        except AuthUnavailableError:
            _log.warning("the right to a running feed could not be checked again; the next sweep will")
            return None
        if sign_in is None:
            return messages.CLOSE_SIGNED_OUT, {"reason": "this sign-in has ended"}
        if not Visit(sign_in, self._visit.camera).may(Capability.LIVE):
            return messages.CLOSE_NO_CAMERA, {"reason": "you may no longer watch this camera"}
        return None

    async def _send(self) -> None:
        viewer = self._viewer = await self._services.media.feed(self._visit.camera, self._quality)
        try:
            while True:
                piece = await viewer.next()
                if piece.codecs is not None:
                    await self._say({"type": "init", "codecs": piece.codecs})
                await self._socket.send_bytes(piece.data)
        finally:
            viewer.close()
            self._services.metrics.fallback_skipped.inc(viewer.skipped)

    async def _read(self) -> None:
        """Answer pings; anything else is ignored, so that later clients may say more."""
        while True:
            packet = await self._socket.receive()
            if packet["type"] == "websocket.disconnect":
                return
            message = _parse(packet.get("text") or packet.get("bytes") or "")
            if message.get("type") == "ping":
                waiting_ms = round(1000 * self._viewer.waiting_s) if self._viewer else 0
                await self._say({"type": "pong", "seq": message.get("seq"), "waiting_ms": waiting_ms})

    async def _tell_hidden(self) -> None:
        """Say when the picture begins to be withheld and when it is back; nothing is sent in between."""
        while True:
            await self._hidden_due.wait()
            self._hidden_due.clear()
            hidden = self._visit.camera.hidden
            reason = None if hidden is None else str(hidden)
            if reason != self._told_hidden:
                self._told_hidden = reason
                await self._say({"type": "hidden", "reason": reason})

    async def _say(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(json.dumps(message))

    async def _say_goodbye(self, code: int, facts: dict[str, Any]) -> None:
        with contextlib.suppress(RuntimeError, OSError, TimeoutError):  # the other side may be gone already
            async with asyncio.timeout(GOODBYE_S):
                await self._say({"type": "closing", **facts})
                await self._socket.close(code, str(facts["reason"])[:120])


def _no_picture(error: Exception) -> Closing:
    """Why there is none, in the words that HTTP would have."""
    problem = to_problem(error)
    return messages.CLOSE_NO_PICTURE, {"reason": problem.kind.title, "problem": problem_text(problem)}


def _parse(text: str | bytes) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


@router.websocket("/cameras/{camera_id}/feed")
async def feed(socket: WebSocket, visit: Watching, quality: Quality = Quality.MAIN) -> None:
    """Watch a camera as fragmented MP4."""
    await socket.accept()
    await FeedSocket(socket, visit, services_of(socket), quality).run()
