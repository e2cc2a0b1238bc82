"""Which of a camera's streams a viewer can be shown: those of one codec that the viewer takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from streams.errors import StreamError, StreamFault
from streams.hub import Hold, Hub
from streams.quality import Demand, Quality
from streams.rtp.audio import AudioFormat
from streams.rtp.codecs import words_of
from streams.rtp.frames import VideoFormat

_OTHER_S = 0.5  # what the answer waits for the second stream's codec when the first one's is known


@dataclass(frozen=True, slots=True)
class Ladder:
    """The streams a viewer may be moved between, and what they send."""

    hubs: dict[Quality, Hub]
    video: VideoFormat

    @property
    def audio(self) -> AudioFormat | None:
        """The sound of the first one that has any."""
        return next((hub.sound.format for hub in self.hubs.values() if hub.sound.format), None)


def wanted_first(hubs: Mapping[Quality, Hub], demand: Demand) -> Quality:
    """The stream that a viewer is to be shown if its codec is taken."""
    return Quality.SUB if demand.wants is Quality.SUB and Quality.SUB in hubs else Quality.MAIN


def hold_needed(hubs: Mapping[Quality, Hub], demand: Demand) -> dict[Quality, Hold]:
    """Pull the streams that this viewer may soon need, and those of which nobody knows yet what they send."""
    first = wanted_first(hubs, demand)
    needed = [each for each in hubs if each is first or demand.wants is None or hubs[each].format is None]
    return {quality: hubs[quality].hold() for quality in needed}


async def find_ladder(
    hubs: Mapping[Quality, Hub], demand: Demand, takes: Callable[[str], bool], ready_s: float
) -> Ladder:
    """Wait until it is known what the streams send. Call it while having what `hold_needed` gives.

    The stream that is wanted comes first; when the viewer does not take its codec, the other one is shown. The other
    one joins the ladder if it has the same codec and says so in time.

    Raises:
        StreamError: why the wanted stream cannot be had; CODEC, naming what the camera sends, when the viewer takes
            neither.
    """
    first = wanted_first(hubs, demand)
    others = [quality for quality in hubs if quality is not first]
    waiting = [asyncio.create_task(_format(hubs[quality], ready_s)) for quality in others]
    try:
        found = {first: await _format(hubs[first], ready_s)}
        is_taken = _codec(found[first], takes) is not None
        if waiting:
            await asyncio.wait(waiting, timeout=_OTHER_S if is_taken else ready_s)
        found |= {quality: task.result() for quality, task in zip(others, waiting, strict=True) if task.done()}
    finally:
        for task in waiting:
            task.cancel()
    return _choose(hubs, found, takes)


def _choose(
    hubs: Mapping[Quality, Hub], found: Mapping[Quality, VideoFormat | StreamError], takes: Callable[[str], bool]
) -> Ladder:
    for outcome in found.values():
        codec = _codec(outcome, takes)
        if codec is not None and isinstance(outcome, VideoFormat):
            same = {quality: hubs[quality] for quality, each in found.items() if _codec(each, takes) == codec}
            return Ladder(same, outcome)
    outcome = next(iter(found.values()))
    if isinstance(outcome, StreamError):
        raise outcome
    detail = f"the camera sends {words_of(outcome.codec)}, which this viewer does not take by WebRTC"
    raise StreamError(StreamFault.CODEC, detail, codec=outcome.codec)


def _codec(outcome: VideoFormat | StreamError, takes: Callable[[str], bool]) -> str | None:
    return outcome.codec if isinstance(outcome, VideoFormat) and takes(outcome.codec) else None


async def _format(hub: Hub, ready_s: float) -> VideoFormat | StreamError:
    try:
        return await hub.ready(ready_s)
    except StreamError as error:
        return error
