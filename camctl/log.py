"""Logging to standard error: one line an event, time in UTC, quiet libraries."""

from __future__ import annotations

import logging
import sys
import time

# What anybody who can reach the port could fill the log with; camctl_http_refused counts it.
_MALFORMED = (
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
    "Invalid UTF-8 sequence received from client.",
)
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
    # At debug these write the headers of a socket's handshake, its bearer token among them, and every message; at info
    # the address of every socket, with what somebody wrongly put into its query.
    for name in ("uvicorn.error", "websockets"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("uvicorn.error").addFilter(lambda record: record.msg not in (_REFUSED_SOCKET, *_MALFORMED))
