"""One pull of one camera's stream for any number of viewers: starts with the first, ends a while after the last."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from streams.errors import StreamError, StreamFault
from streams.keys import Curtain, KeyAsker
from streams.pulls import Client, Hold, HubEvent, HubState, hidden_error
from streams.rtp.audio import AudioFormat
from streams.rtp.clock import Timeline, is_jump
from streams.rtp.codecs import Codec, codec_of
from streams.rtp.fanout import Fanout, Receiver
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtp.order import PictureOrder
from streams.rtp.rate import RateMeter
from streams.rtsp.client import ClientCounters
from streams.rtsp.origin import StreamSource
from streams.rtsp.reconnect import ReconnectPolicy
from streams.sound import Sound
from streams.tally import StreamTally
from streams.taps import Sink, Tap, Taps

__all__ = ["Client", "Hold", "Hub", "HubEvent", "HubState", "hidden_error"]

log = logging.getLogger(__name__)

_FIRST_KEY_S = 0.08  # a camera that begins with a key picture has sent it by then


class Hub:
    """The pull and the fan-out of one stream.

    It pulls while anybody has a `Hold`, and `linger_s` longer. After failures it tries again by `policy`, which
    outlives pulls. Viewers see continuous sequence numbers and timestamps whatever the camera does.
    """

    def __init__(
        self,
        source: StreamSource,
        connect: Callable[[StreamSource], Client],
        fanout: Fanout,
        *,
        linger_s: float = 10.0,
        on_event: Callable[[HubEvent], None] | None = None,
        policy: ReconnectPolicy | None = None,
        clock: Callable[[], float] | None = None,
        tally: StreamTally | None = None,
    ) -> None:
        self.source = source
        self.state = HubState.IDLE
        self.error: StreamError | None = None
        self.format: VideoFormat | None = None
        self.key_unit: AccessUnit | None = None
        self.units = 0
        self.rate = RateMeter()
        self.connects = 0
        self.tally = tally or StreamTally()
        self._pulled = ClientCounters()
        self._client: Client | None = None
        self._connect = connect
        self._fanout = fanout
        self._linger_s = linger_s
        self._on_event = on_event
        self._policy = policy or ReconnectPolicy()
        self._clock = clock or asyncio.get_running_loop().time
        self._timeline = Timeline()
        self._taps = Taps()
        self._codec: Codec | None = None
        self.order = PictureOrder()
        self._knew_b_frames = False
        self._last_unit: tuple[int, float] | None = None  # the camera's timestamp and when it came
        self._holds = 0
        self._task: asyncio.Task[None] | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._live_s = 0.0
        self.curtain = Curtain()
        self.keys = KeyAsker(self._ask_for_key, self.curtain, self._clock)
        self.sound = Sound(fanout, self.curtain)

    @property
    def pulled(self) -> ClientCounters:
        """What came from the camera, over all pulls."""
        return self._pulled if self._client is None else self._pulled.plus(self._client.counters)

    @property
    def fanout(self) -> Fanout:
        """What sends, for its figures."""
        return self._fanout

    def hold(self) -> Hold:
        """Keep the stream pulled, starting it if need be."""
        self._holds += 1
        if self._lingering:
            self._lingering.cancel()
            self._lingering = None
        if self._task is None:
            self._start()
        elif self.state is HubState.WAITING and self._policy.nudge(self._clock()):
            self._wake.set()
            self._set(HubState.CONNECTING)
        return Hold(self._release)

    async def ready(self, timeout_s: float) -> VideoFormat:
        """The stream's format: at once when known from before and nothing is wrong, else when the camera has answered.

        Call it while holding.

        Raises:
            StreamError: the last try failed; CODEC when it cannot be relayed; TIMEOUT; CLOSED when the hub is closed.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    if self.state is HubState.WAITING and self.error:
                        raise self.error.again()
                    if self.format and self.error is None:
                        return self.format
                    if self.state is HubState.IDLE:
                        raise StreamError(StreamFault.CLOSED, "the stream was closed")
                    await self._change()
        except TimeoutError as error:
            raise StreamError(StreamFault.TIMEOUT, f"the camera did not answer within {timeout_s:g} s") from error

    async def next_key_unit(self, timeout_s: float) -> AccessUnit:
        """The newest key unit, waiting for one if there is none yet. Call it while holding.

        Raises:
            StreamError: as `ready`; HIDDEN.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while self.key_unit is None:
                    if self.curtain.is_hidden:
                        raise hidden_error()
                    if self.state is HubState.WAITING and self.error:
                        raise self.error.again()
                    await self._change()
        except TimeoutError as error:
            raise StreamError(StreamFault.TIMEOUT, f"no key picture came within {timeout_s:g} s") from error
        return self.key_unit

    @property
    def cached_bytes(self) -> int:
        """Bytes of the cached GOP."""
        return self._fanout.cache.size

    @property
    def viewers(self) -> int:
        """Receivers that joined."""
        return self._fanout.count

    def join(self, receiver: Receiver, *, cached: bool = True, on_begin: Callable[[], None] | None = None) -> None:
        """Send to this viewer, beginning with the cached GOP or the next key frame; see `Fanout.join`."""
        self.tally.join(receiver)
        self.tally.key_frames_sent += cached and bool(self._fanout.cache.frames)
        self._fanout.join(receiver, cached=cached, on_begin=on_begin)

    def leave(self, receiver: Receiver) -> None:
        """Send to this viewer no more; idempotent."""
        self.tally.leave(receiver)
        self._fanout.leave(receiver)

    def part(self, receiver: Receiver) -> None:
        """As `leave`, for a viewer who goes on with another stream; see `Fanout.part`."""
        self.tally.leave(receiver)
        self._fanout.part(receiver)

    def pad(self, receiver: Receiver, size: int) -> int:
        """Send about `size` bytes that only show what the viewer's link carries; how many went out."""
        return self._fanout.pad(receiver, size)

    def tap(self, sink: Sink) -> Tap[AccessUnit]:
        """Give `sink` whole access units in the viewers' time, as `Taps.add` says; only a `hold` keeps them coming."""
        return self._taps.add(sink)

    def resend(self, receiver: Receiver, sequences: list[int]) -> int:
        """Send packets again; how many."""
        return self._fanout.resend(receiver, sequences)

    def media_time(self, receiver: Receiver, now_s: float) -> int | None:
        """The viewer's RTP timestamp of now."""
        return self._fanout.media_time(receiver, now_s)

    def want_key_frame(self) -> None:
        """A viewer cannot decode on: ask the camera's owner for a key frame, at most once a second."""
        self.keys.want()

    def _ask_for_key(self) -> None:
        self._tell(HubEvent(self.source.key, self.state, wants_key=True))

    def hide(self) -> None:
        """Send no picture, old or new, until `show`; the pull and the viewers stay. Idempotent."""
        if self.curtain.hide():
            self.key_unit = None
            self._taps.forget()
            self._fanout.discard()
            self.sound.hide()
            self._signal()

    def show(self) -> None:
        """Send again, beginning with a key picture taken after now; the camera is asked for one. Idempotent."""
        if self.curtain.show(self._clock()) and self.state is HubState.LIVE:
            self.keys.renew(self._needs_key)

    def change_source(self, source: StreamSource) -> None:
        """Pull from elsewhere, or with other credentials, from now on; viewers stay."""
        if source == self.source:
            return
        self.source = source
        self.format = None
        self._policy = self._policy.fresh()
        if self._task:
            self.error = None
            self._set(HubState.CONNECTING)
            self._task.cancel()  # its end starts the next one, if anybody still holds

    async def close(self) -> None:
        """Stop pulling, whoever holds. Idempotent."""
        self._holds = 0
        await self._stop()

    def _start(self) -> None:
        self.error = None
        if not self._policy.nudge(self._clock()):
            fault = self._policy.fault or StreamFault.UNREACHABLE
            self.error = StreamError(fault, "the camera refused the last try; the next one has to wait a while")
        self._set(HubState.WAITING if self.error else HubState.CONNECTING)
        self._task = asyncio.create_task(self._run(), name=f"hub-{self.source.key}")

    def _release(self) -> None:
        self._holds = max(0, self._holds - 1)
        if self._holds == 0 and self._task and self._lingering is None:
            self._lingering = asyncio.get_running_loop().call_later(self._linger_s, self._linger_over)

    def _linger_over(self) -> None:
        self._lingering = None
        if self._holds == 0 and self._task:
            self._task.cancel()

    async def _stop(self) -> None:
        if self._lingering:
            self._lingering.cancel()
            self._lingering = None
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while True:
                await self._pause(self._policy.wait_s(self._clock()))
                await self._pull_once()
        except asyncio.CancelledError:
            pass  # nobody watches any more, or the source is another one
        finally:
            self._task = None
            self._forget_pictures()
            self.error = None
            if self._holds:
                self._start()
            else:
                self._set(HubState.IDLE)

    async def _pause(self, delay_s: float) -> None:
        self._wake.clear()
        if delay_s > 0:
            try:
                async with asyncio.timeout(delay_s):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _pull_once(self) -> None:
        """Pull until it fails; note why and for how long to wait."""
        self._live_s = 0.0
        if self.state is not HubState.CONNECTING:
            self._set(HubState.CONNECTING)
        self.connects += 1
        client = self._client = self._connect(self.source)
        try:
            self._opened(await client.open(), client.audio)
            await client.play(
                self._take, on_playing=self._on_playing, on_dropped=self._on_dropped, on_sound=self.sound.take
            )
            error = StreamError(StreamFault.UNREACHABLE, "the camera ended the stream")
        except StreamError as caught:
            error = caught
        except Exception:
            log.exception("the pull of %s broke", self.source.key)
            error = StreamError(StreamFault.PROTOCOL, "reading the camera's stream failed")
        finally:
            self.keys.stop()
            self._pulled, self._client = self.pulled, None
            await client.close()
        now_s = self._clock()
        lived_s = now_s - self._live_s if self._live_s else 0.0
        delay_s = self._policy.failed(error.fault, now_s, lived_s)
        self._forget_pictures()
        self.error = error
        log.warning("%s: %s (%s); next try in %.1f s", self.source.key, error.fault, error.detail, delay_s)
        self._set(HubState.WAITING)

    def _opened(self, video: VideoFormat, audio: AudioFormat | None) -> None:
        codec = codec_of(video.codec)
        if self._codec not in (None, codec):
            self._tell(HubEvent(self.source.key, self.state, new_codec=True))  # before its first picture comes
        self._codec = codec
        if not video.parameter_sets and self.format and self.format.codec == video.codec:
            video = self.format  # what came in band before
        self.format = video
        self.error = None
        self._timeline.restart()
        self._last_unit = None
        self.order = PictureOrder()
        self.sound.opened(audio)
        self._signal()

    def _on_playing(self) -> None:
        self.keys.beg(_FIRST_KEY_S, self._needs_key)

    def _needs_key(self) -> bool | None:
        """No picture yet though the camera plays: it began inside a group of pictures, or was hidden until now."""
        if self.key_unit is not None:
            return False
        return True if self._holds and not self.curtain.is_hidden else None

    def _on_dropped(self) -> None:
        """The camera began, or lost packets, in the middle of a group of pictures; whoever watches waits for a key."""
        if self._holds:
            self.want_key_frame()

    def _take(self, unit: AccessUnit) -> None:
        """The camera's next picture: continue the viewers' time line, cut, send."""
        if self.state is not HubState.LIVE:
            self._live_s = self._clock()
            self._policy.succeeded()
            self._set(HubState.LIVE)
        moment = (unit.timestamp, unit.arrived_s)
        if self._last_unit and is_jump(self._last_unit, moment):
            self._timeline.restart()
        self._last_unit = moment
        if self.order.note(unit.timestamp, unit.arrived_s):
            self._found_b_frames()
        timestamp = self._timeline.at(unit.timestamp, unit.arrived_s)
        self.units += 1
        self.rate.add(unit.size, unit.arrived_s)
        if unit.is_key:
            self._note_key(unit)
            self.tally.key_frames += 1
        if self.key_unit is None or self._codec is None:
            return  # hidden, or nothing to begin with yet
        self.tally.key_frames_sent += self.viewers if unit.is_key else 0
        self._fanout.push(self._codec.packetise(unit.nals), timestamp, is_key=unit.is_key, arrived_s=unit.arrived_s)
        self._taps.push(replace(unit, timestamp=timestamp))

    def _found_b_frames(self) -> None:
        if not self._knew_b_frames:
            log.warning("%s: the camera sends B-frames, which jerk in browsers; turn them off in it", self.source.key)
        self._knew_b_frames = True
        self._tell(HubEvent(self.source.key, self.state, has_b_frames=True))

    def _note_key(self, unit: AccessUnit) -> None:
        is_first = self.key_unit is None
        if self.curtain.lets(unit.arrived_s):
            self.key_unit = unit
        if self.format and self._codec and not self.format.parameter_sets:
            self.format = replace(self.format, parameter_sets=self._codec.only_sets(unit.nals))
        if is_first:
            self._signal()

    def _forget_pictures(self) -> None:
        self.key_unit = None
        self._taps.forget()
        self._fanout.forget()

    def _set(self, state: HubState) -> None:
        if state is not self.state or state is HubState.WAITING:
            self.state = state
            self._tell(HubEvent(self.source.key, state, self.error if state is HubState.WAITING else None))
        self._signal()

    def _tell(self, event: HubEvent) -> None:
        if self._on_event:
            self._on_event(event)

    def _signal(self) -> None:
        """Wake everybody who waits for a change."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _change(self) -> None:
        await self._changed.wait()
