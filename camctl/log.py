"""Logging to standard error: one line an event, time in UTC, quiet libraries."""

from __future__ import annotations

import logging
import sys
import time

# uvicorn 0.54 says this at level error whenever a socket was refused in good order: its sans-I/O implementation does
# not count a denial response as a completed handshake. It would drown real errors.
_REFUSED_SOCKET = "ASGI callable returned without completing handshake."

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"


def setup_logging(level: str) -> None:
    """Send log lines of `level` (a name such as "info") and above to standard error."""
    formatter = logging.Formatter(_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # zeep logs whole envelopes, urllib3 whole URLs: neither belongs in a log that leaves the machine.
    for name in ("zeep", "urllib3", "httpx", "httpcore", "aiortc", "aioice", "alembic", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # At debug these write the headers of a socket's handshake, its bearer token among them, and every message.
    for name in ("uvicorn.error", "websockets"):
        logging.getLogger(name).setLevel(max(logging.INFO, root.level))
    logging.getLogger("uvicorn.error").addFilter(lambda record: record.msg != _REFUSED_SOCKET)
