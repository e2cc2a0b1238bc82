"""What steering over HTTP and over the socket share."""

from __future__ import annotations

from auth.policy import priority_on
from camctl.api.access import Visit
from camctl.api.problems import CANNOT_STEER, ProblemError
from camctl.cameras.session import CameraSession
from camctl.ptz.events import Source
from camctl.ptz.ports import CameraDriver, CameraError, CameraFault


def steerable_driver(camera: CameraSession) -> CameraDriver:
    """The driver of a camera that can be steered.

    Raises:
        ProblemError: the camera shares its picture only.
        CameraError: it was not reached yet, so nobody knows.
    """
    if camera.driver is None:
        raise ProblemError(CANNOT_STEER, "This camera shares its picture only; it cannot be steered.")
    if camera.facts is None:
        fault = CameraFault(camera.health.fault) if camera.health.fault else CameraFault.UNREACHABLE
        raise CameraError(fault, camera.health.detail or "The camera is still being connected; try again in a moment.")
    if not camera.abilities.can_steer:
        raise ProblemError(CANNOT_STEER, "This camera has no motors that can be steered.")
    return camera.driver


def source_of(visit: Visit, channel: str) -> Source:
    """The caller as the arbiter knows them; `channel` is unique per socket."""
    person = visit.sign_in.person
    return Source(
        sign_in=visit.sign_in.session_id,
        person=person.id,
        name=person.display_name,
        role=person.role,
        priority=priority_on(person, visit.ref),
        channel=f"{visit.sign_in.session_id}:{channel}",
    )
