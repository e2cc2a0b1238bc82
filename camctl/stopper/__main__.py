"""`python -m camctl.stopper --wire-fd N`: started by the service, ends after it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys

from camctl.log import setup_logging
from camctl.stopper.process import run


def main() -> int:
    """Run the stopper."""
    parser = argparse.ArgumentParser(prog="python -m camctl.stopper")
    parser.add_argument("--wire-fd", type=int, required=True, help="descriptor of a connected Unix stream socket")
    parser.add_argument("--log-level", type=int, default=logging.WARNING)
    options = parser.parse_args()
    setup_logging(logging.getLevelName(options.log_level))
    # Whoever ends the service's group must not end the one that cleans up after it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return asyncio.run(run(socket.socket(fileno=options.wire_fd)))


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # threads that hang on a dead camera must not keep this process
