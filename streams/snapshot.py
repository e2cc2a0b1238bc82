"""A still picture of a stream: its newest key unit, decoded and written as JPEG, off the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

from streams.errors import StreamError, StreamFault
from streams.rtp.codecs import codec_of
from streams.rtp.frames import AccessUnit

log = logging.getLogger(__name__)

MAX_PIXELS = 8192 * 8192
_QUALITY = 85
_START_CODE = b"\0\0\0\1"


def render_jpeg(unit: AccessUnit) -> bytes:
    """Decode a key unit, with its parameter sets in it, and encode it as JPEG: tens of milliseconds, not for a loop.

    Raises:
        StreamError: PROTOCOL, when it cannot be decoded; CODEC.
    """
    # Here, because OpenCV takes 0.2 s and 50 MB to load, and many workers never make a picture.
    import av
    import cv2

    data = b"".join(_START_CODE + nal for nal in unit.nals)
    decoder = cast("av.VideoCodecContext", av.CodecContext.create(codec_of(unit.codec).decoder, "r"))
    decoder.thread_count = 1
    try:
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    except av.FFmpegError as error:
        raise StreamError(StreamFault.PROTOCOL, "the key picture cannot be decoded") from error
    if not frames or frames[0].width * frames[0].height > MAX_PIXELS:
        raise StreamError(StreamFault.PROTOCOL, "the key picture cannot be decoded")
    done, jpeg = cv2.imencode(".jpg", frames[0].to_ndarray(format="bgr24"), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise StreamError(StreamFault.PROTOCOL, "the key picture cannot be written as JPEG")
    return jpeg.tobytes()


class SnapshotCache:
    """Pictures by stream, each kept for `keep_s`, decoded one at a time; who asks at once shares one piece of work."""

    def __init__(self, *, keep_s: float = 1.0, clock: Callable[[], float] | None = None) -> None:
        self._keep_s = keep_s
        self._clock = clock or asyncio.get_running_loop().time
        self._gate = asyncio.Lock()
        self._kept: dict[str, tuple[float, bytes]] = {}
        self._working: dict[str, asyncio.Task[bytes]] = {}

    async def get(self, key: str, find_unit: Callable[[], Awaitable[AccessUnit]]) -> bytes:
        """The picture of stream `key` as JPEG; `find_unit` is awaited for its newest key unit if one is needed.

        Raises:
            StreamError: from `find_unit`, or the picture cannot be decoded.
        """
        now_s = self._clock()
        self._kept = {name: item for name, item in self._kept.items() if now_s - item[0] < self._keep_s}
        if key in self._kept:
            return self._kept[key][1]
        task = self._working.get(key)
        if task is None:
            task = self._working[key] = asyncio.create_task(self._make(key, find_unit), name=f"snapshot-{key}")
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)

    def forget(self, key: str) -> None:
        """Give no picture of this stream out to later askers that was taken before now."""
        self._kept.pop(key, None)
        self._working.pop(key, None)

    async def _make(self, key: str, find_unit: Callable[[], Awaitable[AccessUnit]]) -> bytes:
        unit = await find_unit()
        async with self._gate:
            jpeg = await asyncio.to_thread(render_jpeg, unit)
        if self._working.get(key) is asyncio.current_task():
            self._kept[key] = (self._clock(), jpeg)
        return jpeg

    def _finished(self, key: str, task: asyncio.Task[bytes]) -> None:
        if self._working.get(key) is task:
            del self._working[key]
        if not task.cancelled() and (error := task.exception()):  # also when nobody waits any more
            log.debug("no snapshot of %s: %s", key, error)
