"""From a camera to its streams: which address is pulled, whether it may be, and what the pull tells of the camera."""

from __future__ import annotations

import logging

from camctl.cameras.model import CameraState, Health
from camctl.control.client import ControlClient, RemoteCamera
from camctl.egress import EgressPolicy, EgressRefusedError, resolve_pinned
from streams.errors import StreamError, StreamFault
from streams.pool import StreamSource
from streams.quality import Quality

_log = logging.getLogger(__name__)

_RTSP = frozenset({"rtsp", "rtsps"})
_B_FRAMES = (
    "The camera's {} stream has B-frames, which jerk in browsers: turn them off in the camera's encoder settings "
    "(profile Baseline, or B-frames 0)."
)


def stream_key(camera: RemoteCamera, quality: Quality) -> str:
    """The name of one of the camera's streams among all: "cam-1/main"."""
    return f"{camera.entry.id}/{quality.value}"


def quality_of(key: str) -> Quality:
    """Which of its camera's streams has this name."""
    return Quality(key.rpartition("/")[2])


class Sources:
    """Names the streams of cameras for those who pull them, and hears how the pulls go."""

    def __init__(self, cameras: ControlClient, egress: EgressPolicy) -> None:
        self._cameras = cameras
        self._egress = egress
        self._jerky: set[str] = set()  # streams with B-frames, by key

    async def get(self, camera: RemoteCamera, quality: Quality) -> StreamSource:
        """Where the stream is pulled from, past the egress guard.

        Raises:
            StreamError: the camera is not live yet, or its address is not approved.
        """
        url = _url(camera, quality)
        entry = camera.entry
        try:
            target = await resolve_pinned(self._egress.at(entry.site), url, schemes=_RTSP)
        except EgressRefusedError as error:
            detail = f"the camera's video address is not allowed: {error}"
            if not camera.is_steered:  # a plain feed: nobody else finds out
                camera.set_health(Health(CameraState.OFFLINE, detail, StreamFault.UNREACHABLE.value))
            raise StreamError(StreamFault.UNREACHABLE, detail) from None
        return StreamSource(
            stream_key(camera, quality),
            target.url,
            target.address,
            entry.username,
            entry.password,
            entry.rtsp_transport,
            entry.tls_fingerprint,
            entry.audio,
        )

    async def pair(self, camera: RemoteCamera) -> tuple[StreamSource, StreamSource | None]:
        """The main stream, and the smaller one if the camera has one of its own; raises as `get`."""
        main = await self.get(camera, Quality.MAIN)
        if _url(camera, Quality.SUB) == _url(camera, Quality.MAIN):
            return main, None
        try:
            return main, await self.get(camera, Quality.SUB)
        except StreamError as error:  # it is a help on bad links, not a condition
            _log.warning("camera %s has no usable sub stream: %s", camera.entry.id, error.detail)
            return main, None

    async def find(self, key: str) -> StreamSource:
        """As `get`, by the stream's key ("cam-1/main").

        Raises:
            StreamError: NOT_FOUND, and as `get`.
        """
        camera_id, _, quality = key.rpartition("/")
        camera = self._cameras.get(camera_id)
        if camera is None or quality not in set(Quality):
            raise StreamError(StreamFault.NOT_FOUND, "there is no such stream")
        return await self.get(camera, Quality(quality))

    def camera_of(self, key: str) -> RemoteCamera | None:
        """Whose stream this is."""
        return self._cameras.get(key.rpartition("/")[0])

    def on_stream_state(self, key: str, event: dict[str, object]) -> None:
        """What a media worker tells of a pull: B-frames are noted, and a plain feed is as well as its stream."""
        camera = self.camera_of(key)
        if camera is None:
            return
        self._note_b_frames(camera, key, event)
        if not camera.is_steered:  # nothing else says whether it is there
            camera.set_health(_health(event))

    def _note_b_frames(self, camera: RemoteCamera, key: str, event: dict[str, object]) -> None:
        """Kept while nobody watches, until the next pull shows otherwise."""
        if event.get("b_frames") is True:
            self._jerky.add(key)
        elif event.get("state") == "connecting":
            self._jerky.discard(key)
        names = [quality.value for quality in Quality if stream_key(camera, quality) in self._jerky]
        camera.note_video(_B_FRAMES.format(" and ".join(names)) if names else "")


def _url(camera: RemoteCamera, quality: Quality) -> str:
    entry = camera.entry
    if entry.rtsp_main is not None:
        return entry.rtsp_sub or entry.rtsp_main if quality is Quality.SUB else entry.rtsp_main
    if camera.facts is None:
        detail = camera.health.detail or "the camera is being connected; try again in a moment"
        fault = camera.health.fault
        raise StreamError(StreamFault(fault) if fault in set(StreamFault) else StreamFault.UNREACHABLE, detail)
    uris = camera.facts.streams
    return uris.sub or uris.main if quality is Quality.SUB else uris.main


def _health(event: dict[str, object]) -> Health:
    state, detail = str(event.get("state", "")), str(event.get("detail") or "")
    if state == "live":
        return Health(CameraState.LIVE)
    if state == "connecting":
        return Health(CameraState.CONNECTING)
    if state == "waiting":
        return Health(CameraState.OFFLINE, detail, str(event.get("fault") or ""))
    return Health(CameraState.UNKNOWN)
