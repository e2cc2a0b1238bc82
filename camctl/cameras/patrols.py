"""Cameras' patrols between the database and the cameras: read at start, and told to a camera after every change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from camctl.ptz.events import SourceKind
from camctl.ptz.rounds import Round, RoundStop, Window
from camctl.store.patrols import PatrolStore, StoredPatrol

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

MOST_PER_CAMERA = 32

Tell = Callable[[Sequence[Round]], None]


def round_of(stored: StoredPatrol) -> Round:
    """A stored patrol as it is run.

    Raises:
        LookupError, TypeError, ValueError: what is stored is not a patrol.
    """
    return Round(
        id=stored.id,
        name=stored.name,
        kind=SourceKind.PATROL,
        priority=stored.priority,
        stops=tuple(RoundStop(str(stop["preset"]), float(stop["dwell_s"]), stop.get("speed")) for stop in stored.stops),
        windows=tuple(
            Window(frozenset(int(day) for day in window["days"]), int(window["from_min"]), int(window["to_min"]))
            for window in stored.windows
        ),
        enabled=stored.enabled,
    )


def load_patrols(store: PatrolStore) -> dict[str, list[Round]]:
    """Every camera's patrols by the camera's id, in running order; for the start, before cameras are connected.

    Raises:
        StoreError: the database does not answer.
    """
    found: dict[str, list[Round]] = {}
    for stored in store.all():
        found.setdefault(stored.camera_id, []).extend(_rounds([stored]))
    return found


def _rounds(patrols: Sequence[StoredPatrol]) -> list[Round]:
    rounds = []
    for stored in patrols:
        try:
            rounds.append(round_of(stored))
        except (LookupError, TypeError, ValueError, AttributeError):
            # One bad row must not keep a camera from being steered, nor its other patrols from running.
            _log.exception(
                "camera %s: the stored patrol %s cannot be read; it is left out", stored.camera_id, stored.id
            )
    return rounds


class Patrols:
    """The service's patrols. Used on one event loop; the database is reached on threads; StoreError as PatrolStore.

    `tell` of a change is the camera's `set_patrols`: it hears the outcome of changes in their order.
    """

    def __init__(self, store: PatrolStore) -> None:
        self._store = store
        self._changing = asyncio.Lock()

    async def of_camera(self, camera_id: str) -> list[StoredPatrol]:
        """One camera's patrols, in running order."""
        return await asyncio.to_thread(self._store.of_camera, camera_id)

    async def get(self, camera_id: str, patrol_id: str) -> StoredPatrol | None:
        """One patrol of this camera; None when it has none of that id."""
        return await asyncio.to_thread(self._store.get, camera_id, patrol_id)

    async def add(self, patrol: StoredPatrol, tell: Tell) -> StoredPatrol | None:
        """Store a new patrol; None when its camera has MOST_PER_CAMERA already."""
        return await self._change(patrol.camera_id, lambda: self._store.add(patrol, MOST_PER_CAMERA), tell)

    async def change(
        self, camera_id: str, patrol_id: str, edit: Callable[[StoredPatrol], StoredPatrol], tell: Tell
    ) -> StoredPatrol | None:
        """Rewrite a patrol of this camera by `edit`, which is called on a thread; None when there is none."""
        return await self._change(camera_id, lambda: self._store.change(camera_id, patrol_id, edit), tell)

    async def remove(self, camera_id: str, patrol_id: str, tell: Tell) -> bool:
        """Forget a patrol; False when the camera has none of that id."""
        return await self._change(camera_id, lambda: self._store.remove(camera_id, patrol_id), tell)

    async def _change(self, camera_id: str, work: Callable[[], _T], tell: Tell) -> _T:
        # A request that is given up half-way must not leave the camera with other patrols than the database has.
        return await asyncio.shield(self._change_and_tell(camera_id, work, tell))

    async def _change_and_tell(self, camera_id: str, work: Callable[[], _T], tell: Tell) -> _T:
        async with self._changing:
            result = await asyncio.to_thread(work)
            tell(_rounds(await asyncio.to_thread(self._store.of_camera, camera_id)))
        return result
