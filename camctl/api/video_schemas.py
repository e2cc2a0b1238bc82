"""What the API says of a video session, and what may be asked of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from camctl.api.schema_base import In
from camctl.video import VideoSession
from streams.quality import Demand, Quality, Why, Wish


class QualityWish(In):
    """What a viewer wants to be shown."""

    quality: Literal["auto", "main", "sub"]
    height_px: Annotated[int, Field(ge=0, le=8640, description="the picture's height in device pixels; 0: unknown")] = 0
    is_slow: Annotated[bool, Field(description="the viewer believes that its link is slow")] = False

    def demand(self) -> Demand:
        """For the media workers."""
        return Demand(Wish(self.quality), self.height_px, self.is_slow)


class VideoView(BaseModel):
    """What a session is shown."""

    wish: Wish
    quality: Annotated[Quality | None, Field(description="the stream that is shown; null before the first picture")]
    why: Annotated[Why, Field(description="why it is this stream")]

    @classmethod
    def of(cls, session: VideoSession) -> VideoView:
        """The view of a running session."""
        return cls(wish=session.demand.wish, quality=session.quality, why=session.why)
