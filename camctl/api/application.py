"""The FastAPI application, put together; what it works with comes from the composition root."""

from __future__ import annotations

import time
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from camctl.api import (
    account_routes,
    area_routes,
    audit_routes,
    camera_routes,
    control_routes,
    control_socket,
    emergency_routes,
    feed_socket,
    grant_routes,
    invitation_routes,
    jpeg_routes,
    oidc_routes,
    patrol_routes,
    people_routes,
    problems,
    ptz_routes,
    restream_routes,
    root_routes,
    session_routes,
    setup_routes,
    sign_in_routes,
    token_routes,
    whep_routes,
)
from camctl.api.access import COOKIE, token_of
from camctl.api.forwarded import Forwarded
from camctl.api.middleware import BodyLimit, Measured, WhepFromElsewhere
from camctl.api.paths import PREFIX
from camctl.api.rates import RateOfAddresses
from camctl.api.security_headers import SecurityHeaders, hsts_host
from camctl.api.services import Services, services_of

_OPEN_AUTH = ("login", "second-factor", "passkey/begin", "passkey/finish", "oidc", "oidc/start", "oidc/callback")
_OPEN_HERE = ("/invitations/look", "/invitations/accept", "/setup", *(f"/auth/{name}" for name in _OPEN_AUTH))
OPEN_PATHS = {"/healthz", "/readyz", "/metrics", *(PREFIX + path for path in _OPEN_HERE)}


# FastAPI would record requests, with what was wrong in them, and send that to wherever an environment variable says.
# What is measured here is at /metrics, and nothing calls out.
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


class _App(FastAPI):
    """FastAPI within two layers that no answer gets past.

    `add_middleware` would leave them inside of Starlette's own outermost one, which answers what fails unexpectedly.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """As FastAPI's, in the two."""
        stack = super().build_middleware_stack()
        services: Services | None = getattr(self.state, "services", None)
        if services is None:
            return stack
        server = services.config.server
        pinned = None if services.is_self_signed else hsts_host(server.public_url)
        return Forwarded(SecurityHeaders(stack, pinned), server.proxies)


def describe() -> FastAPI:
    """The application's routes, with nothing behind them yet: enough for its OpenAPI document."""
    # What is asked most often comes first: the router tries one route after the other.
    parts = (
        camera_routes, ptz_routes, control_routes, control_socket, people_routes, sign_in_routes, account_routes,
        whep_routes, feed_socket, jpeg_routes, patrol_routes, restream_routes, grant_routes, audit_routes, area_routes,
        emergency_routes, invitation_routes, session_routes, token_routes, setup_routes, oidc_routes, root_routes,
    )  # fmt: skip
    app = _App(
        # As they are, not by `include_router`, which would look for the route anew on each level of nesting.
        routes=[route for part in parts for route in part.router.routes],
        title="camctl",
        version="1",
        summary="Steer donated ONVIF cameras from a phone.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
        redirect_slashes=False,  # its redirects would lead to whatever the Host header says
    )
    app.mount("/assets", root_routes.Assets(directory=root_routes.STATIC / "assets", check_dir=False))
    problems.install(app, _record_refusal)
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
    area: str | None = None
    if "camera_id" in connection.path_params:
        camera = services.cameras.get(str(connection.path_params["camera_id"]))
        area = camera.entry.area if camera is not None else ""
    services.audit.refused(connection, problem, services.recent.get(token or "", time.monotonic()), area)


def build(services: Services) -> FastAPI:
    """The application at work."""
    return put_to_work(describe(), services)


def put_to_work(app: FastAPI, services: Services) -> FastAPI:
    """The described application with these services behind it, and with none that it may have had before."""
    app.state.services = services
    app.middleware_stack = None
    app.user_middleware.clear()
    # The last one added is the outermost.
    if services.config.media.whep_origins:
        app.add_middleware(WhepFromElsewhere, origins=services.config.media.whep_origins)
    app.add_middleware(BodyLimit, max_bytes=services.config.server.max_body_bytes)
    app.add_middleware(RateOfAddresses, rates=services.rates)
    app.add_middleware(Measured, metrics=services.metrics)
    return app
