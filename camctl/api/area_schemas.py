"""Areas and places, as they go over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from camctl.areas.locate import Inside, Proposal, Proposed, WhyNot
from camctl.areas.tree import Area, AreaTree


class AreaNode(BaseModel):
    """An area of the tree; `parent` is the code of the one above, null at the top. The centre is approximate."""

    code: str
    name: str
    level: str
    parent: str | None
    lat: float
    lon: float

    @classmethod
    def of(cls, area: Area) -> AreaNode:
        """The area as clients see it."""
        return cls(code=area.code, name=area.name, level=area.level, parent=area.parent, lat=area.lat, lon=area.lon)


class AreaList(BaseModel):
    """The whole tree: every area after the one above it in the city's own order."""

    items: list[AreaNode]


class FoundArea(BaseModel):
    """An area with the names of those above it, from the top down to its own."""

    code: str
    name: str
    level: str
    path: list[str]

    @classmethod
    def of(cls, area: Area, tree: AreaTree) -> FoundArea:
        """The area as clients see it."""
        return cls(code=area.code, name=area.name, level=area.level, path=list(tree.path(area.code)))


class InsideOut(BaseModel):
    """The place lies in this area, by its boundary."""

    kind: Literal["inside"] = "inside"
    area: FoundArea

    @classmethod
    def of(cls, found: Inside, tree: AreaTree) -> InsideOut:
        """The answer as clients see it."""
        return cls(area=FoundArea.of(found.area, tree))


class ProposalOut(BaseModel):
    """An area that it may be, and where its centre lies, seen from the place."""

    area: FoundArea
    distance_m: int
    direction: Literal["N", "NE", "E", "SE", "S", "SW", "W", "NW"]

    @classmethod
    def of(cls, proposal: Proposal, tree: AreaTree) -> ProposalOut:
        """The proposal as clients see it."""
        return cls.model_validate(
            {
                "area": FoundArea.of(proposal.area, tree),
                "distance_m": round(proposal.distance_m),
                "direction": proposal.direction,
            }
        )


class ProposedOut(BaseModel):
    """Nobody can say for certain: a person has to choose. Nearest first, at most three."""

    kind: Literal["proposed"] = "proposed"
    why: WhyNot
    proposals: list[ProposalOut]

    @classmethod
    def of(cls, found: Proposed, tree: AreaTree) -> ProposedOut:
        """The answer as clients see it."""
        return cls(why=found.why, proposals=[ProposalOut.of(each, tree) for each in found.proposals])


WhereOut = Annotated[InsideOut | ProposedOut, Field(discriminator="kind")]
"""`kind` says whether the area is certain."""
