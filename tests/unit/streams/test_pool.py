"""What the pool says to its workers; with workers that are lists."""

from __future__ import annotations

import socket

import pytest

from streams.errors import StreamError, StreamFault
from streams.exchange import Exchange
from streams.keeper import restart_delay_s
from streams.launch import Launcher
from streams.placement import place
from streams.pool import MediaPool, RestreamAccount, RestreamSettings
from streams.process import PoolFailedError, WorkerProcess
from streams.rtsp.origin import StreamSource
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
    pool._sessions["s"] = (pool._workers[1], "cam-1/main")
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


def test_who_owns_a_stream_speaks_to_the_camera_and_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Payload] = []
    pool = MediaPool(2, "127.0.0.1", 0, ["127.0.0.1"], on_event=events.append)
    lists = Lists(pool, monkeypatch)
    owner = place("cam-1/main", 2)
    for kind in ("key_wanted", "stream_state"):
        pool._heard(1 - owner, {"type": kind, "key": "cam-1/main", "state": "waiting"})
    assert events == []
    assert lists.told[owner] == [("want_key", {"key": "cam-1/main"})]
    assert lists.told[1 - owner] == []
    pool._heard(owner, {"type": "key_wanted", "key": "cam-1/main"})
    pool._heard(1 - owner, {"type": "session_state", "state": "closed", "session_id": "s"})
    assert [event["type"] for event in events] == ["key_wanted", "session_state"]


def test_only_what_changed_of_the_accounts_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = MediaPool(2, "127.0.0.1", 0, ["127.0.0.1"], restream=RestreamSettings("127.0.0.1", 0))
    lists = Lists(pool, monkeypatch)
    first, second = (RestreamAccount(name, {"MD5": "x"}, frozenset({"cam-1/main"})) for name in ("a", "b"))
    pool.set_restream_accounts({"a": first, "b": second})
    assert [payload["name"] for _, payload in lists.told[0]] == ["a", "b"]
    lists.told[0].clear()
    pool.set_restream_accounts({"a": first, "b": RestreamAccount("b", {"MD5": "x"})})
    assert lists.told[0] == [("restream_allow", {"name": "b", "hashes": {"MD5": "x"}, "keys": []})]
    lists.told[0].clear()
    pool.set_restream_accounts({})
    assert sorted(payload["name"] for kind, payload in lists.told[0] if kind == "restream_forget") == ["a", "b"]
    assert lists.told[1] == []


async def test_a_new_process_that_does_not_take_what_it_is_told_has_not_come_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exchange = Exchange(1, None)
    exchange._lent[0]["cam-1/main"] = StreamSource("cam-1/main", "rtsp://x/", "192.0.2.1")
    monkeypatch.setattr(exchange, "_listening", [FakeListening()])
    worker = WorkerProcess(0, 0, Launcher([]), lambda event: None)
    asked: list[str] = []

    async def request(kind: str, payload: Payload, timeout_s: float) -> tuple[Payload, bytes]:
        asked.append(kind)
        raise StreamError(StreamFault.OVERLOADED, "it died again")

    monkeypatch.setattr(worker, "request", request)
    with pytest.raises(PoolFailedError, match="died again"):
        await exchange.greet(worker)
    assert asked == ["lend"]


class FakeListening:
    def fileno(self) -> int:
        return 7


def test_the_first_death_costs_no_wait_and_many_do() -> None:
    assert restart_delay_s([100.0], 100.0) == 0.0
    assert restart_delay_s([100.0, 101.0], 101.0) == pytest.approx(0.4)
    assert restart_delay_s([0.0, 10.0, 500.0], 500.0) == 0.0, "what is long ago does not count"
    assert restart_delay_s([1.0, 2.0, 3.0, 4.0, 5.0], 5.0) <= 5.0
