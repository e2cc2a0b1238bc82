"""Which of a camera's two streams a viewer gets, and what it wishes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SMALL_PX = 300  # a picture of this height or less does not show what the main stream has more


class Quality(StrEnum):
    """Which of a camera's two streams."""

    MAIN = "main"
    SUB = "sub"


class Wish(StrEnum):
    """What a viewer wants: what its link carries, or one stream whatever happens."""

    AUTO = "auto"
    MAIN = "main"
    SUB = "sub"


class Why(StrEnum):
    """Why a viewer gets the stream that it gets."""

    ONLY = "only"  # the camera has no other one that the viewer can show
    PINNED = "pinned"  # the viewer wants this one
    TILE = "tile"  # the picture is shown so small that the main stream would not be seen
    START = "start"  # nobody knows the link yet
    LINK = "link"  # the link does not carry more
    GOOD = "good"  # the link carries it


@dataclass(frozen=True, slots=True)
class Demand:
    """A viewer's wish, its picture's height in pixels (0: unknown), and whether it says that its link is slow."""

    wish: Wish = Wish.AUTO
    height_px: int = 0
    is_slow: bool = False

    @property
    def wants(self) -> Quality | None:
        """The one stream that fits this demand whatever the link; None when the link decides."""
        if self.wish is not Wish.AUTO:
            return Quality(self.wish.value)
        return Quality.SUB if 0 < self.height_px <= SMALL_PX else None
