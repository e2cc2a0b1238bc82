"""A worker's feeds: streams as fragmented MP4, told to the parent for everybody there who cannot take WebRTC."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from streams.errors import StreamError, StreamFault
from streams.hub import Hub
from streams.mp4 import Muxer
from streams.rtp.frames import AccessUnit
from streams.taps import Tap
from streams.wire import Payload

log = logging.getLogger("streams.worker")


class Tell(Protocol):
    """Carries an event to the parent."""

    def __call__(self, kind: str, payload: Payload, blob: bytes = b"", /) -> None:
        """Tell it; never waits."""


class _Feed:
    """One stream's pieces, made once however many watch; its hub is held meanwhile."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.muxer = Muxer()
        self.is_waiting = True  # for a key unit
        self.is_closed = False
        self._hold = hub.hold()
        self._tap: Tap[AccessUnit] | None = None

    def start(self, give: Callable[[_Feed, AccessUnit], None]) -> None:
        """Give the newest group of pictures, then what comes."""
        self._tap = self.hub.tap(lambda unit: give(self, unit))
        if self.is_closed:  # by its first pictures
            self._tap.close()

    def close(self) -> None:
        """End it; idempotent."""
        self.is_closed = True
        if self._tap:
            self._tap.close()
        self._hold.release()


class Feeds:
    """All feeds of a worker, by stream. The parent opens and closes them and shares each among its viewers.

    Events told: `feed` (key, hidings, key_picture, codecs or None; the blob is a `Piece`) and `feed_failed` (key,
    fault, detail, codec). `hidings` counts how often the parent said that anything is to be hidden, so that it can
    tell what left before it said so. While `lags` says that the parent takes nothing, pictures are dropped up to the
    next key picture.
    """

    def __init__(self, tell: Tell, lags: Callable[[], bool]) -> None:
        self.hidings = 0
        self._tell = tell
        self._lags = lags
        self._feeds: dict[str, _Feed] = {}
        self._units = 0
        self._skipped = 0

    async def open(self, hub: Hub, payload: Payload, ready_s: float) -> None:
        """Begin the stream's feed unless it runs; returns once the camera's format is known.

        `payload` has `hidings`, the parent's count, and `wants_key`, whether who comes now waits for a key picture.

        Raises:
            StreamError: why there is no picture; the feed stays until it is closed.
        """
        self.hidings = int(payload["hidings"])
        key = hub.source.key
        feed = self._feeds.get(key)
        if feed is None or feed.hub is not hub:
            self.close(key)
            feed = self._feeds[key] = _Feed(hub)
            feed.start(self._give)  # after it is registered: the newest pictures come at once
        elif payload["wants_key"]:
            hub.want_key_frame()
        await hub.ready(ready_s)
        if feed.is_closed:
            raise StreamError(StreamFault.CLOSED, "the feed was closed while the camera was being asked")

    def close(self, key: str) -> None:
        """Nobody watches this feed any more; idempotent."""
        feed = self._feeds.pop(key, None)
        if feed:
            feed.close()

    def close_all(self) -> None:
        """End every feed."""
        for key in tuple(self._feeds):
            self.close(key)

    def end(self, key: str, reason: str) -> None:
        """The stream is taken away: whoever watches is told."""
        if key in self._feeds:
            self._fail(key, StreamError(StreamFault.CLOSED, reason))

    def figures(self) -> Payload:
        """Feeds now; units made into pieces and pictures skipped because the parent was slow, ever."""
        return {"feeds": len(self._feeds), "feed_units": self._units, "feed_units_skipped": self._skipped}

    def _give(self, feed: _Feed, unit: AccessUnit) -> None:
        """The tap's sink."""
        key = feed.hub.source.key
        lags = self._lags()
        if lags and not feed.is_waiting:
            feed.is_waiting = True
            feed.hub.want_key_frame()
        if feed.is_waiting and (lags or not unit.is_key):
            self._skipped += 1
            return
        feed.is_waiting = False
        self._units += 1
        video = feed.hub.format
        try:
            for piece in feed.muxer.push(video.codec if video else "H264", unit):
                facts = {"key": key, "hidings": self.hidings, "key_picture": piece.is_key, "codecs": piece.codecs}
                self._tell("feed", facts, piece.data)
        except StreamError as error:
            self._fail(key, error)

    def _fail(self, key: str, error: StreamError) -> None:
        log.warning("%s: no feed for viewers without WebRTC: %s", key, error.detail)
        self.close(key)
        facts = {"key": key, "fault": error.fault.value, "detail": error.detail, "codec": error.codec}
        self._tell("feed_failed", facts)
