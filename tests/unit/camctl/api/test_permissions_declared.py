"""Every route and socket says who may use it; a route that does not fails here."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute

from auth.roles import Capability
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
    ptz_routes,
    restream_routes,
    root_routes,
    session_routes,
    setup_routes,
    sign_in_routes,
    token_routes,
    whep_routes,
)
from camctl.api.access import AtCamera, Holding, Public, SignedIn, StoppingAt
from camctl.api.application import describe
from camctl.api.step_up import SteppedUp

PERMISSIONS = (Public, SignedIn, Holding, AtCamera)
MODULES = (
    area_routes,
    people_routes,
    sign_in_routes,
    account_routes,
    camera_routes,
    whep_routes,
    ptz_routes,
    control_routes,
    control_socket,
    feed_socket,
    grant_routes,
    jpeg_routes,
    patrol_routes,
    restream_routes,
    audit_routes,
    emergency_routes,
    invitation_routes,
    session_routes,
    setup_routes,
    token_routes,
    oidc_routes,
    root_routes,
)
SIGNING_IN = {"/auth/login", "/auth/second-factor", "/auth/passkey/begin", "/auth/passkey/finish"}
SIGNING_IN |= {"/invitations/look", "/invitations/accept", "/setup"}
SIGNING_IN |= {"/auth/oidc", "/auth/oidc/start", "/auth/oidc/callback"}
OPEN = {*SIGNING_IN, "/healthz", "/readyz", "/metrics", "/", "/{name}"}


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
    known |= {f"/api/v1{path}" for path in SIGNING_IN}
    documented = set(describe().openapi()["paths"])
    assert documented
    assert documented <= known


def test_what_changes_who_controls_needs_the_right_to_control() -> None:
    for route in control_routes.router.routes:
        assert isinstance(route, APIRoute)
        (declared,) = permissions(route)
        needed = Capability.LIVE if route.methods == {"GET"} else Capability.CONTROL
        assert declared.capability is needed, route.path


def test_only_the_stop_is_let_in_by_memory() -> None:
    by_memory = [route.path for route in routes() if isinstance(permissions(route)[0], StoppingAt)]
    assert by_memory == ["/cameras/{camera_id}/ptz/stop"]


def test_a_restream_account_is_made_only_by_who_may_watch() -> None:
    (declared,) = [
        permissions(route)[0]
        for route in restream_routes.router.routes
        if isinstance(route, APIRoute) and route.methods == {"POST"}
    ]
    assert declared.capabilities == (Capability.LIVE,)


def test_patrols_and_events_are_changed_only_with_their_right() -> None:
    for route in patrol_routes.router.routes:
        assert isinstance(route, APIRoute)
        (declared,) = permissions(route)
        right = Capability.EVENTS if route.path.endswith("/events") else Capability.PATROLS
        assert declared.capability is (Capability.SEE if route.methods == {"GET"} else right), route.path


def test_what_changes_people_or_takes_records_away_needs_a_fresh_proof() -> None:
    """Of every route that looks after people and changes something, and of exports: no sign-in of hours ago will do."""
    office = {Capability.MANAGE_PEOPLE, Capability.EXPORT}
    guarded = {
        (min(route.methods), route.path): isinstance(permissions(route)[0], SteppedUp)
        for route in routes()
        if isinstance(route, APIRoute) and office & set(getattr(permissions(route)[0], "capabilities", ()))
    }
    demanded = {asked for asked, is_guarded in guarded.items() if is_guarded}
    assert demanded == {asked for asked in guarded if asked[0] != "GET" or asked[1].endswith("/export")}
    assert len(demanded) >= 5
