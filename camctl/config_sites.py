"""Which networks belong to whose cameras, in the configuration: a camera of one site never reaches another's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from auth.grants import covers
from camctl.config_types import STRICT, AreaCode, Network, network


class SiteConfig(BaseModel):
    """Cameras of one owner, of an area and all that lies in it, or both; and the networks in which only they may be."""

    model_config = STRICT

    area: AreaCode | None = None
    owner: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    networks: Annotated[list[Network], Field(max_length=64)]

    @model_validator(mode="after")
    def _is_somebodys(self) -> SiteConfig:
        if self.area is None and self.owner is None:
            msg = "say whose cameras these networks are for: area, owner or both"
            raise ValueError(msg)
        return self

    def holds(self, area: str, owner: str) -> bool:
        """Whether a camera of this area and owner belongs to the site."""
        return (self.area is None or covers(self.area, area)) and self.owner in {None, owner}


def overlap(sites: Sequence[SiteConfig], shared: Sequence[str]) -> str | None:
    """What is wrong where a network is given to two sites, or to one and to everybody; None where none is."""
    named = [(f"sites[{index}]", text) for index, site in enumerate(sites) for text in site.networks]
    named += [("approved_networks", text) for text in shared]
    for (one, text), (other, with_text) in combinations(named, 2):
        mine, theirs = network(text), network(with_text)
        if one != other and mine.version == theirs.version and mine.overlaps(theirs):
            return f"{text} of {one} overlaps {with_text} of {other}: give each network to one site alone"
    return None
