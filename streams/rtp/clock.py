"""Counters that wrap, made to grow: RTP sequence numbers (16 bits), RTP timestamps (32 bits), and NTP time."""

from __future__ import annotations

from streams.rtp.frames import VIDEO_CLOCK_HZ

_STEP_S = 1.0
_NTP_UNIX_OFFSET_S = 2_208_988_800  # 1900-01-01 to 1970-01-01, RFC 868


class Unwrapper:
    """Turns a wrapping counter of `bits` bits into one that does not wrap.

    The first value is returned as it is; every later one lands within half a period of the one before, so reordering
    and small steps back are harmless. A result may be negative when the first values arrive out of order.
    """

    __slots__ = ("_half", "_last", "_mask")

    def __init__(self, bits: int) -> None:
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """The counter as an integer of any size."""
        if self._last is None:
            self._last = value
        else:
            self._last += ((value - self._last + self._half) & self._mask) - self._half
        return self._last


class Timeline:
    """Timestamps of one stream in 1/`clock_hz` s, continuous even when the sender starts anew.

    Cameras pick a new SSRC and a new random base when their encoder restarts; `restart` makes the next timestamp
    continue where the last one was, plus the time that passed on our clock.
    """

    __slots__ = ("_at_s", "_clock_hz", "_last", "_offset", "_restarted", "_unwrapper")

    def __init__(self, clock_hz: int = VIDEO_CLOCK_HZ) -> None:
        self._clock_hz = clock_hz
        self._unwrapper = Unwrapper(32)
        self._offset = 0
        self._last: int | None = None
        self._at_s = 0.0
        self._restarted = False

    def restart(self) -> None:
        """The next timestamp has a new base."""
        self._unwrapper = Unwrapper(32)
        self._restarted = self._last is not None

    def at(self, timestamp: int, now_s: float) -> int:
        """The unwrapped time of a 32-bit `timestamp` that arrived at `now_s` (monotonic)."""
        unwrapped = self._unwrapper.unwrap(timestamp)
        if self._restarted and self._last is not None:
            elapsed = max(1, round((now_s - self._at_s) * self._clock_hz))
            self._offset = self._last + elapsed - unwrapped
            self._restarted = False
        self._last, self._at_s = unwrapped + self._offset, now_s
        return self._last


def is_jump(before: tuple[int, float], now: tuple[int, float], clock_hz: int = VIDEO_CLOCK_HZ) -> bool:
    """Whether a camera's clock was set between two pictures, each an unwrapped timestamp and when it came (seconds).

    Pictures that come late are none: what waited in the network comes in a burst. B-frames go back by less.
    """
    step_s = (now[0] - before[0]) / clock_hz
    return step_s < -_STEP_S or step_s - (now[1] - before[1]) > _STEP_S


def ntp_time(unix_s: float) -> int:
    """Unix time in seconds as a 64-bit NTP timestamp: 32 bits of seconds, 32 of fraction (RFC 3550 section 4)."""
    return round((unix_s + _NTP_UNIX_OFFSET_S) * (1 << 32)) & 0xFFFF_FFFF_FFFF_FFFF


def ntp_middle(ntp: int) -> int:
    """The middle 32 bits of an NTP timestamp, in 1/65536 s, as reports carry it."""
    return (ntp >> 16) & 0xFFFF_FFFF


def round_trip_s(now_ntp: int, last_sr: int, delay: int) -> float | None:
    """The round trip that a report block tells (RFC 3550 section 6.4.1); None when it answers no sender report.

    `now_ntp` is the 64-bit time at which it came, `last_sr` and `delay` are the block's, in 1/65536 s.
    """
    if not last_sr:
        return None
    ticks = (ntp_middle(now_ntp) - last_sr - delay) & 0xFFFF_FFFF
    return ticks / 65_536 if ticks < 1 << 31 else 0.0  # a clock that is a little off
