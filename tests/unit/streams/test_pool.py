"""What the pool says to its workers; with workers that are lists."""

from __future__ import annotations

import socket

import pytest

from streams.launch import Launcher
from streams.pool import MediaPool
from streams.process import WorkerProcess
from streams.wire import Payload, Peer


class Lists:
    def __init__(self, pool: MediaPool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[list[tuple[str, Payload]]] = [[] for _ in pool._workers]
        for worker, told in zip(pool._workers, self.told, strict=True):

            def tell(kind: str, payload: Payload, told: list[tuple[str, Payload]] = told, **_: bool) -> None:
                told.append((kind, payload))

            monkeypatch.setattr(worker, "tell", tell)


def test_all_workers_are_told_what_is_hidden_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = MediaPool(2, "127.0.0.1", 0, ["127.0.0.1"])
    lists = Lists(pool, monkeypatch)
    pool.hide("cam-1/", False)
    pool.hide("cam-1/", True)
    pool.hide("cam-1/", True)
    assert all(worker._hidden == {"cam-1/"} for worker in pool._workers)
    pool.hide("cam-1/", False)
    expected = [("hide", {"prefix": "cam-1/", "hidden": hidden}) for hidden in (True, False)]
    assert lists.told == [expected, expected]
    assert not any(worker._hidden for worker in pool._workers)


def test_datagrams_go_to_the_worker_of_the_session_and_bad_ones_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = MediaPool(2, "127.0.0.1", 0, ["127.0.0.1"])
    lists = Lists(pool, monkeypatch)
    pool._sessions["s"] = pool._workers[1]
    for session_id, text in (("s", "yes"), ("gone", "no"), ("s", "x" * 4097), ("s", "\ud800")):
        pool.send_datagram(session_id, text)
    assert lists.told == [[], [("datagram", {"session_id": "s", "text": "yes"})]]


@pytest.mark.enable_socket
async def test_a_worker_that_takes_nothing_is_spared_datagrams_but_told_what_is_hidden() -> None:
    ours, theirs = socket.socketpair()
    worker = WorkerProcess(0, 0, Launcher([]), lambda event: None)
    worker.tell("hide", {"prefix": "", "hidden": True})  # down: nothing to tell
    worker._peer = Peer(ours)
    await worker._peer.start()
    worker.up.set()
    for _ in range(1000):
        worker.tell("datagram", {"session_id": "s", "text": "x" * 4000}, may_drop=True)
    waiting = worker._peer.unsent_bytes
    assert 1 << 20 < waiting < (1 << 20) + 10_000
    worker.tell("hide", {"prefix": "cam-1/", "hidden": True})
    assert worker._peer.unsent_bytes > waiting
    await worker._peer.close()
    assert worker._peer.unsent_bytes == 0
    theirs.close()
