"""What a view of a camera is, why it may be refused, and what is needed of the media workers for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from camctl.control.client import RemoteCamera
from camctl.ptz.limits import Hidden
from streams.feed_relay import FeedViewer
from streams.pool import PatchResult, Placing, SessionAnswer, StreamSource
from streams.quality import Demand, Quality, Why


class Pool(Protocol):
    """What is needed of streams.pool.MediaPool."""

    async def open_session(
        self, session_id: str, source: StreamSource, offer_sdp: str, *, sub: StreamSource | None, demand: Demand
    ) -> SessionAnswer:
        """Answer a viewer's offer; raises StreamError."""

    async def ask_quality(self, session_id: str, demand: Demand) -> None:
        """Let a running session have what `demand` says; SessionNotFoundError when there is none."""

    async def patch_session(self, session_id: str, fragment: str, if_match: str | None) -> PatchResult:
        """Trickle or restart ICE; raises StreamError."""

    async def close_session(self, session_id: str) -> None:
        """End a viewer's session; SessionNotFoundError when there is none."""

    async def snapshot(self, source: StreamSource, *, small: bool) -> bytes:
        """The stream's newest picture as JPEG; raises StreamError."""

    async def open_feed(self, source: StreamSource) -> FeedViewer:
        """Watch the stream as fragmented MP4; raises StreamError."""

    def send_datagram(self, session_id: str, text: str) -> None:
        """Send over the session's data channel if it has one; never raises, may be lost."""

    def hide(self, stream_key_prefix: str, hidden: bool) -> None:
        """Let no picture of these streams out while `hidden`; sessions stay."""

    def placing(self, stream_key: str) -> Placing:
        """The worker that would serve the stream's next viewer, and how busy it is."""


@dataclass(frozen=True, slots=True)
class VideoSession:
    """One person's running view of one camera, what is wanted and what is shown (None: nothing yet).

    `on_end` ends it when it is none of WebRTC's, which the media workers end.
    """

    id: str
    camera_id: str
    sign_in: str
    person: str
    demand: Demand = field(default_factory=Demand)
    quality: Quality | None = None
    why: Why = Why.START
    on_end: Callable[[], None] | None = field(default=None, compare=False, repr=False)


_WHY_HIDDEN = {
    Hidden.POSITION_UNKNOWN: "This camera has views that nobody may see, and it has not proved yet where it looks.",
    Hidden.POSITION_STALE: "This camera has views that nobody may see, and it does not say where it looks now.",
    Hidden.SECTOR: "The camera looks where nobody may look; turn it away and the picture comes back.",
}


class PictureHiddenError(Exception):
    """The camera's picture is withheld now; `why` is a value of Hidden."""

    def __init__(self, why: str) -> None:
        super().__init__(_WHY_HIDDEN.get(Hidden(why), "The picture of this camera is withheld now."))
        self.why = why


def refuse_hidden(camera: RemoteCamera) -> None:
    """Raise PictureHiddenError while the camera's picture is withheld."""
    if camera.hidden is not None:
        raise PictureHiddenError(camera.hidden)
