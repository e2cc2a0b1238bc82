"""Cameras as the caller may see them, and their pictures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from auth.policy import Standing
from auth.roles import Capability
from auth.service import utc_now
from camctl.api.access import AtCamera, Caller, Seeing, Snapping, Visit
from camctl.api.paths import PREFIX
from camctl.api.problems import CODEC, FORBIDDEN, HIDDEN, NOT_LIVE, OVERLOADED, documented
from camctl.api.schemas import CameraOut, CameraPage
from camctl.api.services import services_of
from streams.quality import Quality

router = APIRouter(prefix=PREFIX, tags=["cameras"])


@router.get("/cameras", responses=documented())
async def list_cameras(
    caller: Caller,
    request: Request,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    after: Annotated[str, Query(max_length=64)] = "",
) -> CameraPage:
    """The cameras that the caller may know of, by id."""
    services, standing = services_of(request), Standing(caller.person, utc_now())
    mine = sorted(
        (camera for camera in services.cameras if camera.entry.id > after and standing.may_see(camera.entry.ref)),
        key=lambda camera: camera.entry.id,
    )
    page = [CameraOut.of(Visit(caller, camera), services.areas) for camera in mine[:limit]]
    return CameraPage(items=page, next=page[-1].id if len(mine) > limit else None)


@router.get("/cameras/{camera_id}", responses=documented())
async def get_camera(visit: Seeing, request: Request) -> CameraOut:
    """One camera."""
    return CameraOut.of(visit, services_of(request).areas)


@router.get(
    "/cameras/{camera_id}/snapshot.jpg",
    response_class=Response,
    responses={
        **documented(FORBIDDEN, CODEC, HIDDEN, NOT_LIVE, OVERLOADED),
        200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
    },
)
async def snapshot(visit: Snapping, request: Request, quality: Quality = Quality.MAIN) -> Response:
    """The camera's newest key picture."""
    services = services_of(request)
    jpeg = await services.media.snapshot(visit.camera, quality)
    AtCamera(Capability.SNAPSHOT).judge(visit)  # its owner may have shut it while the picture was on its way
    services.audit.snapshot(visit.sign_in.person, visit.camera.entry)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})
