"""A media worker: hubs and viewers' sessions in a process of its own, driven over a socket by its parent.

`python -m streams.worker --wire-fd N --udp-host H --udp-port P --advertise IP,IP` is started by `streams.process`. It
ends when the socket does. Credentials come over the socket only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gc
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams import lifeline
from streams.errors import StreamError
from streams.figures import load_figures, stream_figures, worker_figures
from streams.hub import Client, Hub, HubEvent, hidden_error
from streams.load import Load
from streams.rtp.fanout import Fanout
from streams.rtsp.client import RtspClient
from streams.rtsp.origin import StreamSource, Transport
from streams.snapshot import SnapshotCache
from streams.tally import Joins, StreamTally
from streams.viewers import Place, Viewers, guarded
from streams.webrtc.adapter import InPlaceSealer, PacketSealer, check_contract
from streams.webrtc.addresses import BindError, bind_ports
from streams.webrtc.mux import UdpMux
from streams.wire import Handler, Payload, Peer

log = logging.getLogger("streams.worker")  # not __name__: it is "__main__" here

_LOG_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
_CLOSE_S = 3.0
_MAX_FILES = 16_384
_MAX_LAG_BYTES = 1 << 20
EXIT_BIND_FAILED = 3


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told at start. Times in seconds. `tcp`: serve viewers over TCP too, on the same port."""

    udp_host: str
    udp_port: int
    advertise: tuple[str, ...]
    linger_s: float = 10.0
    ready_s: float = 8.0
    snapshot_s: float = 10.0
    max_sessions: int = 500
    tcp: bool = False


class MediaWorker:
    """The hubs and sessions of one process and the requests that drive them.

    `tell(kind, payload)` carries events to the parent: session_state, session_quality, stream_state, key_wanted,
    datagram, load. Datagrams are dropped while `lags` says that the parent takes nothing; `unsent`: bytes that it has
    not taken.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        mux: UdpMux,
        port: int,
        sealer: PacketSealer,
        tell: Callable[[str, Payload], None],
        lags: Callable[[], bool] = lambda: False,
        connect: Callable[[StreamSource], Client] | None = None,
        unsent: Callable[[], int] = lambda: 0,
    ) -> None:
        self._unsent = unsent
        self._joins = Joins()
        self._load = Load(lambda: mux.sender.packets, lambda lag_s: tell("load", {"lag_s": lag_s}))
        self._settings = settings
        self._mux = mux
        self._port = port
        self._sealer = sealer
        self._tell = tell
        self._connect = connect or _rtsp_client
        self._snapshots = SnapshotCache()
        self._hubs: dict[str, Hub] = {}
        self._hidden: set[str] = set()
        place = Place(settings.advertise, port, settings.tcp, settings.max_sessions, settings.ready_s)
        self._viewers = Viewers(place, mux, self._hub, tell, lags)

    def start(self) -> None:
        """Begin to look after sessions."""
        self._load.start()
        self._viewers.start()

    @property
    def handlers(self) -> dict[str, Handler]:
        """The requests, by kind."""
        return {
            **self._viewers.handlers,
            "close_stream": guarded(self._close_stream),
            "snapshot": guarded(self._snapshot),
            "stats": guarded(self._stats),
        }

    def take(self, kind: str, payload: Payload, _: bytes = b"") -> None:
        """An event of the parent's: hide (prefix, hidden), or datagram (session_id, text)."""
        if kind == "hide":
            self._hide(str(payload["prefix"]), hidden=bool(payload["hidden"]))
        elif kind == "datagram":
            self._viewers.send_text(str(payload["session_id"]), str(payload["text"]))

    def _hide(self, prefix: str, *, hidden: bool) -> None:
        (self._hidden.add if hidden else self._hidden.discard)(prefix)
        for key, hub in self._hubs.items():
            if key.startswith(prefix):
                self._snapshots.forget(key)
                self._draw_curtain(hub)

    def _draw_curtain(self, hub: Hub) -> None:
        if any(map(hub.source.key.startswith, self._hidden)):
            hub.hide()
        else:
            hub.show()

    async def close(self) -> None:
        """Say goodbye to every viewer and stop every pull."""
        self._load.stop()
        await self._viewers.close()
        await asyncio.gather(*(hub.close() for hub in self._hubs.values()))

    async def _close_stream(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        key = str(payload["key"])
        hub = self._hubs.pop(key, None)
        if hub:
            await self._viewers.close_stream(key)
            await hub.close()
        return {}, b""

    async def _snapshot(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        hub = self._hub(StreamSource(**payload["source"]))
        hold, hidings = hub.hold(), hub.curtain.hidings
        try:
            find = functools.partial(hub.next_key_unit, self._settings.snapshot_s)
            jpeg = await self._snapshots.get(hub.source.key, find)
            if hub.curtain.is_hidden or hub.curtain.hidings != hidings:
                raise hidden_error()  # while it was being made
            return {}, jpeg
        finally:
            hold.release()

    async def _stats(self, _: Payload, __: bytes) -> tuple[Payload, bytes]:
        figures = worker_figures(self._mux, self._viewers.sessions, self._viewers.texts)
        figures |= load_figures(self._load.figures, self._joins, self._unsent())
        in_place = isinstance(self._sealer, InPlaceSealer)
        streams = [stream_figures(hub, self._viewers.losses(hub)) for hub in self._hubs.values()]
        resent = sum(hub.tally.sent().resent for hub in self._hubs.values())
        more = {"udp_port": self._port, "srtp_in_place": in_place, "packets_resent": resent, "streams": streams}
        return figures | more, b""

    def _hub(self, source: StreamSource) -> Hub:
        hub = self._hubs.get(source.key)
        if hub is None:
            fanout = Fanout(self._sealer, self._mux.sender, asyncio.get_running_loop())
            linger_s, tally = self._settings.linger_s, StreamTally(self._joins)
            hub = Hub(source, self._connect, fanout, linger_s=linger_s, on_event=self._stream_changed, tally=tally)
            self._draw_curtain(hub)
            self._hubs[source.key] = hub
        hub.change_source(source)
        return hub

    def _stream_changed(self, event: HubEvent) -> None:
        if event.wants_key:
            self._tell("key_wanted", {"key": event.key})
            return
        if event.new_codec:
            self._viewers.close_soon(event.key, "the camera changed its codec")
            return
        error = event.error
        payload = {
            "key": event.key,
            "state": event.state.value,
            "fault": error.fault.value if error else None,
            "b_frames": event.has_b_frames,
        }
        self._tell("stream_state", payload | _error_facts(error))


def _rtsp_client(source: StreamSource) -> Client:
    return RtspClient(
        source.url,
        source.address,
        source.username,
        source.password,
        transport=Transport(source.transport),
        tls_fingerprint=source.tls_fingerprint,
        name=source.key,
    )


def _error_facts(error: StreamError | None) -> Payload:
    if error is None:
        return {"detail": ""}
    return {"detail": error.detail, "codec": error.codec} if error.codec else {"detail": error.detail}


async def serve(settings: WorkerSettings, connection: socket.socket) -> int:
    """Run a worker until the connection to its parent ends; the process's exit code."""
    peer = Peer(connection)
    await peer.start()
    try:
        udp, tcp = bind_ports(settings.udp_host, settings.udp_port, tcp=settings.tcp)
    except BindError as error:
        where = {"host": settings.udp_host, "port": settings.udp_port, "transport": error.transport}
        peer.event("bind_failed", {**where, "errno": error.errno, "detail": error.strerror})
        await peer.close()
        return EXIT_BIND_FAILED
    port = int(udp.getsockname()[1])
    mux = UdpMux(udp, tcp)
    sealer = await check_contract()
    worker = MediaWorker(
        settings, mux, port, sealer, peer.event, lambda: peer.unsent_bytes > _MAX_LAG_BYTES,
        unsent=lambda: peer.unsent_bytes,
    )  # fmt: skip
    peer.serve(worker.handlers, worker.take)
    await mux.start()
    worker.start()
    gc.freeze()  # what is there now stays: collections need not look at it again
    peer.event("ready", {"udp_port": port, "pid": os.getpid()})
    kinds = "UDP and TCP" if tcp else "UDP"
    log.info("media worker %d on %s %s port %d, %s", os.getpid(), kinds, settings.udp_host, port, type(sealer).__name__)
    await peer.closed.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            await worker.close()
    mux.close()
    await peer.close()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m streams.worker")
    parser.add_argument("--wire-fd", type=int, required=True, help="descriptor of a connected Unix stream socket")
    parser.add_argument("--udp-host", required=True)
    parser.add_argument("--udp-port", type=int, required=True)
    parser.add_argument("--advertise", required=True, help="IPs for the viewers, comma-separated, best first")
    parser.add_argument("--linger-s", type=float, default=10.0)
    parser.add_argument("--ready-s", type=float, default=8.0)
    parser.add_argument("--max-sessions", type=int, default=500)
    parser.add_argument("--tcp", action="store_true", help="serve viewers over TCP too, on the same port number")
    parser.add_argument("--log-level", type=int, default=logging.INFO, help="a number of the logging module")
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=options.log_level, format=_LOG_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    logging.Formatter.converter = time.gmtime
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    connection = socket.socket(fileno=options.wire_fd)
    settings = WorkerSettings(
        udp_host=options.udp_host,
        udp_port=options.udp_port,
        advertise=tuple(filter(None, options.advertise.split(","))),
        linger_s=options.linger_s,
        ready_s=options.ready_s,
        max_sessions=options.max_sessions,
        tcp=options.tcp,
    )
    if settings.tcp:
        _allow_connections()
    lifeline.watch(options.wire_fd, _parent_ended)
    return asyncio.run(serve(settings, connection))


def _allow_connections() -> None:
    """A viewer over TCP takes a descriptor, and many systems give a process no more than 1024 unasked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _parent_ended() -> None:
    """The event loop has noticed too and says goodbye; this makes sure."""
    time.sleep(_CLOSE_S + 1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
