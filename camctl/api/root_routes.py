"""What is served beside the API: health, metrics and the page."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.staticfiles import StaticFiles

from auth.roles import Capability
from camctl.api.access import Anyone, Holding
from camctl.api.problems import FORBIDDEN, NOT_FOUND, UNAVAILABLE, ProblemError, documented
from camctl.api.schemas import Health
from camctl.api.services import services_of

router = APIRouter()

STATIC = Path(__file__).parent / "static"


@router.head("/healthz", dependencies=[Anyone], include_in_schema=False)
@router.get("/healthz", dependencies=[Anyone], tags=["health"])
async def healthz() -> Health:
    """The process lives and its loop turns."""
    return Health(status="ok")


@router.head("/readyz", dependencies=[Anyone], include_in_schema=False)
@router.get("/readyz", dependencies=[Anyone], tags=["health"], responses={503: {"model": Health}})
async def readyz(request: Request, response: Response) -> Health:
    """People can be served now; 503 says what is missing."""
    problems = await services_of(request).problems_now()
    if problems:
        response.status_code = 503
        return Health(status="not-ready", problems=problems)
    return Health(status="ok")


def _is_on_this_machine(request: Request) -> bool:
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


@router.get(
    "/metrics",
    dependencies=[Anyone],
    tags=["health"],
    response_class=Response,
    responses={**documented(FORBIDDEN), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Prometheus' text format; from another machine with the token of somebody who holds `metrics`."""
    services = services_of(request)
    if not _is_on_this_machine(request):
        await Holding(Capability.METRICS)(request)
    cameras = services.metrics.cameras
    cameras.clear()
    for camera in services.cameras:
        cameras.labels(camera.health.state.value).inc()
    own = generate_latest(services.metrics.registry).decode()
    elsewhere = await services.worker_metrics() + await services.cameras.metrics()
    return Response(own + elsewhere, headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.head("/", dependencies=[Anyone], include_in_schema=False)
@router.get("/", dependencies=[Anyone], include_in_schema=False)
async def page() -> Response:
    """The client."""
    index = STATIC / "index.html"
    if not index.exists():
        raise ProblemError(UNAVAILABLE, "The page was not built; run `make client`, or use the API at /api/v1.")
    return FileResponse(index, headers={"Cache-Control": "no-cache"})


@router.get("/{name}", dependencies=[Anyone], include_in_schema=False)
async def page_file(name: str) -> Response:
    """The few files that browsers want beside the page."""
    if name not in {"manifest.webmanifest", "icon.svg", "favicon.svg", "robots.txt"} or not (STATIC / name).exists():
        raise ProblemError(NOT_FOUND, "There is nothing at this address.")
    return FileResponse(STATIC / name)


class Assets(StaticFiles):
    """The client's scripts and styles, whose names change with their content."""

    async def check_config(self) -> None:
        """As Starlette's, but where the page was not built there is no such file, and that is no failure of ours."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """As Starlette's, to be kept for good by browsers."""
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # passed through as it came
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
