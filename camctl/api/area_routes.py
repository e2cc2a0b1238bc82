"""The tree of areas, and in which of them a place lies. Administrative geography is no secret: anybody signed in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from camctl.api.access import Caller
from camctl.api.area_schemas import AreaList, AreaNode, InsideOut, ProposedOut, WhereOut
from camctl.api.paths import PREFIX
from camctl.api.problems import documented
from camctl.api.services import services_of
from camctl.areas.locate import Inside

router = APIRouter(prefix=PREFIX, tags=["areas"])

Latitude = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False, description="degrees north, WGS 84")]
Longitude = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False, description="degrees east, WGS 84")]


@router.get("/areas", responses=documented())
async def list_areas(request: Request, _caller: Caller) -> AreaList:
    """Every area of the city."""
    return AreaList(items=[AreaNode.of(area) for area in services_of(request).areas])


@router.get("/areas/at", responses=documented())
async def area_at(request: Request, _caller: Caller, lat: Latitude, lon: Longitude) -> WhereOut:
    """The area in which a place lies; where that is not certain, those that a person may choose from."""
    services = services_of(request)
    found = await services.boundaries.at(lat, lon)
    if isinstance(found, Inside):
        return InsideOut.of(found, services.areas)
    return ProposedOut.of(found, services.areas)
