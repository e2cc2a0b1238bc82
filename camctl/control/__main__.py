"""`python -m camctl.control --wire-fd N`: started by the service, ends with it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import time

from camctl.control.process import run
from camctl.log import setup_logging
from streams import lifeline

_END_S = 8.0  # every camera stopped and every connection closed; what still moves then is the stopper's


def _parent_ended() -> None:
    """The event loop has noticed too and stops the cameras; this makes sure that it ends."""
    time.sleep(_END_S)
    os._exit(1)


def main() -> int:
    """Run the control process."""
    parser = argparse.ArgumentParser(prog="python -m camctl.control")
    parser.add_argument("--wire-fd", type=int, required=True, help="descriptor of a connected Unix stream socket")
    parser.add_argument("--log-level", type=int, default=logging.WARNING, help="a number of the logging module")
    options = parser.parse_args()
    setup_logging(logging.getLevelName(options.log_level))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    lifeline.watch(options.wire_fd, _parent_ended)
    return asyncio.run(run(socket.socket(fileno=options.wire_fd)))


if __name__ == "__main__":
    try:
        code = main()
    except Exception:
        logging.getLogger("camctl.control").exception("the control process failed")
        code = 1
    sys.stderr.flush()
    os._exit(code)  # threads that hang on a dead camera must not keep this process
