"""What a view of a camera is, why it may be refused, and what is needed of the media workers for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from auth.model import Person
from camctl.cameras.model import CameraEntry
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


class ViewEnd(StrEnum):
    """Why a view ended."""

    CLOSED = "closed"  # the viewer's own wish, or their page's end
    LOST = "lost"  # the connection ended, or the media worker
    GAVE_WAY = "gave-way"  # somebody of a higher rank needed the place
    REVOKED = "revoked"  # signed out, or the right was withdrawn
    FAILED = "failed"  # it could not be set up after all
    SHUTDOWN = "shutdown"  # the service ended


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
    viewer: Person | None = field(default=None, compare=False, repr=False)


class Views(Protocol):
    """Who hears of views; camctl.api.auditing is the real one."""

    def began(self, session: VideoSession, camera: CameraEntry) -> None:
        """A view began."""

    def ended(self, session: VideoSession, why: ViewEnd) -> None:
        """A session ended, whether its view had begun or not."""


class NoViews:
    """Hears nothing."""

    def began(self, session: VideoSession, camera: CameraEntry) -> None:
        """Nothing."""

    def ended(self, session: VideoSession, why: ViewEnd) -> None:
        """Nothing."""


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
