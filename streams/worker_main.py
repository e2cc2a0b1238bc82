"""A media worker's process: what it is and whom it serves comes over the socket to its parent, with which it ends.

`python -m streams.worker_main --wire-fd N --udp-host H --advertise IP,IP` is started by `streams.launch` and waits
until it is told `begin`. No credential is ever in its arguments.
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
from collections.abc import Awaitable, Callable, Sequence

from streams import lifeline
from streams.errors import StreamError, StreamFault
from streams.rtsp.origin import StreamSource
from streams.webrtc.adapter import check_contract
from streams.webrtc.addresses import BindError, bind_ports
from streams.webrtc.mux import UdpMux
from streams.wire import Payload, Peer, WireError
from streams.worker import MediaWorker, WorkerSettings

log = logging.getLogger("streams.worker")  # not __name__: it is "__main__" here

_LOG_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
_CLOSE_S = 3.0
_MAX_FILES = 16_384
_MAX_LAG_BYTES = 1 << 20
EXIT_BIND_FAILED = 3


async def serve(settings: WorkerSettings, connection: socket.socket) -> int:
    """Run a worker until the connection to its parent ends; the process's exit code.

    It is nobody until the parent says `begin`: a spare one may wait for that a long time.
    """
    peer = Peer(connection)
    begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def begin(kind: str, payload: Payload, _: bytes) -> None:
        if kind == "begin" and not begun.done():
            begun.set_result(int(payload["udp_port"]))

    peer.serve({}, begin)
    await peer.start()
    ended = asyncio.create_task(peer.closed.wait())
    await asyncio.wait((begun, ended), return_when=asyncio.FIRST_COMPLETED)
    if not begun.done():
        return 0
    return await _work(settings, peer, begun.result())


async def _work(settings: WorkerSettings, peer: Peer, udp_port: int) -> int:
    try:
        udp, tcp = bind_ports(settings.udp_host, udp_port, tcp=settings.tcp)
    except BindError as error:
        where = {"host": settings.udp_host, "port": udp_port, "transport": error.transport}
        peer.event("bind_failed", {**where, "errno": error.errno, "detail": error.strerror})
        await peer.close()
        return EXIT_BIND_FAILED
    port = int(udp.getsockname()[1])
    mux = UdpMux(udp, tcp)
    sealer = await check_contract()

    find: Callable[[str], Awaitable[StreamSource]] = functools.partial(_find_stream, peer, settings.ready_s)
    worker = MediaWorker(
        settings, mux, port, sealer, peer.event, lambda: peer.unsent_bytes > _MAX_LAG_BYTES,
        unsent=lambda: peer.unsent_bytes, find=find,
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


async def _find_stream(peer: Peer, timeout_s: float, key: str) -> StreamSource:
    """Ask the parent where a stream is pulled from."""
    try:
        answer, _ = await peer.request("find_stream", {"key": key}, timeout_s=timeout_s)
    except WireError as error:
        fault = StreamFault(error.code) if error.code in set(StreamFault) else StreamFault.UNREACHABLE
        raise StreamError(fault, error.detail) from None
    except (ConnectionError, TimeoutError):
        raise StreamError(StreamFault.OVERLOADED, "the service does not say where the stream is") from None
    return StreamSource(**answer["source"])


def main(arguments: Sequence[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m streams.worker_main")
    parser.add_argument("--wire-fd", type=int, required=True, help="descriptor of a connected Unix stream socket")
    parser.add_argument("--udp-host", required=True)
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
