"""What steering over HTTP and over the socket share: who asks, and whether this camera can be steered at all."""

from __future__ import annotations

from collections.abc import Sequence

from auth.policy import PriorityOverride
from auth.roles import Capability
from camctl.api.access import Visit
from camctl.api.problems import CANNOT_STEER, ProblemError
from camctl.control.client import RemoteCamera
from camctl.ptz.events import Source
from camctl.ptz.model import SafetyNet
from camctl.ptz.ports import CameraError, CameraFault

NO_NET = (
    "This camera does not stop by itself when the link to it dies; its owner has not accepted that, "
    "so it is not steered. The owner may: steer_without_timeout in the camera's configuration."
)


def check_steerable(camera: RemoteCamera) -> None:
    """Pass if the camera can be steered.

    Raises:
        ProblemError: it shares its picture only, has no motors, or nothing would stop it if the link to it died.
        CameraError: it was not reached yet, so nobody knows.
    """
    check_stoppable(camera)
    check_reached(camera)
    if not camera.abilities.can_steer:
        raise ProblemError(CANNOT_STEER, NO_NET, safety_net=SafetyNet.NONE.value)


def check_reached(camera: RemoteCamera) -> None:
    """Pass if the camera said once what it is.

    Raises:
        CameraError: why it did not.
    """
    if camera.facts is None:
        fault = CameraFault(camera.health.fault) if camera.health.fault else CameraFault.UNREACHABLE
        raise CameraError(fault, camera.health.detail or "The camera is still being connected; try again in a moment.")


def check_stoppable(camera: RemoteCamera) -> None:
    """Pass if a Stop makes sense: also for a camera that was not reached yet, or that must not be steered.

    Raises:
        ProblemError: it certainly has no motors of which we know.
    """
    if not camera.is_steered:
        raise ProblemError(CANNOT_STEER, "This camera shares its picture only; it cannot be steered.")
    if camera.facts is not None and not camera.abilities.has_motors:
        raise ProblemError(CANNOT_STEER, "This camera has no motors that can be steered.")


def source_of(visit: Visit, channel: str, priorities: Sequence[PriorityOverride]) -> Source:
    """The caller as the arbiter knows them; `channel` is unique per socket, "http" for plain HTTP."""
    person = visit.sign_in.person
    return Source(
        sign_in=visit.sign_in.session_id,
        person=person.id,
        name=person.display_name,
        role=person.role,
        priority=visit.standing.priority_on(visit.ref, priorities),
        channel=f"{visit.sign_in.session_id}:{channel}",
        may_break=visit.may(Capability.BREAK_RESERVATION),
        organisation=person.organisation,
    )
