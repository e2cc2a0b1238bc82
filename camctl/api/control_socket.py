"""One control socket: one person at one camera. Its end, however it comes, stops what it moved."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import time
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from auth.model import SignIn
from auth.policy import allows
from auth.roles import Capability
from camctl.api import messages
from camctl.api.access import Visit, Watching
from camctl.api.problems import ProblemError
from camctl.api.schemas import HolderOut
from camctl.api.services import Services, services_of
from camctl.api.steering import source_of, steerable_driver
from camctl.cameras.session import Outcome
from camctl.ptz import events as ev
from camctl.ptz.channel import StaleFilter, TokenBucket
from camctl.ptz.model import Velocity
from camctl.ptz.ports import CameraError

_log = logging.getLogger(__name__)
router = APIRouter()
_numbers = itertools.count(1)

OUTBOX = 256
SILENT_S = 60.0

_REFUSED: dict[ev.Refusal, str] = {
    ev.Refusal.PRIORITY_TOO_LOW: "Taking over needs a higher priority than the holder's.",
    ev.Refusal.NOTHING_TO_RELEASE: "You do not control this camera.",
    ev.Refusal.RELEASED: "This gesture was stopped; lift the finger and press again.",
    ev.Refusal.STALE: "This move was too long on its way and was not carried out.",
}


class ControlSocket:
    """Reads commands, answers each with its outcome, and pushes every change of the camera's state."""

    def __init__(self, socket: WebSocket, visit: Visit, services: Services) -> None:
        self._socket = socket
        self.visit = visit
        self._services = services
        self._channel = f"ws-{next(_numbers)}"
        control = services.config.control
        self._life_s = control.command_life_ms / 1000
        self._bucket = TokenBucket(control.moves_per_s, control.moves_per_s)
        self._stale = StaleFilter()
        self._outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue(OUTBOX)
        self._state_due = asyncio.Event()
        self._closing: tuple[int, str] | None = None
        self._reader: asyncio.Task[None] | None = None

    # Life -----------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until the client, the network, or a withdrawn right ends it."""
        if self._closing is not None:
            await self._say_goodbye()
            return
        camera = self.visit.camera
        unsubscribe = camera.subscribe(self._state_due.set)
        writer = asyncio.create_task(self._write(), name=f"control out {self._channel}")
        self._reader = asyncio.create_task(self._read(), name=f"control in {self._channel}")
        self._state_due.set()
        try:
            await asyncio.wait({self._reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # First of all: what this socket moved must not outlive it.
            camera.command(ev.ChannelClosed(self._source().channel))
            unsubscribe()
            for task in (self._reader, writer):
                task.cancel()
            results = await asyncio.gather(self._reader, writer, return_exceptions=True)
            await self._say_goodbye()
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect | OSError):
                raise result

    async def _say_goodbye(self) -> None:
        if self._closing is None:
            return
        code, reason = self._closing
        with contextlib.suppress(RuntimeError, OSError):  # the other side may be gone already, which is what we want
            async with asyncio.timeout(1.0):
                await self._socket.send_text(json.dumps({"type": "closing", "reason": reason}))
                await self._socket.close(code, reason)

    def end(self, code: int, reason: str) -> None:
        """Close this socket; the camera is stopped if this socket moved it."""
        self._closing = (code, reason)
        if self._reader is not None:
            self._reader.cancel()

    def renew(self, sign_in: SignIn) -> None:
        """Go on under changed rights."""
        self.visit = Visit(sign_in, self.visit.camera)
        self._state_due.set()

    def _source(self) -> ev.Source:
        return source_of(self.visit, self._channel)

    # In -------------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            try:
                async with asyncio.timeout(SILENT_S):
                    packet = await self._socket.receive()
            except TimeoutError:
                self._closing = (messages.CLOSE_SILENT, "nothing was heard from you for a minute")
                return
            if packet["type"] == "websocket.disconnect":
                return
            self._on_text(packet.get("text") or packet.get("bytes") or "")

    def _on_text(self, text: str | bytes) -> None:
        started = time.perf_counter()
        try:
            message = messages.parse(text)
        except messages.MessageError as error:
            self._count("unreadable", "bad-input")
            self._error(error.seq, "bad-input", error.detail)
            return
        if isinstance(message, messages.PingMessage):
            self._send({"type": "ack", "seq": message.seq, "kind": "ping", "server_ms": 0.0, "camera_ms": None})
            return
        refused = self._refusal(message)
        if refused is not None:
            self._count(message.type, refused[0])
            self._error(message.seq, *refused)
            return
        outcome = self.visit.camera.command(self._event(message))
        self._answer(message, outcome, started)

    def _refusal(self, message: messages.Command) -> tuple[str, str] | None:
        """Why the message is not even put to the arbiter; None when it is. Stop passes all but the right itself."""
        decision = allows(self.visit.sign_in.person, Capability.CONTROL, self.visit.ref)
        if not decision:
            return "forbidden", decision.reason
        try:
            steerable_driver(self.visit.camera)
        except ProblemError as error:
            return error.kind.name, error.detail
        except CameraError as error:
            return "camera-fault", error.detail
        if isinstance(message, messages.StopMessage):
            return None
        now = time.monotonic()
        if not self._bucket.allows(now):
            return "rate-limited", "More commands a second than are needed; slow down."
        at_ms = message.at_ms if isinstance(message, messages.MoveMessage) else None
        if at_ms is not None and self._stale.is_stale(at_ms / 1000, now):
            return ev.Refusal.STALE.value, _REFUSED[ev.Refusal.STALE]
        return None

    def _event(self, message: messages.Command) -> ev.Event:
        source = self._source()
        match message:
            case messages.MoveMessage():
                velocity = Velocity(message.pan, message.tilt, message.zoom)
                return ev.Move(source, velocity, self._life_s, message.gesture)
            case messages.StopMessage():
                return ev.Stop(source, message.gesture)
            case messages.TakeMessage():
                return ev.Take(source)
            case messages.TakeOverMessage():
                return ev.TakeOver(source, message.reason)
            case messages.ReleaseMessage():
                return ev.Release(source)
            case messages.GotoMessage():
                return ev.Travel(source, message.preset)
            case messages.HomeMessage():
                return ev.Travel(source, None)

    # Out ------------------------------------------------------------------------------------------------------------

    def _answer(self, message: messages.Command, outcome: Outcome, started: float) -> None:
        if outcome.refusal is not None:
            self._count(message.type, outcome.refusal.value)
            self._error(message.seq, outcome.refusal.value, self._why(outcome.refusal))
            return
        server_ms = round((time.perf_counter() - started) * 1000, 2)
        if outcome.call is None:
            self._acknowledge(message, server_ms, None)
            return

        def answered(call: asyncio.Task[float]) -> None:
            error = None if call.cancelled() else call.exception()
            if isinstance(error, CameraError):
                self._count(message.type, error.fault.value)
                self._error(message.seq, "camera-fault", error.detail)
            elif error is not None or call.cancelled():
                self._error(message.seq, "camera-fault", "The service could not ask the camera; its log says why.")
            else:
                self._acknowledge(message, server_ms, round(call.result() * 1000, 2))

        outcome.call.add_done_callback(answered)

    def _acknowledge(self, message: messages.Command, server_ms: float, camera_ms: float | None) -> None:
        self._count(message.type, "done")
        ack = {"type": "ack", "seq": message.seq, "kind": message.type, "server_ms": server_ms, "camera_ms": camera_ms}
        self._send(ack)

    def _why(self, refusal: ev.Refusal) -> str:
        holder = HolderOut.of(self.visit.camera, self.visit.sign_in.session_id)
        if refusal is ev.Refusal.HELD:
            return f"{holder.name} controls this camera." if holder else "Somebody else controls this camera."
        return _REFUSED[refusal]

    def _error(self, seq: int | None, code: str, detail: str) -> None:
        holder = HolderOut.of(self.visit.camera, self.visit.sign_in.session_id)
        shown = holder.model_dump() if holder else None
        self._send({"type": "error", "seq": seq, "code": code, "detail": detail, "holder": shown})

    def _count(self, kind: str, outcome: str) -> None:
        self._services.metrics.commands.labels(kind, outcome).inc()

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            # A client that does not read its answers must not make us remember them without end.
            self.end(messages.CLOSE_SLOW, "you do not read what is sent to you")

    async def _write(self) -> None:
        due = asyncio.create_task(self._state_due.wait())
        item = asyncio.create_task(self._outbox.get())
        try:
            while True:
                await asyncio.wait({due, item}, return_when=asyncio.FIRST_COMPLETED)
                if item.done():
                    await self._socket.send_text(json.dumps(item.result()))
                    item = asyncio.create_task(self._outbox.get())
                if due.done():
                    # Cleared before it is sent: a change while sending is sent again, states between are skipped.
                    self._state_due.clear()
                    due = asyncio.create_task(self._state_due.wait())
                    await self._socket.send_text(json.dumps(self._state()))
        finally:
            due.cancel()
            item.cancel()

    def _state(self) -> dict[str, object]:
        camera = self.visit.camera
        viewers = self._services.media.viewers(camera.entry.id)
        return messages.state(camera, self._source(), may_control=self.visit.may(Capability.CONTROL), viewers=viewers)


@router.websocket("/cameras/{camera_id}/control")
async def control(socket: WebSocket, visit: Watching) -> None:
    """Watch a camera's state and steer it."""
    services = services_of(socket)
    await socket.accept()
    connection = ControlSocket(socket, visit, services)
    services.metrics.control_sockets.inc()
    try:
        with services.uses.registered(connection):
            # Looked at once more now that a withdrawal would find us: none can fall between the check and the register.
            sign_in = await services.auth.recheck(visit.sign_in.session_id)
            if sign_in is None:
                connection.end(messages.CLOSE_SIGNED_OUT, "this sign-in has ended")
            await connection.run()
    finally:
        services.metrics.control_sockets.dec()
