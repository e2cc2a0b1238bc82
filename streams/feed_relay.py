"""A feed in the parent's process, shared by its viewers: who comes sees something at once, who is slow skips."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from streams.errors import StreamError, StreamFault
from streams.mp4 import Piece
from streams.rtsp.origin import StreamSource
from streams.wire import Payload


class Owner(Protocol):
    """What is needed of the worker that makes a feed's pieces."""

    async def request(self, kind: str, payload: Payload, timeout_s: float, /) -> tuple[Payload, bytes]:
        """Ask it something; raises StreamError."""


MAX_CACHED_BYTES = 1 << 20  # more would take a phone seconds to fetch
MAX_QUEUED_BYTES = 2 << 20
MAX_LAG_S = 1.5


class Outbox:
    """What one viewer has not been sent yet. Pure; bounded in bytes and in time.

    What is over the bounds is given up as far as a key picture, so that the viewer goes on near the live edge: with the
    newest key picture that waits, or with the next one that comes. Init segments are never lost.
    """

    def __init__(self, *, max_bytes: int = MAX_QUEUED_BYTES, max_lag_s: float = MAX_LAG_S) -> None:
        self.skipped = 0
        self._max_bytes = max_bytes
        self._max_lag_s = max_lag_s
        self._waiting: deque[tuple[Piece, float]] = deque()
        self._bytes = 0
        self._needs_key = True

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._bytes

    @property
    def needs_key(self) -> bool:
        """Whether pictures are skipped until a key picture comes."""
        return self._needs_key

    def lag_s(self, now_s: float) -> float:
        """For how long the oldest piece has been waiting."""
        return now_s - self._waiting[0][1] if self._waiting else 0.0

    def push(self, piece: Piece, now_s: float) -> None:
        """Queue the stream's next piece."""
        if not piece.is_init and self._needs_key and not piece.is_key:
            self.skipped += 1
            return
        if piece.is_init or piece.is_key:
            self._needs_key = piece.is_init
        self._waiting.append((piece, now_s))
        self._bytes += len(piece.data)
        if self._bytes > self._max_bytes or now_s - self._waiting[0][1] > self._max_lag_s:
            self._skip()

    def pop(self) -> Piece | None:
        """The next piece to send."""
        if not self._waiting:
            return None
        piece, _ = self._waiting.popleft()
        self._bytes -= len(piece.data)
        return piece

    def await_key(self) -> None:
        """What comes next does not follow on what was pushed last."""
        self._needs_key = True

    def clear(self) -> None:
        """Send nothing of what waits; go on with an init segment or a key picture."""
        self._waiting.clear()
        self._bytes = 0
        self._needs_key = True

    def _skip(self) -> None:
        """Give up what waits before the newest key picture; that one too if it was the first, or is over the bounds."""
        waiting = list(self._waiting)
        newest = max((number for number, (piece, _) in enumerate(waiting) if piece.is_key), default=0)
        kept = waiting[newest:]
        if newest == 0 or all(piece.is_init for piece, _ in waiting[:newest]) or _size(kept) > self._max_bytes:
            newest, kept = len(waiting), []
            self._needs_key = True
        inits = [item for item in waiting[:newest] if item[0].is_init][-1:]
        self.skipped += newest - len(inits)
        self._waiting = deque(inits + kept)
        self._bytes = _size(self._waiting)


def _size(items: Iterable[tuple[Piece, float]]) -> int:
    return sum(len(piece.data) for piece, _ in items)


class FeedViewer:
    """One viewer's end of a feed."""

    def __init__(self, on_close: Callable[[FeedViewer], None], clock: Callable[[], float]) -> None:
        self.outbox = Outbox()
        self._on_close = on_close
        self._clock = clock
        self._changed = asyncio.Event()
        self._error: StreamError | None = None

    @property
    def skipped(self) -> int:
        """Pictures that this viewer was too slow for."""
        return self.outbox.skipped

    @property
    def waiting_s(self) -> float:
        """For how long the next piece has been waiting to be sent."""
        return self.outbox.lag_s(self._clock())

    async def next(self) -> Piece:
        """The next piece to send, when there is one.

        Raises:
            StreamError: the feed has ended.
        """
        while True:
            if self._error:
                raise self._error.again()
            piece = self.outbox.pop()
            if piece is not None:
                return piece
            self._changed.clear()
            await self._changed.wait()

    def close(self) -> None:
        """Watch no longer; idempotent."""
        self.outbox.clear()
        self._on_close(self)

    def give(self, piece: Piece) -> None:
        """Queue a piece."""
        self.outbox.push(piece, self._clock())
        self._changed.set()

    def fail(self, error: StreamError) -> None:
        """End it with `error`."""
        self._error = error
        self._changed.set()


@dataclass(slots=True)
class _Relay:
    """One feed and its viewers, with the newest group of pictures for those who come.

    Of a group that is too large only the key picture is kept: who comes sees it at once, and goes on with the next one.
    """

    owner: object
    least_hidings: int
    viewers: set[FeedViewer] = field(default_factory=set)
    init: Piece | None = None
    cached: list[Piece] = field(default_factory=list)
    cached_bytes: int = 0
    is_whole: bool = True
    needs_init: bool = False

    def take(self, piece: Piece) -> None:
        """The feed's next piece."""
        if piece.is_init:
            self.init, self.needs_init = piece, False
            self.forget()
        elif piece.is_key:
            if self.needs_init and self.init:
                self.needs_init = False
                self._give(self.init)
            self.cached, self.cached_bytes, self.is_whole = [piece], len(piece.data), True
        elif self.cached and self.is_whole:
            self.cached.append(piece)
            self.cached_bytes += len(piece.data)
            if self.cached_bytes > MAX_CACHED_BYTES:
                del self.cached[1:]
                self.cached_bytes, self.is_whole = len(self.cached[0].data), False
        self._give(piece)

    def _give(self, piece: Piece) -> None:
        for viewer in self.viewers:
            viewer.give(piece)

    def join(self, viewer: FeedViewer) -> None:
        """Add a viewer: init segment and cached pictures at once, then what comes."""
        self.viewers.add(viewer)
        for piece in ([self.init] if self.init and self.cached else []) + self.cached:
            viewer.give(piece)
        if not self.cached:
            self.needs_init = self.init is not None
        elif not self.is_whole:
            viewer.outbox.await_key()

    def forget(self) -> None:
        """Keep no picture."""
        self.cached, self.cached_bytes, self.is_whole = [], 0, True


class FeedRelays:
    """All feeds that anybody in this process watches, by stream. `owner` is whatever makes a feed's pieces."""

    def __init__(self, on_empty: Callable[[str, Any], None]) -> None:
        self.hidings = 0
        self._on_empty = on_empty
        self._relays: dict[str, _Relay] = {}

    def join(self, key: str, owner: object) -> FeedViewer:
        """A new viewer of this stream's feed; `on_empty` is called with key and owner when the last one has left."""
        relay = self._relays.get(key)
        if relay is None:
            relay = self._relays[key] = _Relay(owner, self.hidings)
        viewer = FeedViewer(lambda gone: self._leave(key, relay, gone), asyncio.get_running_loop().time)
        relay.join(viewer)
        return viewer

    async def open(self, owner: Owner, source: StreamSource, timeout_s: float) -> FeedViewer:
        """A new viewer, once the feed runs.

        Raises:
            StreamError: why there is none.
        """
        viewer = self.join(source.key, owner)
        facts = {"source": asdict(source), "hidings": self.hidings, "wants_key": viewer.outbox.needs_key}
        try:
            await owner.request("open_feed", facts, timeout_s)
        except BaseException:
            viewer.close()
            raise
        return viewer

    def take(self, event: dict[str, Any], blob: bytes) -> None:
        """What a worker tells of a feed; pictures that left it before they were hidden go nowhere."""
        key = str(event["key"])
        relay = self._relays.get(key)
        if relay is None:
            return
        if event["type"] == "feed_failed":
            error = StreamError(StreamFault(event["fault"]), str(event["detail"]), codec=event["codec"])
            self._end(key, relay, error)
        elif event["hidings"] >= relay.least_hidings:
            relay.take(Piece(blob, bool(event["key_picture"]), event["codecs"]))

    def hide(self, prefix: str) -> None:
        """Send nothing of these streams that was taken before now."""
        self.hidings += 1
        for key, relay in self._relays.items():
            if key.startswith(prefix):
                relay.least_hidings = self.hidings
                relay.needs_init = relay.init is not None
                relay.forget()
                for viewer in relay.viewers:
                    viewer.outbox.clear()

    def end_of(self, owner: object, error: StreamError) -> None:
        """Every feed of this owner ended."""
        for key, relay in tuple(self._relays.items()):
            if relay.owner is owner:
                self._end(key, relay, error)

    def _end(self, key: str, relay: _Relay, error: StreamError) -> None:
        del self._relays[key]
        viewers, relay.viewers = relay.viewers, set()
        for viewer in viewers:
            viewer.fail(error)

    def _leave(self, key: str, relay: _Relay, viewer: FeedViewer) -> None:
        if viewer not in relay.viewers:
            return
        relay.viewers.discard(viewer)
        if not relay.viewers and self._relays.get(key) is relay:
            del self._relays[key]
            self._on_empty(key, relay.owner)
