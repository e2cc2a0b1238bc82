"""The FastAPI application, put together; what it works with comes from the composition root."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from camctl.api import (
    camera_routes,
    control_socket,
    people_routes,
    problems,
    ptz_routes,
    root_routes,
    whep_routes,
)
from camctl.api.middleware import BodyLimit, Measured, SecurityHeaders
from camctl.api.services import Services

PREFIX = "/api/v1"


def build(services: Services) -> FastAPI:
    """The application with all routes."""
    app = FastAPI(
        title="camctl",
        version="1",
        summary="Steer donated ONVIF cameras from a phone.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    problems.install(app)
    api = APIRouter(prefix=PREFIX)
    for part in (people_routes, camera_routes, whep_routes, ptz_routes, control_socket):
        api.include_router(part.router)
    app.include_router(api)
    app.include_router(root_routes.router)
    if root_routes.STATIC.exists():
        app.mount("/assets", root_routes.Assets(directory=root_routes.STATIC / "assets", check_dir=False))
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, max_bytes=services.config.server.max_body_bytes)
    app.add_middleware(Measured, metrics=services.metrics)
    app.add_middleware(SecurityHeaders)
    return app
