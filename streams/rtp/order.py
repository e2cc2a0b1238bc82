"""Whether a stream has B-frames: pictures that are decoded after one that is shown later. Pure."""

from __future__ import annotations

from collections import deque

from streams.rtp.frames import VIDEO_CLOCK_HZ

_MOST_BACK = VIDEO_CLOCK_HZ  # a picture is never decoded a second late; further back a clock was set
_STEPS = 3
_WITHIN_S = 10.0


class PictureOrder:
    """Notices RTP timestamps that go back from one picture to the next, again and again.

    Browsers show a picture as soon as it is decoded, so a stream with B-frames jerks, and no receiver can mend that.
    """

    def __init__(self) -> None:
        self.has_b_frames = False
        self._last: int | None = None
        self._steps_s: deque[float] = deque(maxlen=_STEPS)

    def note(self, timestamp: int, arrived_s: float) -> bool:
        """Take the next picture in decoding order, `timestamp` unwrapped; True once, when it is clear."""
        last, self._last = self._last, timestamp
        if self.has_b_frames or last is None or not 0 < last - timestamp <= _MOST_BACK:
            return False
        self._steps_s.append(arrived_s)
        # A clock that is set back does it once; B-frames do it several times a second.
        self.has_b_frames = len(self._steps_s) == _STEPS and arrived_s - self._steps_s[0] <= _WITHIN_S
        return self.has_b_frames
