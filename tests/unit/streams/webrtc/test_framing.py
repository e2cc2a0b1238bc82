from __future__ import annotations

import pytest

from streams.webrtc.framing import (
    MAX_FRAME_BYTES,
    MAX_UNSENT_BYTES,
    MAX_WAIT_S,
    RESUME_S,
    Backlog,
    Deframer,
    FrameTooLongError,
    frame,
    frame_run,
)


def test_a_run_becomes_its_datagrams_again() -> None:
    block = memoryview(b"aaaabbbbcc")
    framed = frame_run(block, 4)
    assert framed == b"\0\4aaaa\0\4bbbb\0\2cc"
    assert frame_run(block[:8], 4) == b"\0\4aaaa\0\4bbbb"
    assert list(Deframer().feed(framed)) == [b"aaaa", b"bbbb", b"cc"]
    assert frame(b"xyz") == b"\0\3xyz"


def test_frames_come_whole_however_they_are_cut() -> None:
    framed = frame(b"one") + frame(b"two") + b"\0\0" + frame(b"three")
    for step in range(1, len(framed)):
        deframer = Deframer()
        found = [item for at in range(0, len(framed), step) for item in deframer.feed(framed[at : at + step])]
        assert found == [b"one", b"two", b"three"]


def test_a_frame_that_no_viewer_sends_is_refused_before_it_has_come() -> None:
    assert len(next(Deframer().feed(frame(bytes(MAX_FRAME_BYTES))))) == MAX_FRAME_BYTES
    with pytest.raises(FrameTooLongError):
        list(Deframer().feed(b"\x08\x01"))
    with pytest.raises(FrameTooLongError):
        list(Deframer().feed(b"GET / HTTP/1.1\r\n\r\n"))


def test_a_burst_may_wait_but_not_for_long() -> None:
    backlog = Backlog()
    for _ in range(4):
        assert backlog.admits(0, 10.0)
        backlog.wrote(100_000, 10.0)
    assert backlog.admits(400_000, 10.0 + MAX_WAIT_S)
    assert not backlog.admits(100_000, 10.1 + MAX_WAIT_S)


def test_what_is_shut_opens_when_little_waits() -> None:
    backlog = Backlog()
    for step in range(20):
        backlog.wrote(1000, 10 + step / 10)
    assert not backlog.admits(20_000, 12.0)
    assert not backlog.admits(10_000, 12.0)  # what was written at 11.0 waits
    assert backlog.admits(1000, 11.9 + RESUME_S)
    assert backlog.admits(1000, 11.8 + MAX_WAIT_S)


def test_no_more_waits_than_memory_may_hold() -> None:
    backlog = Backlog()
    backlog.wrote(MAX_UNSENT_BYTES + 1, 10.0)
    assert not backlog.admits(MAX_UNSENT_BYTES + 1, 10.0)
    assert backlog.admits(MAX_UNSENT_BYTES, 10.0)
    backlog.clear()
    assert backlog.admits(0, 99.0)
