"""One stream of a camera: an encoder that runs in a thread while somebody watches, shared by all who do."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Protocol

from simulators.clock import Clock
from simulators.config import CameraConfig, StreamConfig
from simulators.h264 import EncoderSetting, H264Encoder, parameter_sets
from simulators.imaging import Picture
from simulators.sound import Microphone
from simulators.sound import Sink as SoundSink
from streams.errors import StreamError, StreamFault
from streams.rtp.audio import AudioFormat
from streams.rtp.frames import VIDEO_CLOCK_HZ, AccessUnit, VideoFormat
from streams.rtsp.source import Subscription

logger = logging.getLogger(__name__)

GRACE_S = 2.0  # how long the encoder outlives its last watcher
MAX_BACKLOG = 50  # encoded pictures that the event loop has not taken yet; beyond it pictures are skipped
_JOIN_S = 5.0

Sink = Callable[[AccessUnit], None]


class Pictures(Protocol):
    """Where an encoder takes its pictures from."""

    def picture(self, at_s: float, number: int) -> Picture:
        """The BGR picture at a monotonic time; called in the encoder's thread."""


class VideoSource:
    """A MediaSource (streams.rtsp.source) over one encoder. All methods belong to the event loop's thread.

    A client that joins gets whatever comes next, as with real cameras: no key frame is made for it unless
    `request_key_frame` asks for one. `failed` is called on the event loop when the encoder's thread died. What a
    `microphone` hears goes beside the pictures.
    """

    def __init__(
        self,
        name: str,
        stream: StreamConfig,
        config: CameraConfig,
        pictures: Pictures,
        clock: Clock,
        microphone: Microphone | None = None,
    ) -> None:
        self.name = name
        self._microphone = microphone
        self.setting = EncoderSetting(
            stream.width, stream.height, stream.fps, stream.bitrate_kbps, config.h264_profile, config.idr_interval_s
        )
        self.failed: Callable[[Exception], None] | None = None
        self.encoded = 0  # pictures so far; the number burnt into the next one
        self.key_frames = 0
        self.skipped = 0  # pictures not made because the machine was late
        self._pictures = pictures
        self.clock = clock
        self._epoch_s = clock.monotonic()
        self._subscriptions: set[_Subscription] = set()
        self._run: _Run | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._failure: Exception | None = None

    def __repr__(self) -> str:
        return f"VideoSource({self.name!r})"

    @property
    def watchers(self) -> int:
        """Open subscriptions."""
        return len(self._subscriptions)

    @property
    def running(self) -> bool:
        """Whether the encoder works at present."""
        return self._run is not None

    async def describe(self) -> VideoFormat:
        """See MediaSource; the long-running encoder is not started for it."""
        if self._failure is not None:
            raise StreamError(StreamFault.CODEC, f"the encoder of {self.name} failed: {self._failure}")
        try:
            sets = await asyncio.to_thread(parameter_sets, self.setting)
        except (OSError, RuntimeError, ValueError) as error:
            raise StreamError(StreamFault.CODEC, f"no encoder for {self.name}: {error}") from error
        return VideoFormat("H264", sets)

    def subscribe(self, sink: Sink) -> _Subscription:
        """See MediaSource; the first one starts the encoder."""
        subscription = _Subscription(self, sink)
        self._subscriptions.add(subscription)
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None
        if self._run is None:
            self._failure = None
            self._run = _Run(self, asyncio.get_running_loop())
            self._run.start()
        return subscription

    @property
    def audio(self) -> AudioFormat | None:
        """See SoundSource."""
        return self._microphone.format if self._microphone else None

    def subscribe_sound(self, sink: SoundSink) -> Subscription:
        """See SoundSource."""
        if self._microphone is None:
            raise StreamError(StreamFault.NOT_FOUND, f"{self.name} has no sound")
        return self._microphone.subscribe(sink)

    def request_key_frame(self) -> None:
        """Make the next picture an IDR; without effect while nobody watches, since the first picture is one anyway."""
        if self._run is not None:
            self._run.key_wanted.set()

    async def close(self) -> None:
        """End all subscriptions and the encoder; idempotent."""
        self._subscriptions.clear()
        await self._stop()

    def leave(self, subscription: _Subscription) -> None:
        """Forget a subscription; after the last one the encoder stops when the grace time is over."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            if not self._subscriptions and self._run is not None:
                self._grace = self._run.loop.call_later(GRACE_S, self._halt)

    def _halt(self) -> _Run | None:
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None
        run, self._run = self._run, None
        if run is not None:
            run.stop.set()
        return run

    async def _stop(self) -> None:
        run = self._halt()
        if run is not None:
            await asyncio.to_thread(run.join, _JOIN_S)

    def deliver(self, run: _Run, unit: AccessUnit) -> None:
        """Take one access unit from the thread, on the event loop."""
        run.room.release()
        if run is not self._run:
            return
        self.key_frames += unit.is_key
        for subscription in tuple(self._subscriptions):
            subscription.offer(unit)

    def died(self, run: _Run, error: Exception) -> None:
        """The thread ended with an error, which is told to the log, to `failed` and to whoever describes next."""
        if run is self._run:
            self._run = None
            self._failure = error
        logger.error("the encoder of %s died", self.name, exc_info=error)
        if self.failed is not None:
            self.failed(error)

    def produce(self, encoder: H264Encoder, *, key: bool) -> AccessUnit | None:
        """Capture and encode one picture; runs in the encoder's thread."""
        now = self.clock.monotonic()
        picture = self._pictures.picture(now, self.encoded)
        self.encoded += 1
        return encoder.encode(picture, round((now - self._epoch_s) * VIDEO_CLOCK_HZ), key=key)


class _Subscription:
    """One watcher's share."""

    def __init__(self, source: VideoSource, sink: Sink) -> None:
        self._source = source
        self._sink = sink

    def close(self) -> None:
        """See streams.rtsp.source.Subscription."""
        self._source.leave(self)

    def offer(self, unit: AccessUnit) -> None:
        """Give a unit to the watcher; one whose sink fails loses its subscription, not everybody's stream."""
        try:
            self._sink(unit)
        except Exception:
            logger.exception("a watcher of %r failed", self._source)
            self.close()


class _Run(threading.Thread):
    """The encoder's thread, from its first picture to its last."""

    def __init__(self, source: VideoSource, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name=f"encoder {source.name}", daemon=True)
        self.loop = loop
        self.stop = threading.Event()
        self.key_wanted = threading.Event()
        self.room = threading.Semaphore(MAX_BACKLOG)
        self._source = source

    def run(self) -> None:
        """Encode in real time until told to stop."""
        try:
            self._encode()
        except Exception as error:  # noqa: BLE001  # handed to the event loop, which logs and reports it
            self._tell(self._source.died, self, error)

    def _encode(self) -> None:
        source = self._source
        encoder = H264Encoder(source.setting)
        period = 1.0 / source.setting.fps
        clock = source.clock
        due = clock.monotonic()
        while not self.stop.wait(max(due - clock.monotonic(), 0.0)):
            if self.room.acquire(blocking=False):
                key = self.key_wanted.is_set()
                if key:
                    self.key_wanted.clear()
                unit = source.produce(encoder, key=key)
                if unit is not None:
                    self._tell(source.deliver, self, unit)
                else:
                    self.room.release()
            else:
                source.skipped += 1
            due, missed = next_due(due + period, clock.monotonic(), period)
            source.skipped += missed

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        """Call on the event loop; one that has closed meanwhile wants nothing any more."""
        try:
            self.loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            logger.debug("the event loop of %r is gone", self._source)
            self.stop.set()


def next_due(due: float, now: float, period: float) -> tuple[float, int]:
    """When the next picture is to be taken, and how many were missed: a late one is skipped, never made up for."""
    missed = int(max(now - due, 0.0) / period)
    return due + missed * period, missed
