"""Every route and socket says who may use it; a route that does not fails here."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute

from camctl.api import camera_routes, control_socket, people_routes, ptz_routes, root_routes, whep_routes
from camctl.api.access import AtCamera, Holding, Public, SignedIn
from camctl.api.application import describe

PERMISSIONS = (Public, SignedIn, Holding, AtCamera)
MODULES = (people_routes, camera_routes, whep_routes, ptz_routes, control_socket, root_routes)
OPEN = {"/auth/login", "/healthz", "/readyz", "/metrics", "/", "/{name}"}


def routes() -> list[APIRoute | APIWebSocketRoute]:
    return [
        route for module in MODULES for route in module.router.routes if isinstance(route, APIRoute | APIWebSocketRoute)
    ]


def permissions(route: APIRoute | APIWebSocketRoute) -> list[Any]:
    return [d.call for d in route.dependant.dependencies if isinstance(d.call, PERMISSIONS)]


@pytest.mark.parametrize("route", routes(), ids=lambda r: f"{min(getattr(r, 'methods', ['WS']))} {r.path}")
def test_declares_exactly_one_permission(route: APIRoute | APIWebSocketRoute) -> None:
    declared = permissions(route)
    assert len(declared) == 1, f"{route.path} must declare one permission of camctl.api.access"
    if isinstance(declared[0], Public):
        assert route.path in OPEN, f"{route.path} is open to everybody; was that meant?"
    if "{camera_id}" in route.path:
        assert isinstance(declared[0], AtCamera), f"{route.path} names a camera, so its permission must look at it"


def test_the_application_serves_nothing_else() -> None:
    known = {route.path if route.path in OPEN else f"/api/v1{route.path}" for route in routes()}
    known.add("/api/v1/auth/login")
    documented = set(describe().openapi()["paths"])
    assert documented
    assert documented <= known
