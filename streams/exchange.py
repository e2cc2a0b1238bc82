"""The parent's side of relay and re-stream: listening sockets that outlive workers, the secret, who was told what."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from streams.process import PoolFailedError, WorkerProcess
from streams.relay import relay_source
from streams.restream import RestreamAccount, RestreamLimits
from streams.rtsp.origin import StreamSource
from streams.wire import Payload

_REQUEST_S = 5.0
_BACKLOG = 512
RESTREAM_WORKER = 0


@dataclass(frozen=True, slots=True)
class RestreamSettings:
    """Where the public RTSP server listens, and for which Digest realm accounts' hashes are made."""

    host: str
    port: int
    realm: str = "camctl"
    limits: RestreamLimits = field(default_factory=RestreamLimits)


class RestreamPortError(OSError):
    """The re-stream's port cannot be had; `port` is the number, `is_taken` whether because another program has it."""

    def __init__(self, host: str, port: int, detail: str, *, is_taken: bool) -> None:
        super().__init__(f"TCP port {port} on {host} cannot be had: {detail}. Choose another one for the re-stream.")
        self.port = port
        self.is_taken = is_taken
        self.detail = detail


class Exchange:
    """What lets workers take streams from each other, and one of them serve integrators.

    The sockets are the parent's: a worker that is replaced keeps its addresses, and who connects meanwhile waits.
    """

    def __init__(self, workers: int, restream: RestreamSettings | None) -> None:
        self._restream = restream
        self._secret = secrets.token_urlsafe(32)
        self._listening: list[socket.socket] = []
        self._public: socket.socket | None = None
        self._lent: list[dict[str, StreamSource]] = [{} for _ in range(workers)]
        self._locks = [asyncio.Lock() for _ in range(workers)]
        self._accounts: dict[str, RestreamAccount] = {}

    @property
    def restream_port(self) -> int | None:
        """The TCP port of the re-stream, if it is served."""
        return self._public.getsockname()[1] if self._public else None

    def open(self) -> list[int]:
        """Listen; the descriptors that every worker has to inherit.

        Raises:
            RestreamPortError: the public port is taken, or there is no such address.
        """
        try:
            self._listening = [_listen("127.0.0.1", 0) for _ in self._lent]
            if self._restream:
                self._public = _listen_public(self._restream)
        except BaseException:
            self.close()
            raise
        return [item.fileno() for item in (*self._listening, *filter(None, (self._public,)))]

    def close(self) -> None:
        """Give the ports back; idempotent."""
        for item in (*self._listening, *filter(None, (self._public,))):
            item.close()
        self._listening, self._public = [], None

    async def greet(self, worker: WorkerProcess) -> None:
        """Tell a new process what it lends and to whom, and let it serve.

        Raises:
            PoolFailedError: it cannot.
        """
        payload: Payload = {
            "relay": {"fd": self._listening[worker.index].fileno(), "secret": self._secret},
            "restream": None,
        }
        if self._restream and self._public and worker.index == RESTREAM_WORKER:
            for account in self._accounts.values():
                _allow(worker, account)
            limits = asdict(self._restream.limits)
            payload["restream"] = {"fd": self._public.fileno(), "realm": self._restream.realm, "limits": limits}
        try:
            await asyncio.gather(*(self._lend(worker, source) for source in tuple(self._lent[worker.index].values())))
            await worker.request("serve", payload, _REQUEST_S)
        except Exception as error:
            raise PoolFailedError(f"media worker {worker.index} cannot serve the others: {error}") from error

    async def route(self, worker: WorkerProcess, owner: WorkerProcess, source: StreamSource) -> StreamSource:
        """Where this worker pulls the stream from: the camera if it owns it, else the owner, which is told of it.

        Raises:
            StreamError: the owner does not answer.
        """
        if worker is owner:
            return source
        lent = self._lent[owner.index]
        async with self._locks[owner.index]:
            if lent.get(source.key) != source:
                await self._lend(owner, source)
                lent[source.key] = source
        port: int = self._listening[owner.index].getsockname()[1]
        return relay_source(source, port, self._secret)

    def recall(self, key: str) -> None:
        """The stream is closed: nobody lends it any more."""
        for lent in self._lent:
            lent.pop(key, None)

    def set_accounts(self, accounts: Mapping[str, RestreamAccount], workers: Sequence[WorkerProcess]) -> None:
        """Let exactly these accounts play; only what changed is told."""
        before, self._accounts = self._accounts, dict(accounts)
        if not self._restream:
            return
        worker = workers[RESTREAM_WORKER]
        for name in before.keys() - accounts.keys():
            worker.tell("restream_forget", {"name": name})
        for account in accounts.values():
            if before.get(account.name) != account:
                _allow(worker, account)

    async def _lend(self, owner: WorkerProcess, source: StreamSource) -> None:
        await owner.request("lend", {"source": asdict(source)}, _REQUEST_S)


def _allow(worker: WorkerProcess, account: RestreamAccount) -> None:
    payload: dict[str, Any] = {
        "name": account.name,
        "hashes": dict(account.hashes),
        "keys": sorted(account.keys),
    }
    worker.tell("restream_allow", payload)


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.create_server((host, port), backlog=_BACKLOG)
    listening.setblocking(False)
    return listening


def _listen_public(settings: RestreamSettings) -> socket.socket:
    try:
        return _listen(settings.host, settings.port)
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        detail = error.strerror or str(error)
        raise RestreamPortError(settings.host, settings.port, detail, is_taken=is_taken) from None
