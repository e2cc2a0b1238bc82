"""A changed configuration's camera policies, taken up while the service runs, and what runs against them cut."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, Protocol

from camctl.areas.tree import AreaTree
from camctl.cameras.model import CameraEntry
from camctl.config import Config
from camctl.config_changes import config_changes, told
from camctl.control.client import ControlClient
from camctl.errors import ConfigError
from camctl.supervisor import Supervisor

_log = logging.getLogger(__name__)


class Record(Protocol):
    """Who keeps the record of changes."""

    def camera_changed(self, before: CameraEntry, after: CameraEntry) -> Coroutine[Any, Any, None]:
        """A camera's policy is another one now."""


class CameraPolicies:
    """A Part. Each time `due` is set it reads the configuration again (`read`: blocks, raises ConfigError).

    `started` is what the service was started with; all but the cameras' policies stays at that. `hearers` are called
    with the ids of cameras that changed, at once and before anything else: they cut what may go on no more.
    """

    def __init__(
        self,
        started: Config,
        read: Callable[[], Config],
        due: asyncio.Event,
        *,
        cameras: ControlClient,
        areas: AreaTree,
        supervisor: Supervisor,
        hearers: Sequence[Callable[[Collection[str]], None]],
        record: Record,
    ) -> None:
        self._started = started
        self._read = read
        self._due = due
        self._cameras = cameras
        self._areas = areas
        self._supervisor = supervisor
        self._hearers = hearers
        self._record = record
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Wait for `due` from now on; one that was set meanwhile counts."""
        self._following = self._supervisor.spawn(self._follow(), "camera policies")

    async def close(self) -> None:
        """Take up nothing more."""
        if self._following is not None:
            self._following.cancel()

    async def _follow(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                wanted = await asyncio.to_thread(self._read)
                self._check_areas(wanted)
            except ConfigError as error:
                _log.error("the changed configuration is not taken up, nothing is changed: %s", error)
            else:
                self._take_up(wanted)

    def _check_areas(self, wanted: Config) -> None:
        """ConfigError for a camera in an area that this service learns of at its next start only."""
        known = (camera for camera in wanted.cameras.items if self._cameras.get(camera.id) is not None)
        unknown = [f"{camera.area} (camera {camera.id})" for camera in known if camera.area not in self._areas]
        if unknown:
            raise ConfigError(f"areas that are new need a restart: {', '.join(unknown)}")

    def _take_up(self, wanted: Config) -> None:
        running = {camera.entry.id: camera.entry.policy for camera in self._cameras}
        changes = config_changes(self._started, wanted, running)
        changed = []
        for camera_id, policy in changes.policies.items():
            camera = self._cameras.get(camera_id)
            if camera is not None:
                before = camera.entry
                camera.set_policy(policy)
                changed.append((before, camera.entry))
        if changed:
            for hear in self._hearers:
                hear(changes.policies.keys())
        for before, after in changed:
            said = (f"{key} {was!r} -> {now!r}" for key, (was, now) in told(before.policy, after.policy).items())
            _log.info("camera %s changed: %s", after.id, ", ".join(said))
        if changes.later:
            _log.warning(
                "changed in the configuration, but takes effect at the next start: %s", "; ".join(changes.later)
            )
        _log.info("the configuration was read again; cameras changed: %d", len(changed))
        for before, after in changed:  # beside this: a slow disk must not keep the next change waiting
            self._supervisor.spawn(self._record.camera_changed(before, after), f"record of {after.id}")
