"""The FastAPI application, put together; what it works with comes from the composition root."""

from __future__ import annotations

import time
from typing import Any

from fastapi import FastAPI
from starlette.requests import HTTPConnection

from camctl.api import (
    area_routes,
    audit_routes,
    camera_routes,
    control_routes,
    control_socket,
    emergency_routes,
    feed_socket,
    grant_routes,
    jpeg_routes,
    patrol_routes,
    people_routes,
    problems,
    ptz_routes,
    restream_routes,
    root_routes,
    whep_routes,
)
from camctl.api.access import COOKIE, token_of
from camctl.api.middleware import BodyLimit, Measured, SecurityHeaders, WhepFromElsewhere
from camctl.api.services import Services, services_of

PREFIX = "/api/v1"
OPEN_PATHS = {f"{PREFIX}/auth/login", "/healthz", "/readyz", "/metrics"}


def describe() -> FastAPI:
    """The application's routes, with nothing behind them yet: enough for its OpenAPI document."""
    app = FastAPI(
        title="camctl",
        version="1",
        summary="Steer donated ONVIF cameras from a phone.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    # What is asked most often comes first: FastAPI tries one route after the other.
    parts = (
        camera_routes, ptz_routes, control_routes, control_socket, people_routes, whep_routes, feed_socket, jpeg_routes,
        patrol_routes, restream_routes, grant_routes, audit_routes, area_routes, emergency_routes,
    )  # fmt: skip
    for part in parts:
        # Not by a router of all of them: FastAPI looks for the route anew on each level of nesting.
        app.include_router(part.router, prefix=PREFIX)
    app.include_router(root_routes.router)
    _document_sign_in(app)
    return app


def _document_sign_in(app: FastAPI) -> None:
    """Say in OpenAPI how to sign in, and which operations need no sign-in."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            document["components"]["securitySchemes"] = {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            }
            document["security"] = [{"bearer": []}, {"cookie": []}]
            for path in OPEN_PATHS & document["paths"].keys():
                for operation in document["paths"][path].values():
                    operation["security"] = []
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _record_refusal(connection: HTTPConnection, problem: problems.ProblemError) -> None:
    services = services_of(connection)
    token, _ = token_of(connection)
    services.audit.refused(connection, problem, services.recent.get(token or "", time.monotonic()))


def build(services: Services) -> FastAPI:
    """The application at work."""
    app = describe()
    app.state.services = services
    problems.install(app, _record_refusal)
    app.mount("/assets", root_routes.Assets(directory=root_routes.STATIC / "assets", check_dir=False))
    # The last one added is the outermost.
    if services.config.media.whep_origins:
        app.add_middleware(WhepFromElsewhere, origins=services.config.media.whep_origins)
    app.add_middleware(BodyLimit, max_bytes=services.config.server.max_body_bytes)
    app.add_middleware(Measured, metrics=services.metrics)
    app.add_middleware(SecurityHeaders)
    return app
