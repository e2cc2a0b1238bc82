"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from camctl.errors import CamctlError, ConfigError
from camctl.options import add_area_commands, add_secret_commands, add_tls_commands


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

    _add_user_commands(commands.add_parser("user", help="people who may sign in"))
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


def _add_user_commands(user: argparse.ArgumentParser) -> None:
    from camctl import user_grants

    commands = user.add_subparsers(dest="user_command", required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="add somebody; the password is asked for, or read from standard input")
    add.add_argument("username")
    add.add_argument("--role", required=True, help="admin, auditor, official, operator, partner, or one of yours")
    add.add_argument("--area", action="append", default=[], required=True, metavar="CODE", help="may be repeated")
    add.add_argument("--name", default="", help="the name that others see")
    add.add_argument("--organisation", default="", help="needed for partners: whose cameras they see")
    add.add_argument("--priority", type=int, help="0 to 100 instead of the role's")
    commands.add_parser("list", help="everybody")
    for name, text in (
        ("disable", "close an account and end its sign-ins"),
        ("enable", "open a closed account"),
        ("password", "set a new password"),
    ):
        commands.add_parser(name, help=text).add_argument("username")
    passkeys = commands.add_parser(
        "passkeys", help="list somebody's passkeys, or remove lost ones and end all sign-ins"
    )
    passkeys.add_argument("username")
    passkeys.add_argument("--remove", action="append", default=[], metavar="ID", help="may be repeated; or: all")
    totp = commands.add_parser(
        "totp-reset", help="remove an authenticator app and recovery codes, and end all sign-ins"
    )
    totp.add_argument("username")
    token = commands.add_parser("token", help="print a bearer token for a program")
    token.add_argument("username")
    token.add_argument("--days", type=int, default=30)
    token.add_argument("--name", default="command line", help="what the token is for")
    user_grants.add_commands(commands)
    token.add_argument(
        "--scope", action="append", metavar="CAPABILITY", help="only this, such as live; may be repeated"
    )
    _add_link_commands(commands)
    restream = commands.add_parser("restream", help="accounts with which recorders and players pull video over RTSP")
    accounts = restream.add_subparsers(dest="restream_command", required=True, metavar="COMMAND")
    account = accounts.add_parser("add", help="print the secret of a new account, this once")
    account.add_argument("username", help="the person for whom it stands: it may watch what they may")
    account.add_argument("--name", required=True, help="the user name that the recorder gives")
    account.add_argument("--camera", action="append", default=[], metavar="ID", help="only this one; may be repeated")
    accounts.add_parser("list", help="every account")
    accounts.add_parser("remove", help="delete an account and end what it plays").add_argument("name")
    for command in (*commands.choices.values(), *accounts.choices.values()):
        if command is not restream:
            command.add_argument("--config", type=Path, default=Path("config.yaml"), metavar="FILE")


def _add_link_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    invite = commands.add_parser("invite", help="print a link, this once, by which somebody becomes a person here")
    invite.add_argument("--role", help="admin, auditor, official, operator, partner, or one of yours; else only a name")
    invite.add_argument("--area", action="append", default=[], metavar="CODE", help="may be repeated")
    invite.add_argument("--name", required=True, help="the name that others see")
    invite.add_argument("--organisation", default="", help="needed for partners: whose cameras they see")
    invite.add_argument("--username", help="else the invited choose it")
    recover = commands.add_parser("recover", help="print a link, this once, by which somebody sets a new password")
    recover.add_argument("username")
    for link in (invite, recover):
        link.add_argument("--hours", type=float, help="how long it holds (default invitations.life_s)")
        link.add_argument("--address", metavar="URL", help="how browsers reach the service (default server.public_url)")
    commands.add_parser("links", help="the links that wait to be used")
    commands.add_parser("withdraw", help="end a link").add_argument("link_id", metavar="ID")
    commands.add_parser("sessions", help="somebody's sign-ins and tokens").add_argument("username")
    commands.add_parser("end", help="end a sign-in or token").add_argument("session_id", metavar="ID")


def _serve(options: argparse.Namespace) -> None:
    from camctl.app import serve
    from camctl.config import load
    from camctl.groundwork import outer_faults
    from camctl.log import setup_logging

    config = load(options.config, also=outer_faults)
    setup_logging(config.log.level)
    asyncio.run(serve(config, options.lifeline_fd))


def _example(_options: argparse.Namespace) -> None:
    from camctl.config import explained

    sys.stdout.write(explained())


def _check(options: argparse.Namespace) -> None:
    from camctl.config import load
    from camctl.groundwork import outer_faults

    config = load(options.config, also=outer_faults)
    sys.stdout.write(f"{options.config}: right; {len(config.cameras.items)} cameras\n")


def _demo(options: argparse.Namespace) -> None:
    if options.ready_file is not None:
        _forget(options.ready_file)
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
    from camctl.users import run

    asyncio.run(run(options))


def _audit(options: argparse.Namespace) -> int:
    from camctl.audit_command import run

    return run(options)


def _area(options: argparse.Namespace) -> None:
    from camctl.area_commands import run

    run(options)


def _secrets(options: argparse.Namespace) -> None:
    from camctl.secret_commands import run

    run(options)


def _tls(options: argparse.Namespace) -> None:
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
