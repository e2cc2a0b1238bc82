"""The city as the rules about people see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auth.model import CameraRef, Territory, is_same_organisation

if TYPE_CHECKING:
    from camctl.areas.tree import AreaTree
    from camctl.control.client import ControlClient


def territory_of(areas: AreaTree, cameras: ControlClient) -> Territory:
    """The tree's top areas, and the cameras as they are when asked."""

    def camera_of(camera_id: str) -> CameraRef | None:
        camera = cameras.get(camera_id)
        return None if camera is None else camera.entry.ref

    def owns_cameras(organisation: str) -> bool:
        return any(is_same_organisation(organisation, camera.entry.owner) for camera in cameras)

    return Territory(frozenset(area.code for area in areas.children(None)), camera_of, owns_cameras)
