"""One control socket: one person at one camera. Its end, however it comes, stops what it moved."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from auth.model import SignIn
from auth.roles import Capability
from camctl.api import messages
from camctl.api.access import Visit, Watching
from camctl.api.control_answers import Answers, Say
from camctl.api.control_gate import Gate, Lane, Refused
from camctl.api.control_schemas import ControlOut
from camctl.api.datagram_lane import DatagramLane
from camctl.api.paths import PREFIX
from camctl.api.services import Services, services_of
from camctl.api.steering import source_of
from camctl.control.view import Outcome
from camctl.ptz import events as ev

router = APIRouter(prefix=PREFIX)
_numbers = itertools.count(1)

OUTBOX = 256
SILENT_S = 60.0
SAME_STOP_S = 5.0  # within which a Stop of the same number over the other lane is the same Stop
_SAME_STOPS = 16

_DATAGRAM_KINDS = (messages.MoveMessage, messages.StopMessage, messages.PingMessage)


class ControlSocket:
    """Reads commands of both lanes, answers each with its outcome, and pushes every change of the camera's state."""

    def __init__(self, socket: WebSocket, visit: Visit, services: Services) -> None:
        self._socket = socket
        self.visit = visit
        self._services = services
        self._channel = f"ws-{next(_numbers)}"
        self._source = source_of(visit, self._channel, services.priorities)
        self._gate = Gate(services.config.control)
        self._answers = Answers(visit.camera, visit.sign_in.session_id, services.metrics)
        self._datagrams = DatagramLane(services.media, self._on_datagram)
        self._stops: OrderedDict[int, tuple[asyncio.Task[Outcome], float]] = OrderedDict()
        self._outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue(OUTBOX)
        self._state_due = asyncio.Event()
        self._heard_at = time.monotonic()
        self._closing: tuple[int, str] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._expiry: asyncio.TimerHandle | None = None

    # Life -----------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until the client, the network, or a withdrawn right ends it."""
        if self._closing is not None:
            await self._say_goodbye()
            return
        camera = self.visit.camera
        unsubscribe = camera.subscribe(self._state_due.set)
        unsubscribe_viewers = self._services.media.subscribe(camera.entry.id, self._state_due.set)
        sign_in = self.visit.sign_in.session_id
        unsubscribe_lost = self._services.media.on_lost(camera.entry.id, sign_in, self._on_video_lost)
        writer = asyncio.create_task(self._write(), name=f"control out {self._channel}")
        self._reader = asyncio.create_task(self._read(), name=f"control in {self._channel}")
        self._end_with_the_sign_in()
        self._state_due.set()
        try:
            await asyncio.wait({self._reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # First of all: what this socket moved must not outlive it. Before that, no datagram may start it again.
            self._datagrams.close()
            camera.tell(ev.ChannelClosed(self._source.channel))
            unsubscribe()
            unsubscribe_viewers()
            unsubscribe_lost()
            if self._expiry is not None:
                self._expiry.cancel()
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
        if self._closing is None:
            self._closing = (code, reason)
        self._datagrams.close()
        if self._reader is not None:
            self._reader.cancel()

    def renew(self, sign_in: SignIn) -> None:
        """Go on under changed rights."""
        self.visit = Visit(sign_in, self.visit.camera)
        self._source = source_of(self.visit, self._channel, self._services.priorities)
        self._end_with_the_sign_in()
        self._state_due.set()

    def _end_with_the_sign_in(self) -> None:
        """Close when the sign-in runs out; that it was ended before is told by the changes of people."""
        if self._expiry is not None:
            self._expiry.cancel()
        left_s = (self.visit.sign_in.expires_at - datetime.now(UTC)).total_seconds()
        self._expiry = asyncio.get_running_loop().call_later(
            max(0.0, left_s), self.end, messages.CLOSE_SIGNED_OUT, "this sign-in has ended"
        )

    # In -------------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            left_s = self._heard_at + SILENT_S - time.monotonic()
            try:
                async with asyncio.timeout(max(0.0, left_s)):
                    packet = await self._socket.receive()
            except TimeoutError:
                if time.monotonic() < self._heard_at + SILENT_S:
                    continue  # the other lane was not silent
                self._closing = (messages.CLOSE_SILENT, "nothing was heard from you for a minute")
                return
            if packet["type"] == "websocket.disconnect":
                return
            self._on_text(packet.get("text") or packet.get("bytes") or "", Lane.SOCKET, self._send)

    def _on_datagram(self, text: str) -> None:
        if self._closing is None:
            self._on_text(text, Lane.DATAGRAM, self._datagrams.say)

    def _on_text(self, text: str | bytes, lane: Lane, say: Say) -> None:
        started = time.perf_counter()
        self._heard_at = time.monotonic()
        try:
            message = messages.parse(text)
        except messages.MessageError as error:
            self._answers.unreadable(error, say)
            return
        if lane is Lane.DATAGRAM and not isinstance(message, _DATAGRAM_KINDS):
            why = "Only move, stop and ping are heard on the data channel; send this over the socket."
            self._answers.refused(message, Refused("bad-input", why), say)
            return
        match message:
            case messages.PingMessage():
                self._answers.done(message, say)
            case messages.DatagramsMessage():
                self._open_datagrams(message, say)
            case messages.StopMessage():
                self._on_stop(message, lane, say, started)
            case _:
                if not self._gate.order.repeats(message.seq, lane):  # once is enough, and answered already
                    self._command(message, lane, say, started)

    def _open_datagrams(self, message: messages.DatagramsMessage, say: Say) -> None:
        refused = self._datagrams.open(message.video, self.visit)
        if refused is not None:
            self._answers.refused(message, refused, say)
            return
        self._gate.order.has_two_lanes = True
        self._answers.done(message, say)

    def _on_stop(self, message: messages.StopMessage, lane: Lane, say: Say, started: float) -> None:
        """A Stop counts over whichever lane it comes first, and is answered over each.

        Late over the slower lane, when the finger is down again, it must not stop the new gesture too.
        """
        is_repeat = self._gate.order.repeats(message.seq, lane)
        first = self._stops.get(message.seq)
        if is_repeat and first is not None and self._heard_at - first[1] < SAME_STOP_S:
            self._answers.when_known(message, first[0], started, say)
            return
        call = self._command(message, lane, say, started)
        if call is not None:
            self._stops[message.seq] = (call, self._heard_at)
            self._stops.move_to_end(message.seq)
            if len(self._stops) > _SAME_STOPS:
                self._stops.popitem(last=False)

    def _command(self, message: messages.Command, lane: Lane, say: Say, started: float) -> asyncio.Task[Outcome] | None:
        refused = self._gate.refuses(message, self.visit, self._heard_at)
        camera = self.visit.camera
        if refused is not None:
            self._answers.refused(message, refused, say)
            if refused.why:
                person = self.visit.sign_in.person
                self._services.audit.command_refused(person, camera.entry, lane.value, message.type, refused.why)
            return None
        call = camera.command(self._gate.event(message, self._source, camera))
        self._answers.when_known(message, call, started, say)
        return call

    # Out ------------------------------------------------------------------------------------------------------------

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            # A client that does not read its answers must not make us remember them without end.
            self.end(messages.CLOSE_SLOW, "you do not read what is sent to you")

    def _on_video_lost(self, video: str) -> None:
        """Tell at once: a browser would find out by itself after seconds without a packet."""
        self._send(messages.video_ended(video))

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

    def _state(self) -> dict[str, Any]:
        state = ControlOut.of(
            self.visit.camera,
            self._source,
            may_control=self.visit.may(Capability.CONTROL),
            viewers=self._services.media.viewers(self.visit.camera.entry.id),
            life_s=self._gate.life_s,
            now=time.monotonic(),
        )
        return {"type": "state", **state.model_dump()}


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
            else:
                connection.renew(sign_in)
                if not connection.visit.may(Capability.LIVE):
                    connection.end(messages.CLOSE_NO_CAMERA, "you may no longer watch this camera")
            await connection.run()
    finally:
        services.metrics.control_sockets.dec()
