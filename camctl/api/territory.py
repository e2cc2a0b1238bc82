"""The city as the rules about people see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camctl.groundwork import city_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auth.model import CameraRef, Territory
    from camctl.areas.tree import AreaTree
    from camctl.control.client import ControlClient


def territory_of(areas: AreaTree, cameras: ControlClient) -> Territory:
    """The tree's top and lowest areas, and the cameras as they are when asked."""

    def camera_of(camera_id: str) -> CameraRef | None:
        camera = cameras.get(camera_id)
        return None if camera is None else camera.entry.ref

    def all_cameras() -> Iterator[CameraRef]:
        return (camera.entry.ref for camera in cameras)

    return city_of(areas, camera_of, all_cameras)
