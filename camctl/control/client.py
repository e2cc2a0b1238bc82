"""The API process's end of the control process: keeps it running, mirrors its cameras, sends commands."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from camctl.children import Child
from camctl.control import codec
from camctl.control.mirror import RESTARTING, RemoteCamera
from camctl.control.view import Outcome
from camctl.errors import CamctlError
from camctl.ptz import events as ev
from camctl.ptz.ports import CameraError, CameraFault
from camctl.supervisor import Supervisor
from streams.wire import Payload, Peer, WireError

__all__ = ["ControlClient", "RemoteCamera"]
_log = logging.getLogger(__name__)

STOP_WAITS_S = 5.0  # for a new control process
ANSWER_S = 30.0  # longer than any call to a camera
QUESTION_S = 15.0
METRICS_S = 2.0
START_S = 30.0
SHUTDOWN_S = 6.0
PING_S, PING_ANSWER_S, PINGS_MISSED = 1.0, 3.0, 2


@dataclass(slots=True)
class _Sent:
    """A command without an answer. `giving_up`: it is a Stop that waits for a new control process."""

    camera_id: str
    event: ev.Event
    future: asyncio.Future[Outcome]
    giving_up: asyncio.TimerHandle | None = None

    def fail(self, error: CameraError) -> None:
        """End it, if it has not ended."""
        if not self.future.done():
            self.future.set_exception(error)

    def hold_back(self) -> None:
        """Let it wait until there is somebody to tell, but not for long."""
        if self.giving_up is not None:
            return
        error = CameraError(CameraFault.UNREACHABLE, RESTARTING)
        self.giving_up = asyncio.get_running_loop().call_later(STOP_WAITS_S, self.fail, error)

    def release(self) -> None:
        """It waits no longer."""
        if self.giving_up is not None:
            self.giving_up.cancel()
            self.giving_up = None


class ControlClient:
    """Runs the control process and mirrors its cameras; a Part. Iterating gives the cameras in the configured order."""

    def __init__(self, setup: codec.Setup, supervisor: Supervisor) -> None:
        self._setup = setup
        self._supervisor = supervisor
        self._cameras = {entry.id: RemoteCamera(entry, self) for entry in setup.cameras}
        self._sent: dict[int, _Sent] = {}
        self._late: list[tuple[str, Payload, bytes]] = []  # what must be told, while there was nobody to tell
        self._last_number = 0
        self._is_ready = asyncio.Event()
        self._has_stopper = False
        self._problems: tuple[str, ...] = ()
        self._pinging: asyncio.Task[None] | None = None
        self._child = Child(
            "camctl.control", supervisor, on_up=self._configure, on_down=self._lost, on_event=self._on_event
        )

    def get(self, camera_id: str) -> RemoteCamera | None:
        """The camera, or None for an unknown id."""
        return self._cameras.get(camera_id)

    def __iter__(self) -> Iterator[RemoteCamera]:
        return iter(self._cameras.values())

    def __len__(self) -> int:
        return len(self._cameras)

    @property
    def is_up(self) -> bool:
        """Whether the control process takes commands."""
        return self._is_ready.is_set() and self._child.is_up

    @property
    def stopper_is_up(self) -> bool:
        """Whether the control process says that its stopper listens."""
        return self.is_up and self._has_stopper

    @property
    def problems(self) -> tuple[str, ...]:
        """Why steering is not ready, in sentences; empty when it is."""
        if not self.is_up:
            return ("the process that steers cameras is being restarted",)
        return self._problems

    @property
    def pid(self) -> int | None:
        """The control process's id; None while it is being started."""
        return self._child.pid

    # Life -----------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the control process; returns when it takes commands.

        Raises:
            CamctlError: it did not come up.
        """
        await self._child.start()
        try:
            async with asyncio.timeout(START_S):
                await self._is_ready.wait()
        except TimeoutError:
            raise CamctlError("the process that steers cameras did not come up; its log lines say why") from None
        self._pinging = self._supervisor.spawn(self._watch_for_silence(), "control's pulse")

    async def close(self) -> None:
        """Stop every moving camera, then end the process."""
        if self._pinging is not None:
            self._pinging.cancel()
        await self._child.stop_keeping()
        peer = self._child.peer
        if peer is not None and self.is_up:
            try:
                answer, _ = await peer.request(codec.SHUTDOWN, {}, timeout_s=SHUTDOWN_S)
            except (WireError, ConnectionError, TimeoutError) as error:
                _log.error("control did not say that all cameras stand: %r", error)
            else:
                for camera_id in answer["unconfirmed"]:
                    _log.error("camera %s: did not confirm the Stop at the end of the service", camera_id)
        self._is_ready.clear()
        await self._child.close(SHUTDOWN_S, force=True)
        self._fail_all(CameraError(CameraFault.UNREACHABLE, "the service is ending"))

    def _configure(self, peer: Peer) -> None:
        """Tell a new control process everything; called for each one."""
        setup = self._setup
        steered = [camera for camera in self if camera.is_steered]
        bare = codec.Setup((), setup.rules, setup.networks, setup.stop_on_start, setup.patrol_idle_s, setup.time_zone,
                           setup.journal, setup.audit, setup.own)  # fmt: skip
        peer.event(codec.SETUP, {}, codec.encode(bare))
        for camera in steered:
            peer.event(codec.CAMERA, {"fence": camera.newest_fence}, codec.encode(camera.entry))
        peer.event(codec.GO, {})

    def _ready(self, peer: Peer) -> None:
        # Before anything else: what was asked for, or withdrawn, while nobody listened.
        self._is_ready.set()
        for kind, payload, blob in self._late:
            peer.event(kind, payload, blob)
        self._late.clear()
        for number, sent in self._sent.items():
            if sent.giving_up is not None and not sent.future.done():
                sent.release()
                self._put(peer, number, sent.camera_id, sent.event)
        for camera in self:
            camera.tell_patrols()
            for request in camera.requests_again():
                self._put(peer, None, camera.entry.id, request)

    def _lost(self) -> None:
        if not self._is_ready.is_set():
            return
        self._is_ready.clear()
        self._has_stopper = False
        for sent in self._sent.values():
            if isinstance(sent.event, ev.Stop):
                sent.hold_back()
            else:
                sent.fail(CameraError(CameraFault.UNREACHABLE, RESTARTING))
        for camera in self:
            camera.lost()

    async def _watch_for_silence(self) -> None:
        """Kill a control process that lives but does not answer: its end is what the stopper acts on."""
        missed = 0
        while True:
            await asyncio.sleep(PING_S)
            peer = self._child.peer
            if peer is None or not self.is_up:
                missed = 0
                continue
            try:
                await peer.request(codec.PING, {}, timeout_s=PING_ANSWER_S)
                missed = 0
            except TimeoutError:
                missed += 1
            except (ConnectionError, WireError):
                continue  # it ended, and is being restarted
            if missed >= PINGS_MISSED:
                _log.error("the control process does not answer; ending it, so that the stopper stops what moves")
                self._child.kill()
                missed = 0

    # What control says ----------------------------------------------------------------------------------------------

    def _on_event(self, kind: str, payload: Payload, blob: bytes) -> None:
        if kind == codec.ANSWER:
            self._take_answer(payload)
        elif kind == codec.VIEWS:
            for change in codec.decode(tuple[codec.ViewChange, ...], blob):
                camera = self._cameras.get(change.camera)
                if camera is not None:
                    camera.learn(change)
        elif kind == codec.STATE:
            self._has_stopper = bool(payload["stopper"])
            self._problems = tuple(map(str, payload["problems"]))
        elif kind == codec.READY and self._child.peer is not None:
            self._ready(self._child.peer)
        else:
            _log.error("an unknown message of control was dropped: %s", kind)

    def _take_answer(self, payload: Payload) -> None:
        sent = self._sent.get(int(payload["id"]))
        if sent is None or sent.future.done():
            return  # the asker has given up
        try:
            sent.future.set_result(codec.read_answer(payload))
        except CameraError as error:
            sent.future.set_exception(error)

    # What control is told -------------------------------------------------------------------------------------------

    def revoke(self, sign_in: str) -> None:
        """End every lease and place in a queue of a sign-in that lost its right."""
        self.say_surely(codec.REVOKE, {"sign_in": sign_in})
        for camera in self:
            camera.forget_waiter(sign_in)

    def command(self, camera: RemoteCamera, event: ev.Event) -> asyncio.Task[Outcome]:
        """See RemoteCamera.command."""
        loop = asyncio.get_running_loop()
        self._last_number += 1
        number = self._last_number
        sent = _Sent(camera.entry.id, event, loop.create_future())
        self._sent[number] = sent
        peer = self._child.peer
        if not camera.is_steered:
            detail = "this camera shares its picture only; it cannot be steered"
            sent.fail(CameraError(CameraFault.UNSUPPORTED, detail))
        elif peer is not None and self.is_up:
            self._put(peer, number, camera.entry.id, event)
        elif isinstance(event, ev.Stop):
            sent.hold_back()
        else:
            sent.fail(CameraError(CameraFault.UNREACHABLE, RESTARTING))
        task = loop.create_task(self._outcome(sent), name="command")
        task.add_done_callback(partial(self._forget, number))
        return task

    def tell(self, camera: RemoteCamera, event: ev.Event) -> None:
        """See RemoteCamera.tell; a Revoke is remembered while control is being restarted."""
        message = self._message(None, camera.entry.id, event)
        if not camera.is_steered:
            return
        if isinstance(event, ev.Revoke):
            self.say_surely(*message)
        else:
            self.say(*message)

    def say_surely(self, kind: str, payload: Payload, blob: bytes = b"") -> None:
        """An event that is kept for the next control process when there is none."""
        if not self.say(kind, payload, blob):
            self._late.append((kind, payload, blob))

    def say(self, kind: str, payload: Payload, blob: bytes = b"") -> bool:
        """An event; whether there was somebody to tell."""
        peer = self._child.peer
        if peer is None or not self.is_up:
            return False
        peer.event(kind, payload, blob)
        return True

    async def ask(self, kind: str, camera_id: str, blob: bytes = b"") -> bytes:
        """A question about one camera; the answer's bytes.

        Raises:
            CameraError: the camera, or control, did not answer.
        """
        peer = self._child.peer
        if peer is None or not self.is_up:
            raise CameraError(CameraFault.UNREACHABLE, RESTARTING)
        try:
            _, answer = await peer.request(kind, {"camera": camera_id}, blob, timeout_s=QUESTION_S)
        except WireError as error:
            if error.code in set(CameraFault):
                raise CameraError(CameraFault(error.code), error.detail) from None
            raise CameraError(CameraFault.PROTOCOL, f"control could not ask the camera: {error.detail}") from None
        except ConnectionError:
            raise CameraError(CameraFault.UNREACHABLE, RESTARTING) from None
        except TimeoutError:
            raise CameraError(CameraFault.TIMEOUT, "control did not answer in time") from None
        return answer

    async def metrics(self) -> str:
        """The control process's metrics in Prometheus's text format; empty while it is being restarted."""
        peer = self._child.peer
        if peer is None or not self.is_up:
            return ""
        try:
            _, text = await peer.request(codec.METRICS, {}, timeout_s=METRICS_S)
        except (WireError, ConnectionError, TimeoutError) as error:
            _log.warning("control's metrics are missing: %r", error)
            return ""
        return text.decode()

    def _message(self, number: int | None, camera_id: str, event: ev.Event) -> tuple[str, Payload, bytes]:
        payload: Payload = {"camera": camera_id, "event": type(event).__name__, "at": time.monotonic()}
        if number is not None:
            payload["id"] = number
        return codec.COMMAND, payload, codec.encode(event)

    def _put(self, peer: Peer, number: int | None, camera_id: str, event: ev.Event) -> None:
        peer.event(*self._message(number, camera_id, event))

    async def _outcome(self, sent: _Sent) -> Outcome:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await sent.future
        except TimeoutError:
            raise CameraError(CameraFault.TIMEOUT, "control did not answer in time") from None

    def _forget(self, number: int, task: asyncio.Task[Outcome]) -> None:
        self._sent.pop(number).release()
        if not task.cancelled():
            task.exception()  # seen; whoever wants to know awaits the task

    def _fail_all(self, error: CameraError) -> None:
        for sent in self._sent.values():
            sent.fail(error)
