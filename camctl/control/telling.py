"""Tells the API process what changed: once for all that changed in one turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from camctl.cameras.registry import Camera, Cameras
from camctl.control import codec
from camctl.control.view import CameraView
from camctl.stopper.handle import StopperHandle
from streams.wire import Peer


class File(Protocol):
    """What a record has to say of itself."""

    @property
    def problem(self) -> str:
        """Why it cannot be written; empty when it can."""

    def on_change(self, call: Callable[[], None]) -> None:
        """Call this when `problem` changed."""


class Teller:
    """Watches every camera, the stopper, and the files without which nobody steers: journal and audit log."""

    def __init__(self, peer: Peer, files: Sequence[File]) -> None:
        self._peer = peer
        self._files = files
        self._stopper: StopperHandle | None = None
        self._cameras: dict[str, Camera] = {}
        self._told: dict[str, CameraView] = {}
        self._changed: dict[str, None] = {}
        self._flushing: asyncio.Handle | None = None

    def start(self, cameras: Cameras, stopper: StopperHandle) -> None:
        """Tell everything, and from now on what changes."""
        self._stopper = stopper
        for file in self._files:
            file.on_change(self.tell_state)
        self.tell_state()
        for camera in cameras:
            camera_id = camera.session.entry.id
            self._cameras[camera_id] = camera
            camera.session.subscribe(partial(self._mark, camera_id))
            self._mark(camera_id)

    def tell_state(self) -> None:
        """Tell whether the emergency and the record work."""
        if self._stopper is None:
            return  # not before there is something to watch
        problems = []
        if not self._stopper.is_up:
            problems.append("the process that stops cameras in an emergency is being restarted")
        problems += [file.problem for file in self._files if file.problem]
        self._peer.event(codec.STATE, {"stopper": self._stopper.is_up, "problems": problems})

    def _mark(self, camera_id: str) -> None:
        self._changed[camera_id] = None
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Tell what changed until now."""
        if self._flushing is None:
            return
        self._flushing.cancel()
        self._flushing = None
        changes = []
        for camera_id in self._changed:
            now = _view(self._cameras[camera_id])
            change = codec.ViewChange.between(camera_id, self._told.get(camera_id), now)
            if change is not None:
                self._told[camera_id] = now
                changes.append(change)
        self._changed.clear()
        if changes:
            self._peer.event(codec.VIEWS, {}, codec.encode(tuple(changes), tuple[codec.ViewChange, ...]))


def _view(camera: Camera) -> CameraView:
    session = camera.session
    return CameraView(
        session.health, session.facts, session.control_view(), session.position, session.hidden, camera.rounds.view
    )
