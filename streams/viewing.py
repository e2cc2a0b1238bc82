"""One viewer among a camera's streams: on one of them, and from one to the other at a key picture."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping

from streams.adapt import NEAR_S, Governor, LinkReport
from streams.hub import Hold, Hub
from streams.quality import Demand, Quality, Why
from streams.rtp.fanout import BURST, PASS_S, Receiver
from streams.tally import StreamTally

log = logging.getLogger(__name__)

START_BYTES = 150_000  # of cached pictures at a time on a link that nobody knows
FALL_BYTES = 30_000  # and on one that is too slow already
_OTHER = {Quality.MAIN: Quality.SUB, Quality.SUB: Quality.MAIN}
_SLOW_BURST = 1  # packet a pass: 4.8 Mb/s
_FALL_PACE, _FALL_BITS_PER_S = 2.0, 300_000  # of the sub stream's rate, and at least: its queue is full
_PACKET_BITS = 9600
_IMPATIENT_S = 1.5  # then a long group of pictures is better than none
_GIVE_UP_S = 4.0
_KEEP_S = 10.0  # how long the stream that is not shown is pulled on
_PROBE_S, _PROBE_STEP_S, _PROBE_MAX_BYTES = 0.2, 0.01, 150_000
_PROBE_MORE = 1.1
_UNKNOWN_RATE = 2.5e6
_TWICE_LOSS, _TOO_MUCH_LOSS = 0.01, 0.10  # what is lost because the link is full is not mended by sending more
_TWICE_S = 0.015  # apart, for losses come in bursts


class Viewing:
    """What a viewer's session takes for its stream (`streams.webrtc.session.Stream`).

    `hubs` has the streams that this viewer can show, all of one codec; `audio` is that of the sound. `on_change` is
    called when another one is shown; `on_probed` has to send a sender report. `close` gives back all holds. Everything
    is on the event loop.
    """

    def __init__(
        self,
        hubs: Mapping[Quality, Hub],
        holds: dict[Quality, Hold],
        demand: Demand,
        *,
        can_probe: bool,
        on_change: Callable[[], None],
        audio: str = "",
    ) -> None:
        self.hubs = hubs
        self.shown: Quality | None = None
        self.on_probed: Callable[[], None] = lambda: None
        self._holds = holds
        self._governor = Governor(demand, has_both=len(hubs) == len(Quality), can_probe=can_probe)
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._receiver: Receiver | None = None
        self._audio = audio
        self._listener: Receiver | None = None
        self._heard: Hub | None = None
        self._is_near = False
        self._towards: Quality | None = None
        self._coming: Quality | None = None
        self._coming_since_s = 0.0
        self._needed_s: dict[Quality, float] = {}
        self._probing: asyncio.TimerHandle | None = None

    @property
    def why(self) -> Why:
        """Why the viewer gets what it gets."""
        return self._governor.why

    @property
    def tally(self) -> StreamTally:
        """Where the viewer is counted: at the stream that it gets."""
        return self._hub.tally

    @property
    def shown_hub(self) -> Hub | None:
        """The stream that is shown now."""
        return self.hubs[self.shown] if self.shown else None

    @property
    def _hub(self) -> Hub:
        """The stream that is shown, or else is to come."""
        quality = self.shown or self._coming or self._governor.target
        return self.hubs.get(quality) or next(iter(self.hubs.values()))

    # What the session says ------------------------------------------------------------------------------------------

    def join(self, receiver: Receiver, rtt_s: float | None, listener: Receiver | None = None) -> None:
        """The viewer can receive now, and hears with `listener`."""
        now_s = self._loop.time()
        self._receiver, self._listener = receiver, listener
        self._is_near = rtt_s is not None and rtt_s < NEAR_S and not self._governor.demand.is_slow
        receiver.burst = BURST if self._is_near else _SLOW_BURST
        self._governor.begin(now_s, rtt_s)
        self._follow(now_s)

    def leave(self, receiver: Receiver) -> None:
        """The viewer can receive no more; idempotent."""
        self._receiver = None
        self._hear(None)
        self._end_probe()
        for hub in self.hubs.values():
            hub.leave(receiver)

    def resend(self, receiver: Receiver, sequences: list[int]) -> int:
        """The viewer misses packets. Where many get lost, what is sent again is sent twice: it may get lost too.

        A viewer asks again only after a round trip, and by then its picture stands.
        """
        if self.shown is None:
            return 0
        hub = self.hubs[self.shown]
        if _TWICE_LOSS < self._governor.loss < _TOO_MUCH_LOSS and receiver.rtx is not None:
            self._loop.call_later(_TWICE_S, self._resend_again, hub, receiver, sequences)
        return hub.resend(receiver, sequences)

    def _resend_again(self, hub: Hub, receiver: Receiver, sequences: list[int]) -> None:
        if self._receiver is receiver and self.shown is not None and self.hubs[self.shown] is hub:
            hub.resend(receiver, sequences)

    def media_time(self, receiver: Receiver, now_s: float) -> int | None:
        """The viewer's RTP time of now; None while nothing is shown."""
        return self.hubs[self.shown].media_time(receiver, now_s) if self.shown else None

    def sound_time(self, listener: Receiver, now_s: float) -> int | None:
        """The listener's RTP time of now; None while nothing is heard."""
        return self._heard.sound.media_time(listener, now_s) if self._heard else None

    def want_key_frame(self) -> None:
        """The viewer cannot decode on."""
        self._hub.want_key_frame()

    def report(self, report: LinkReport, now_s: float) -> None:
        """A receiver report came."""
        self._governor.report(report, now_s)
        self._follow(now_s)

    def estimate(self, bits_per_s: float, now_s: float) -> None:
        """The viewer estimates what its link carries."""
        needed = self.hubs[self.shown].rate.bits_per_s if self.shown else 0.0
        self._governor.estimate(bits_per_s, needed, now_s)
        self._follow(now_s)

    # What the worker says -------------------------------------------------------------------------------------------

    def ask(self, demand: Demand) -> None:
        """The viewer wants something else."""
        now_s = self._loop.time()
        self._governor.ask(demand, now_s)
        if self._receiver is not None:
            self._follow(now_s)

    def tick(self, now_s: float) -> None:
        """Time passes; call it at least twice a second."""
        if self._receiver is None:
            return
        self._governor.tick(now_s)
        if self._coming is not None:
            self._wait_on(self._coming, now_s)
        self._follow(now_s)
        if self._governor.wants_probe and self._probing is None:
            self._probe()
        self._let_go(now_s)

    def close(self) -> None:
        """Give everything back; idempotent."""
        self._end_probe()
        for hold in self._holds.values():
            hold.release()
        self._holds.clear()

    # Going from one to the other ------------------------------------------------------------------------------------

    def _follow(self, now_s: float) -> None:
        """Do what the governor wants, if that is new."""
        receiver, target = self._receiver, self._governor.target
        target = target if target in self.hubs else _OTHER[target]
        if receiver is None or target is self._towards:
            return
        self._towards = target
        if self._coming is not None:
            self.hubs[self._coming].leave(receiver)
            self._coming = None
        if self.shown is target:
            return
        self._hold(target, now_s)
        if self.shown is not None and self.why is Why.LINK:
            # What is sent into a full queue only delays the picture that is to come.
            self.hubs[self.shown].part(receiver)
            self.shown = None
        self._come(receiver, target, now_s)

    def _come(self, receiver: Receiver, target: Quality, now_s: float) -> None:
        """Begin with what is cached where the link takes that; else with a key picture, which is asked for."""
        hub = self.hubs[target]
        receiver.every = 1
        if self.why is Why.LINK:
            receiver.burst, receiver.every = _SLOW_BURST, _rests(hub.rate.bits_per_s)
        if self.shown is not None:
            is_cached = False  # the other one is shown until then
        elif self.why is Why.LINK:
            is_cached = hub.cached_bytes <= FALL_BYTES
        else:
            is_cached = self._is_near or hub.cached_bytes <= START_BYTES
        is_cached = is_cached and hub.cached_bytes > 0
        self._join(receiver, target, now_s, cached=is_cached)
        if not is_cached and hub.key_unit is not None:
            hub.want_key_frame()

    def _join(self, receiver: Receiver, target: Quality, now_s: float, *, cached: bool) -> None:
        self._coming, self._coming_since_s = target, now_s
        self.hubs[target].join(receiver, cached=cached, on_begin=functools.partial(self._begins, target))

    def _begins(self, target: Quality) -> None:
        """The first packet of this stream is about to be sent."""
        if self._receiver is not None and self.shown not in (None, target):
            self.hubs[self.shown].part(self._receiver)
        has_changed = self.shown is not target
        self.shown, self._coming = target, None
        self._hear(self.hubs[target])
        if has_changed:
            self._on_change()

    def _hear(self, hub: Hub | None) -> None:
        """The sound is that of the pictures."""
        if self._listener is None or hub is self._heard:
            return
        if self._heard is not None:
            self._heard.sound.part(self._listener)
        self._heard = hub
        if hub is not None:
            hub.sound.join(self._listener, self._audio)

    def _wait_on(self, coming: Quality, now_s: float) -> None:
        """It takes its time: begin with a long group of pictures after all, or go back."""
        receiver, waited_s = self._receiver, now_s - self._coming_since_s
        if receiver is None:
            return
        hub = self.hubs[coming]
        if self.shown is None and waited_s > _IMPATIENT_S and hub.cached_bytes > 0:
            hub.leave(receiver)
            self._join(receiver, coming, now_s, cached=True)
        elif waited_s > _GIVE_UP_S and len(self.hubs) > 1:
            log.info("%s does not come; the viewer goes on with the other stream", hub.source.key)
            self._governor.failed(now_s)

    def _hold(self, quality: Quality, now_s: float) -> None:
        self._needed_s[quality] = now_s
        if quality not in self._holds:
            self._holds[quality] = self.hubs[quality].hold()

    def _let_go(self, now_s: float) -> None:
        """Pull no stream for long that is not shown."""
        needed = {self.shown, self._coming, self._towards}
        for quality in tuple(self._holds):
            since_s = self._needed_s.setdefault(quality, now_s)
            if quality in needed:
                self._needed_s[quality] = now_s
            elif now_s - since_s > _KEEP_S:
                self._holds.pop(quality).release()

    # Probing --------------------------------------------------------------------------------------------------------

    def _probe(self) -> None:
        """For a fifth of a second send as much as the main stream would need beside what is sent now."""
        main, shown = self.hubs.get(Quality.MAIN), self._hub
        wanted = (main.rate.bits_per_s if main else 0.0) or _UNKNOWN_RATE
        more = max(_PROBE_MORE * wanted - shown.rate.bits_per_s, wanted / 4)
        steps = round(_PROBE_S / _PROBE_STEP_S)
        size = min(more * _PROBE_S / 8, _PROBE_MAX_BYTES) / steps
        self._probing = self._loop.call_later(0, self._probe_step, shown, size, steps, 0.0)

    def _probe_step(self, hub: Hub, size: float, left: int, debt: float) -> None:
        self._probing = None
        if self._receiver is None:
            return
        debt += size
        debt -= hub.pad(self._receiver, round(debt)) if debt >= 1 else 0
        if left > 1:
            self._probing = self._loop.call_later(_PROBE_STEP_S, self._probe_step, hub, size, left - 1, debt)
            return
        self._governor.probed(self._loop.time())
        self.on_probed()

    def _end_probe(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            self._probing = None


def _rests(sub_bits_per_s: float) -> int:
    """In one of how many passes a viewer gets a packet whose link is full of what it could not carry."""
    bits_per_s = max(_FALL_BITS_PER_S, _FALL_PACE * sub_bits_per_s)
    return max(1, round(_PACKET_BITS / (bits_per_s * PASS_S)))
