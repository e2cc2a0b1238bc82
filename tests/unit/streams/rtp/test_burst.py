from __future__ import annotations

import errno
from typing import Any, cast

import pytest

from streams.rtp.burst import BurstSender

HOME = ("192.0.2.1", 4000)


class FakeSocket:
    """Takes datagrams; fails as told."""

    def __init__(self, block_errors: list[int] | None = None, *, full: bool = False) -> None:
        self.block_errors = block_errors or []
        self.full = full
        self.blocks: list[tuple[bytes, int]] = []
        self.datagrams: list[bytes] = []

    def sendmsg(self, buffers: Any, ancillary: Any, flags: int, address: object) -> int:
        if self.full:
            raise BlockingIOError
        if self.block_errors:
            raise OSError(self.block_errors.pop(0), "told so")
        ((level, kind, stride),) = ancillary
        assert (level, kind) == (17, 103)
        self.blocks.append((bytes(buffers[0]), int.from_bytes(stride, "little")))
        return len(buffers[0])

    def sendto(self, data: bytes, address: object) -> int:
        if self.full:
            raise BlockingIOError
        self.datagrams.append(bytes(data))
        return len(data)


BLOCK = memoryview(b"aaaabbbbcc")


def sender_on(sock: FakeSocket) -> BurstSender:
    return BurstSender(cast("Any", sock))


def test_a_run_is_one_call() -> None:
    sock = FakeSocket()
    sender = sender_on(sock)
    assert sender.send_run(BLOCK, 4, 3, HOME) == 3
    assert sock.blocks == [(b"aaaabbbbcc", 4)]
    assert (sender.packets, sender.bytes) == (3, 10)


def test_a_single_packet_needs_no_block() -> None:
    sock = FakeSocket()
    assert sender_on(sock).send_run(BLOCK[:4], 4, 1, HOME) == 1
    assert sock.datagrams == [b"aaaa"]


@pytest.mark.parametrize("code", [errno.EIO, errno.EINVAL, errno.EMSGSIZE])
def test_what_cannot_go_as_a_block_goes_one_by_one(code: int) -> None:
    sock = FakeSocket([code])
    sender = sender_on(sock)
    assert sender.send_run(BLOCK, 4, 3, HOME) == 3
    assert sock.datagrams == [b"aaaa", b"bbbb", b"cc"]
    assert sender.is_gso is (code != errno.EIO)


def test_blocks_that_never_work_are_not_tried_for_ever() -> None:
    sock = FakeSocket([errno.EINVAL] * 8)
    sender = sender_on(sock)
    for _ in range(9):
        assert sender.send_run(BLOCK, 4, 3, HOME) == 3
    assert not sender.is_gso
    assert len(sock.datagrams) == 27


def test_a_single_refusal_among_successes_keeps_blocks() -> None:
    sock = FakeSocket()
    sender = sender_on(sock)
    for _ in range(20):
        sock.block_errors = [errno.EMSGSIZE]
        sender.send_run(BLOCK, 4, 3, HOME)
        sender.send_run(BLOCK, 4, 3, HOME)
    assert sender.is_gso


def test_a_full_queue_is_counted_as_drops() -> None:
    sender = sender_on(FakeSocket(full=True))
    assert sender.send_run(BLOCK, 4, 3, HOME) == 0
    assert sender.send(b"x", HOME) == 0
    assert (sender.dropped, sender.packets) == (4, 0)


def test_a_network_that_is_gone_is_counted_as_failures() -> None:
    sender = sender_on(FakeSocket([errno.ENETUNREACH]))
    assert sender.send_run(BLOCK, 4, 3, HOME) == 0
    assert (sender.failed, sender.is_gso) == (3, True)
