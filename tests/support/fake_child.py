"""A control process that is made up: it says and hears what a test wants, dies and comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from camctl.control import codec
from camctl.control.view import CameraView
from camctl.ptz import events as ev
from streams.wire import EventHandler, Payload


class FakePeer:
    """Remembers what was said; answers requests by `answers`, kind to bytes or an exception."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Payload, bytes]] = []
        self.answers: dict[str, Any] = {codec.SHUTDOWN: b"", codec.PING: b""}
        self.asked: list[str] = []
        self.is_closed = False

    def event(self, kind: str, payload: Payload, blob: bytes = b"") -> None:
        self.said.append((kind, payload, blob))

    async def request(
        self, kind: str, payload: Payload, blob: bytes = b"", *, timeout_s: float = 0
    ) -> tuple[Payload, bytes]:
        self.asked.append(kind)
        answer = self.answers[kind]
        if isinstance(answer, Exception):
            raise answer
        return {"unconfirmed": []}, answer

    def events(self) -> list[ev.Event]:
        return [
            codec.decode_event(payload["event"], blob) for kind, payload, blob in self.said if kind == codec.COMMAND
        ]

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.said]


class FakeChild:
    """Stands in for camctl.children.Child."""

    newest: FakeChild

    def __init__(
        self,
        name: str,
        supervisor: object,
        *,
        on_up: Callable[[Any], None],
        on_down: Callable[[], None],
        on_event: EventHandler,
    ) -> None:
        FakeChild.newest = self
        self.on_up, self.on_down, self.on_event = on_up, on_down, on_event
        self.peer: FakePeer | None = None
        self.pid = 4711
        self.killed = 0
        self.closed = 0

    @property
    def is_up(self) -> bool:
        return self.peer is not None and not self.peer.is_closed

    async def start(self) -> None:
        self.rise()

    def rise(self) -> FakePeer:
        """A new process, which is ready at once."""
        self.peer = FakePeer()
        self.on_up(self.peer)
        self.tell(codec.READY, {})
        self.tell(codec.STATE, {"stopper": True, "problems": []})
        return self.peer

    def die(self) -> None:
        assert self.peer is not None
        self.peer.is_closed = True
        self.on_down()

    def tell(self, kind: str, payload: Payload, blob: bytes = b"") -> None:
        self.on_event(kind, payload, blob)

    def show(self, camera_id: str, view: CameraView) -> None:
        change = codec.ViewChange.between(camera_id, None, view)
        assert change is not None
        self.tell(codec.VIEWS, {}, codec.encode((change,), tuple[codec.ViewChange, ...]))

    def answer(self, number: int, payload: Payload) -> None:
        self.tell(codec.ANSWER, {"id": number, **payload})

    def kill(self) -> None:
        self.killed += 1

    async def stop_keeping(self) -> None: ...

    async def close(self, wait_s: float, *, force: bool) -> None:
        self.closed += 1
        if self.peer is not None:
            self.peer.is_closed = True
