"""One worker's streams for the others: from its hubs over RTSP on loopback, so that a camera is pulled once."""

from __future__ import annotations

import functools
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

from streams.errors import StreamError, StreamFault
from streams.hub import Hold, Hub
from streams.rtp.audio import AudioFormat, AudioPacket
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.gop import SQUEEZED_STEP
from streams.rtsp.auth import ServerAuth, hashes_of
from streams.rtsp.origin import StreamSource
from streams.rtsp.reconnect import ReconnectPolicy, ReconnectSettings
from streams.rtsp.server import RtspServer
from streams.rtsp.source import MediaSource
from streams.taps import Sink, Tap

USERNAME = "worker"
_REALM = "relay"
_MAX_CLIENTS = 4096  # a stream that another worker carries is one connection
_MAX_UNSENT_BYTES = 8 << 20  # more than the pictures that a hub keeps
ANSWER_S = 9.0  # the owner may have to wait for its camera first

# Between processes of one machine nothing is hammered, and who waits is a person in front of a black picture.
_QUICK = ReconnectSettings(
    first_s=0.05, cap_s=0.5, credentials_s=0.5, busy_s=0.5, hopeless_s=0.5, stable_s=1.0, nudge_s=0.0
)


def relay_policy() -> ReconnectPolicy:
    """How soon another worker's stream is tried again."""
    return ReconnectPolicy(_QUICK)


def relay_source(source: StreamSource, port: int, secret: str) -> StreamSource:
    """The stream as the worker whose relay listens on this port of loopback gives it."""
    url = f"rtsp://127.0.0.1:{port}/{source.key}"
    return StreamSource(source.key, url, "127.0.0.1", USERNAME, secret, audio=source.audio, is_relay=True)


class _Taking:
    """One client's share of a hub."""

    def __init__(self, tap: Tap[AccessUnit] | Tap[AudioPacket], hold: Hold) -> None:
        self._tap = tap
        self._hold = hold

    def close(self) -> None:
        """Take no more; idempotent."""
        self._tap.close()
        self._hold.release()


class HubSource:
    """A hub as what an RTSP server serves. `find` gives the hub, and may wait or raise StreamError."""

    def __init__(self, find: Callable[[], Awaitable[Hub]], ready_s: float, *, squeezes: bool = False) -> None:
        self._find = find
        self._ready_s = ready_s
        self._squeezes = squeezes
        self._hub: Hub | None = None

    async def describe(self) -> VideoFormat:
        """The stream's format, from a camera that is pulled from now on, for a while at least."""
        self._hub = hub = await self._find()
        hold = hub.hold()
        try:
            video = await hub.ready(self._ready_s)
            if not video.parameter_sets:  # they come in band only, with the first key picture
                await hub.next_key_unit(self._ready_s)
            return hub.format or video
        finally:
            hold.release()

    def subscribe(self, sink: Sink) -> _Taking:
        """The pictures that the hub keeps at once, then what comes.

        With `squeezes` the kept ones are 1 ms apart and end where the stream is now: a player shows them in no time
        and is not seconds late for ever.
        """
        kept: list[AccessUnit] = []
        give: Sink = kept.append

        def take(unit: AccessUnit) -> None:
            give(unit)

        taking = self._take(take)
        give = sink
        try:
            for behind, unit in zip(range(len(kept) - 1, -1, -1), kept, strict=True):
                moved = kept[-1].timestamp - behind * SQUEEZED_STEP
                sink(replace(unit, timestamp=moved) if self._squeezes and behind else unit)
        except BaseException:
            taking.close()
            raise
        return taking

    def subscribe_from_next_key(self, sink: Sink) -> _Taking:
        """What comes after now, beginning with a key unit; the camera is asked for one."""
        is_fresh = False

        def take(unit: AccessUnit) -> None:
            if is_fresh:
                sink(unit)

        taking = self._take(take)
        is_fresh = True
        if self._hub is not None and self._hub.key_unit is not None:  # without any the hub asks by itself
            self._hub.want_key_frame()
        return taking

    @property
    def audio(self) -> AudioFormat | None:
        """The sound beside it, once described."""
        return self._hub.sound.format if self._hub else None

    def subscribe_sound(self, sink: Callable[[AudioPacket], None]) -> _Taking:
        """What is heard from now on."""
        if self._hub is None:
            raise RuntimeError("a source is described before it is played")
        return _Taking(self._hub.sound.tap(sink), self._hub.hold())

    def _take(self, sink: Sink) -> _Taking:
        if self._hub is None:
            raise RuntimeError("a source is described before it is played")
        hold = self._hub.hold()
        return _Taking(self._hub.tap(sink), hold)


class Relay:
    """Serves the streams that the parent has `lend` given out, to the workers that know the secret."""

    def __init__(self, hub_of: Callable[[StreamSource], Hub], ready_s: float) -> None:
        self._hub_of = hub_of
        self._ready_s = ready_s
        self._lent: dict[str, StreamSource] = {}
        self._served: dict[str, HubSource] = {}
        self._server: RtspServer | None = None
        self._auth: ServerAuth | None = None

    @property
    def auth(self) -> ServerAuth | None:
        """Digest over SHA-256 with the workers' secret."""
        return self._auth

    def lend(self, source: StreamSource) -> None:
        """Serve this stream, pulled from where `source` says now; the latest word counts."""
        self._lent[source.key] = source
        self._hub_of(source)  # a hub that pulls already changes over now
        self._served.setdefault(source.key, HubSource(functools.partial(self._find, source.key), self._ready_s))

    async def _find(self, key: str) -> Hub:
        source = self._lent.get(key)
        if source is None:
            raise StreamError(StreamFault.NOT_FOUND, "the stream was closed")
        return self._hub_of(source)

    def recall(self, key: str) -> None:
        """Serve this stream no longer, and end who takes it; idempotent."""
        self._lent.pop(key, None)
        self._served.pop(key, None)
        if self._server:
            self._server.end_where(lambda path, _: path == key)

    def source(self, path: str, username: str) -> MediaSource | None:  # noqa: ARG002  the gate's signature
        """The stream of this key, if it was lent."""
        return self._served.get(path)

    def has_room(self, username: str, own: int, total: int) -> bool:  # noqa: ARG002  the gate's signature
        """Workers take what they need."""
        return True

    async def start(self, listening: socket.socket, secret: str) -> None:
        """Accept the other workers."""
        self._auth = ServerAuth.hashed({USERNAME: hashes_of(USERNAME, _REALM, secret)}, _REALM, ["digest-sha256"])
        self._server = RtspServer.behind(
            self, max_clients=_MAX_CLIENTS, max_unsent_bytes=_MAX_UNSENT_BYTES, has_udp=False
        )
        await self._server.start("127.0.0.1", 0, listening)

    async def close(self) -> None:
        """End it; idempotent."""
        if self._server:
            await self._server.close()
