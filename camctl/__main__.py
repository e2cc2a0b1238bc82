"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from camctl.errors import CamctlError, ConfigError
from camctl.options import add_area_commands, add_secret_commands, add_tls_commands
from camctl.user_options import add_user_commands


@contextmanager
def loading() -> Iterator[None]:
    """Import what a command needs: a fifth faster without collections, which would find nothing to throw away."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # what is there now stays: later collections need not look at it
        gc.enable()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="camctl", description="Steer donated ONVIF cameras from a phone.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the service")
    serve.add_argument("--config", type=Path, default=Path("config.yaml"), metavar="FILE")
    serve.add_argument("--lifeline-fd", type=int, help=argparse.SUPPRESS)

    commands.add_parser("example-config", help="print a configuration with every key explained")

    check = commands.add_parser("check-config", help="name every fault of a configuration at once")
    check.add_argument("--config", type=Path, default=Path("config.yaml"), metavar="FILE")

    demo = commands.add_parser("demo", help="run the service with simulated cameras")
    demo.add_argument("--cameras", type=int, default=4, metavar="N", help="simulated cameras (default 4)")
    demo.add_argument("--port", type=int, default=8080, metavar="P", help="TCP port of the page (default 8080)")
    demo.add_argument("--udp-port", type=int, default=8200, metavar="U", help="first UDP port of video (default 8200)")
    demo.add_argument("--rtsp", action="extend", nargs="+", default=[], metavar="URL", help="add a plain RTSP camera")
    demo.add_argument("--quirk", action="extend", nargs="+", default=[], metavar="NAME", help="give every camera it")
    demo.add_argument("--ready-file", type=Path, metavar="FILE", help="written as JSON when everything answers")
    demo.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))

    simulate = commands.add_parser("simulate", help="run simulated cameras alone")
    simulate.add_argument("street", type=Path, metavar="FILE.yaml")

    add_user_commands(commands.add_parser("user", help="people who may sign in"))
    _add_audit_commands(commands.add_parser("audit", help="the record of who saw and did what"))
    add_area_commands(commands.add_parser("area", help="the city's areas and their boundaries"))
    add_secret_commands(commands.add_parser("secrets", help="cameras' passwords, encrypted where they are kept"))
    add_tls_commands(commands.add_parser("tls", help="the certificate that browsers are shown"))
    return parser


def _add_audit_commands(audit: argparse.ArgumentParser) -> None:
    commands = audit.add_subparsers(dest="audit_command", required=True, metavar="COMMAND")
    verify = commands.add_parser(
        "verify", help="find altered, removed, inserted and reordered rows; exit code 1 if any"
    )
    verify.add_argument("--file", type=Path, metavar="FILE", help="an exported JSON Lines file instead of the database")
    verify.add_argument("--key", type=Path, action="append", default=[], metavar="FILE", help="a public key to trust")
    verify.add_argument("--checkpoints", type=Path, metavar="FILE", help="checkpoints that were kept elsewhere")
    export = commands.add_parser("export", help="write rows to standard output")
    export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    show = commands.add_parser("show", help="print the newest rows")
    show.add_argument("--last", type=int, default=50, metavar="N")
    for command in (export, show):
        command.add_argument("--since", metavar="TIME", help="such as 2026-01-31 or 2026-01-31T08:00+07:00")
        command.add_argument("--until", metavar="TIME")
        command.add_argument("--person", default="", metavar="NAME")
        command.add_argument("--camera", default="", metavar="ID")
        command.add_argument("--area", default="", metavar="CODE")
        command.add_argument("--action", default="", metavar="ACTION")
        command.add_argument("--text", default="", metavar="WORDS")
    commands.add_parser("checkpoint", help="sign what is new now, and print the checkpoint to be kept elsewhere")
    purge = commands.add_parser("purge", help="drop old rows behind a signed checkpoint that says so")
    purge.add_argument("--older-than-days", type=int, required=True, metavar="DAYS")
    for command in commands.choices.values():
        command.add_argument("--config", type=Path, default=Path("config.yaml"), metavar="FILE")


def _serve(options: argparse.Namespace) -> None:
    with loading():
        from camctl.app import serve
        from camctl.config import load
        from camctl.groundwork import outer_faults
        from camctl.log import setup_logging

    read = partial(load, options.config, also=outer_faults)
    config = read()
    setup_logging(config.log.level)
    asyncio.run(serve(config, read, options.lifeline_fd))


def _example(_options: argparse.Namespace) -> None:
    with loading():
        from camctl.config import explained

    sys.stdout.write(explained())


def _check(options: argparse.Namespace) -> None:
    with loading():
        from camctl.config import load
        from camctl.groundwork import outer_faults

    config = load(options.config, also=outer_faults)
    sys.stdout.write(f"{options.config}: right; {len(config.cameras.items)} cameras\n")


def _demo(options: argparse.Namespace) -> None:
    if options.ready_file is not None:
        _forget(options.ready_file)
    with loading():
        from camctl.demo.plan import is_feed
        from camctl.demo.runner import DemoOptions, run_demo

    for key, value, least, most in (
        ("--cameras", options.cameras, 0, 500),
        ("--port", options.port, 1, 65_535),
        ("--udp-port", options.udp_port, 1, 65_535),
    ):
        if not least <= value <= most:
            raise ConfigError(f"{key} must be from {least} to {most}, not {value}")
    if not all(is_feed(url) for url in options.rtsp):  # not said which: it may hold a password
        raise ConfigError("--rtsp takes addresses such as rtsp://user:password@192.0.2.7/stream")
    asyncio.run(
        run_demo(
            DemoOptions(
                cameras=options.cameras,
                port=options.port,
                udp_port=options.udp_port,
                feeds=options.rtsp,
                quirks=options.quirk,
                ready_file=options.ready_file,
                log_level=options.log_level,
            )
        )
    )


def _forget(ready_file: Path) -> None:
    # First of all: whoever waits for the file must not find that of an earlier demo.
    try:
        ready_file.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"--ready-file: {error}") from None


def _simulate(options: argparse.Namespace) -> None:
    # The simulators are a program of their own: the product never imports them.
    os.execv(sys.executable, [sys.executable, "-m", "simulators", str(options.street)])  # noqa: S606  no shell in it


def _user(options: argparse.Namespace) -> None:
    with loading():
        from camctl.users import run

    asyncio.run(run(options))


def _audit(options: argparse.Namespace) -> int:
    with loading():
        from camctl.audit_command import run

    return run(options)


def _area(options: argparse.Namespace) -> None:
    with loading():
        from camctl.area_commands import run

    run(options)


def _secrets(options: argparse.Namespace) -> None:
    with loading():
        from camctl.secret_commands import run

    run(options)


def _tls(options: argparse.Namespace) -> None:
    with loading():
        from camctl.tls_commands import run

    run(options)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 for a failure, 2 for wrong input."""
    options = _parser().parse_args(arguments)
    commands: dict[str, Callable[[argparse.Namespace], int | None]] = {
        "serve": _serve,
        "check-config": _check,
        "example-config": _example,
        "demo": _demo,
        "simulate": _simulate,
        "user": _user,
        "audit": _audit,
        "area": _area,
        "secrets": _secrets,
        "tls": _tls,
    }
    try:
        return commands[options.command](options) or 0
    except CamctlError as error:
        sys.stderr.write(f"camctl {options.command}: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
