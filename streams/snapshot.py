"""A still picture of a stream: its newest key unit, decoded and written as JPEG, off the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from streams.errors import StreamError, StreamFault
from streams.rtp.codecs import codec_of
from streams.rtp.frames import AccessUnit

if TYPE_CHECKING:
    from cv2.typing import MatLike

log = logging.getLogger(__name__)

MAX_PIXELS = 8192 * 8192
_START_CODE = b"\0\0\0\1"


@dataclass(frozen=True, slots=True)
class Size:
    """How large a picture is made: JPEG quality 0 to 100; wider ones are scaled down to `max_width` pixels."""

    quality: int
    max_width: int | None = None


FULL, SMALL = Size(85), Size(60, 640)  # SMALL: about 20 KB, for one a second over the weakest links


def render_jpeg(unit: AccessUnit, size: Size = FULL) -> bytes:
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
    shown: MatLike = frames[0].to_ndarray(format="bgr24")
    height, width = shown.shape[:2]
    if size.max_width and width > size.max_width:
        small = (size.max_width, max(1, height * size.max_width // width))
        shown = cv2.resize(shown, small, interpolation=cv2.INTER_AREA)
    done, jpeg = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, size.quality])
    if not done:
        raise StreamError(StreamFault.PROTOCOL, "the key picture cannot be written as JPEG")
    return jpeg.tobytes()


class SnapshotCache:
    """Pictures by stream, each kept for `keep_s`, decoded one at a time; who asks at once shares one piece of work."""

    def __init__(self, *, keep_s: float = 1.0, clock: Callable[[], float] | None = None) -> None:
        self._keep_s = keep_s
        self._clock = clock or asyncio.get_running_loop().time
        self._gate = asyncio.Lock()
        self._kept: dict[tuple[str, Size], tuple[float, bytes]] = {}
        self._working: dict[tuple[str, Size], asyncio.Task[bytes]] = {}

    async def get(self, key: str, find_unit: Callable[[], Awaitable[AccessUnit]], size: Size = FULL) -> bytes:
        """The picture of stream `key` as JPEG; `find_unit` is awaited for its newest key unit if one is needed.

        Raises:
            StreamError: from `find_unit`, or the picture cannot be decoded.
        """
        now_s = self._clock()
        self._kept = {name: item for name, item in self._kept.items() if now_s - item[0] < self._keep_s}
        what = key, size
        if what in self._kept:
            return self._kept[what][1]
        task = self._working.get(what)
        if task is None:
            task = self._working[what] = asyncio.create_task(self._make(what, find_unit), name=f"snapshot-{key}")
            task.add_done_callback(lambda done: self._finished(what, done))
        return await asyncio.shield(task)

    def forget(self, key: str) -> None:
        """Give no picture of this stream out to later askers that was taken before now."""
        for size in (FULL, SMALL):
            self._kept.pop((key, size), None)
            self._working.pop((key, size), None)

    async def _make(self, what: tuple[str, Size], find_unit: Callable[[], Awaitable[AccessUnit]]) -> bytes:
        unit = await find_unit()
        async with self._gate:
            jpeg = await asyncio.to_thread(render_jpeg, unit, what[1])
        if self._working.get(what) is asyncio.current_task():
            self._kept[what] = (self._clock(), jpeg)
        return jpeg

    def _finished(self, what: tuple[str, Size], task: asyncio.Task[bytes]) -> None:
        if self._working.get(what) is task:
            del self._working[what]
        if not task.cancelled() and (error := task.exception()):  # also when nobody waits any more
            log.debug("no snapshot of %s: %s", what[0], error)
