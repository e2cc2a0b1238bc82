"""A control process that is none: real arbiters and mirrors in this process, and cameras that obey at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace

from camctl.cameras.model import CameraEntry, CameraState, Health
from camctl.control import codec
from camctl.control.client import ControlClient, RemoteCamera
from camctl.control.codec import ViewChange
from camctl.control.view import CameraView, Outcome
from camctl.ptz import events as ev
from camctl.ptz.arbiter import Arbiter
from camctl.ptz.model import MoveStatus, Position, Preset, PtzAbilities, PtzStatus
from camctl.ptz.ports import CameraError, CameraFacts, StreamUris
from camctl.ptz.rules import Rules
from streams.wire import Payload

STEERABLE = PtzAbilities(pan_tilt=True, zoom=True, presets=True, home=True, status_position=True)
CAMERA_S = 0.012
PRESETS = (Preset("1", "Simpang"), Preset("2", "Halte"))


def facts(abilities: PtzAbilities = STEERABLE) -> CameraFacts:
    return CameraFacts("Contoh", "C-1", "1.0", abilities, StreamUris("rtsp://127.0.0.1/main"), 0.0)


class FakeControl(ControlClient):
    """Every command is in `events`, every question in `asked`; `failing`: what every camera answers with instead."""

    def __init__(self, entries: Iterable[CameraEntry], rules: Rules | None = None) -> None:
        self._cameras = {entry.id: RemoteCamera(entry, self) for entry in entries}
        self._rules = rules
        self._arbiters = {name: Arbiter(rules) for name in self._cameras}
        self.events: list[tuple[str, ev.Event]] = []
        self.asked: list[tuple[str, str]] = []
        self.sent: list[ev.Action] = []
        self.failing: CameraError | None = None
        self.revoked: list[str] = []
        self.told: list[tuple[str, Payload, bytes]] = []
        for camera in self:
            if camera.is_steered:
                self.show(
                    camera.entry.id, CameraView(Health(CameraState.LIVE), facts(), position=Position(0.1, 0.2, 0.0))
                )

    def show(self, camera_id: str, view: CameraView) -> None:
        """Let the mirror learn a whole view."""
        change = ViewChange.between(camera_id, None, view)
        assert change is not None
        self._cameras[camera_id].learn(change)

    def free(self, camera_id: str) -> None:
        """Nobody holds this camera, nor waits for it."""
        self._arbiters[camera_id] = Arbiter(self._rules)
        camera = self._cameras[camera_id]
        self.show(camera_id, replace(camera.view, control=self._arbiters[camera_id].view()))

    def of(self, kind: type[ev.Event]) -> list[ev.Event]:
        return [event for _, event in self.events if isinstance(event, kind)]

    def command(self, camera: RemoteCamera, event: ev.Event) -> asyncio.Task[Outcome]:
        self.events.append((camera.entry.id, event))
        try:
            outcome: Outcome | CameraError = self._decide(camera, event)
        except CameraError as error:
            outcome = error

        async def answer() -> Outcome:
            if isinstance(outcome, CameraError):
                raise outcome
            return outcome

        return asyncio.get_running_loop().create_task(answer())

    def tell(self, camera: RemoteCamera, event: ev.Event) -> None:
        self.events.append((camera.entry.id, event))
        self._decide(camera, event)

    async def ask(self, kind: str, camera_id: str, blob: bytes = b"") -> bytes:
        if self.failing is not None:
            raise self.failing
        self.asked.append((kind, camera_id))
        match kind:
            case codec.PRESETS:
                return codec.encode(list(PRESETS), list[Preset])
            case codec.STATUS:
                return codec.encode(PtzStatus(Position(0.1, 0.2, 0.0), MoveStatus.IDLE), PtzStatus)
        return b""

    def say(self, kind: str, payload: Payload, blob: bytes = b"") -> bool:
        """Nobody listens."""
        return False

    def say_surely(self, kind: str, payload: Payload, blob: bytes = b"") -> None:
        self.told.append((kind, payload, blob))

    def revoke(self, sign_in: str) -> None:
        self.revoked.append(sign_in)
        for camera in self:
            self.tell(camera, ev.Revoke(sign_in))

    async def metrics(self) -> str:
        return "camctl_fake 1\n"

    def _decide(self, camera: RemoteCamera, event: ev.Event) -> Outcome:
        refusal, camera_s = self._handle(camera.entry.id, event)
        control = self._arbiters[camera.entry.id].view()
        self.show(camera.entry.id, replace(camera.view, control=control))
        if self.failing is not None and refusal is None and camera_s is not None:
            raise self.failing
        return Outcome(refusal, camera_s)

    def _handle(self, camera_id: str, event: ev.Event) -> tuple[ev.Refusal | None, float | None]:
        refusal, camera_s = None, None
        arbiter, now = self._arbiters[camera_id], time.monotonic()
        waiting = [event]
        while waiting:
            for action in arbiter.handle(waiting.pop(0), now):
                match action:
                    case ev.Refuse(code=code):
                        refusal = code
                    case ev.SendStop(number=number):
                        waiting.append(ev.StopAnswered(number, ok=self.failing is None))
                    case ev.SendMove(number=number) | ev.SendTravel(number=number):
                        waiting.append(ev.MoveAnswered(number, ok=self.failing is None))
                if not isinstance(action, ev.Refuse | ev.Publish):
                    self.sent.append(action)
                    camera_s = CAMERA_S
        return refusal, camera_s
