"""Every route and socket says who may use it; a route that does not fails here. Whether it holds: matrix/."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute, RouteContext, iter_route_contexts

from auth.roles import Capability
from camctl.api.access import AtCamera, Holding, Public, SignedIn, StoppingAt
from camctl.api.application import PREFIX, describe
from camctl.api.step_up import SteppedUp
from tests.unit.camctl.api.matrix.design import Public as OpenToAll
from tests.unit.camctl.api.matrix.rows import ROUTES

PERMISSIONS = (Public, SignedIn, Holding, AtCamera)
OPEN = {row.asked.partition(" ")[2] for row in ROUTES if isinstance(row.needs, OpenToAll)}
OPEN_TO_THIS_MACHINE = {"/metrics"}  # looks at who asks by itself


def routes() -> list[RouteContext]:
    """All that the application serves but its own OpenAPI document."""
    served = iter_route_contexts(describe().routes)
    return [each for each in served if isinstance(each.original_route, APIRoute | APIWebSocketRoute)]


def permissions(route: RouteContext) -> list[Any]:
    assert isinstance(route.original_route, APIRoute | APIWebSocketRoute)
    return [d.call for d in route.original_route.dependant.dependencies if isinstance(d.call, PERMISSIONS)]


@pytest.mark.parametrize("route", routes(), ids=lambda r: f"{min(r.methods or ['WS'])} {r.path}")
def test_declares_exactly_one_permission(route: RouteContext) -> None:
    declared = permissions(route)
    assert len(declared) == 1, f"{route.path} must declare one permission of camctl.api.access"
    if isinstance(declared[0], Public):
        assert route.path in OPEN | OPEN_TO_THIS_MACHINE, f"{route.path} is open to everybody; was that meant?"
    if "{camera_id}" in str(route.path):
        assert isinstance(declared[0], AtCamera), f"{route.path} names a camera, so its permission must look at it"


def test_only_the_stop_is_let_in_by_memory() -> None:
    by_memory = [route.path for route in routes() if isinstance(permissions(route)[0], StoppingAt)]
    assert by_memory == [f"{PREFIX}/cameras/{{camera_id}}/ptz/stop"]


def test_what_changes_people_or_takes_records_away_needs_a_fresh_proof() -> None:
    """Of every route that looks after people and changes something, and of exports: no sign-in of hours ago will do."""
    office = {Capability.MANAGE_PEOPLE, Capability.EXPORT}
    guarded = {
        (min(route.methods), route.path): isinstance(permissions(route)[0], SteppedUp)
        for route in routes()
        if route.methods and office & set(getattr(permissions(route)[0], "capabilities", ()))
    }
    demanded = {asked for asked, is_guarded in guarded.items() if is_guarded}
    assert demanded == {asked for asked in guarded if asked[0] != "GET" or asked[1].endswith("/export")}
    assert len(demanded) >= 5
