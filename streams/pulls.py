"""What a hub is made of and what it tells: its state, one pull, the reasons to keep pulling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from streams.errors import StreamError, StreamFault
from streams.rtp.audio import AudioFormat, AudioPacket
from streams.rtp.frames import AccessUnit, VideoFormat
from streams.rtsp.client import ClientCounters


class HubState(StrEnum):
    """What a hub is doing."""

    IDLE = "idle"  # nobody watches
    CONNECTING = "connecting"
    LIVE = "live"  # pictures come
    WAITING = "waiting"  # failed; will try again


class Client(Protocol):
    """One pull, as `streams.rtsp.client.RtspClient` does it."""

    @property
    def counters(self) -> ClientCounters:
        """What came so far."""

    @property
    def audio(self) -> AudioFormat | None:
        """The sound that comes beside the video, once opened."""

    async def open(self) -> VideoFormat:
        """Connect and describe; raises StreamError."""

    async def play(
        self,
        on_unit: Callable[[AccessUnit], None],
        /,
        *,
        on_playing: Callable[[], None],
        on_dropped: Callable[[], None],
        on_sound: Callable[[AudioPacket], None],
    ) -> None:
        """Call `on_unit` with every access unit, `on_sound` with every packet of sound, until closed.

        Raises:
            StreamError: why it ended.
        """

    async def close(self) -> None:
        """End it; idempotent."""


@dataclass(frozen=True, slots=True)
class HubEvent:
    """A change worth telling.

    `error` is why it waits, `wants_key` that viewers cannot decode on, `new_codec` that they will get what they did not
    agree to, `has_b_frames` that the pictures jerk in browsers.
    """

    key: str
    state: HubState
    error: StreamError | None = None
    wants_key: bool = False
    new_codec: bool = False
    has_b_frames: bool = False


class Hold:
    """A reason to keep pulling: a viewer or a snapshot. Release it once; more is harmless."""

    def __init__(self, on_release: Callable[[], None]) -> None:
        self._on_release: Callable[[], None] | None = on_release

    def release(self) -> None:
        """The reason is gone."""
        callback, self._on_release = self._on_release, None
        if callback:
            callback()


def hidden_error() -> StreamError:
    """Why there is no picture of a hidden stream."""
    return StreamError(StreamFault.HIDDEN, "the pictures of this stream are withheld now")
