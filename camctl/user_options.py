"""What `camctl user` takes; nothing heavy, since every command reads it."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from auth.roles import Capability, ViewingRank


def add_user_commands(user: argparse.ArgumentParser) -> None:
    """`camctl user ...`."""
    commands = user.add_subparsers(dest="user_command", required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="add somebody; the password is asked for, or read from standard input")
    add.add_argument("username")
    add.add_argument("--role", required=True, help="admin, auditor, official, operator, partner, or one of yours")
    add.add_argument("--area", action="append", default=[], required=True, metavar="CODE", help="may be repeated")
    add.add_argument("--name", default="", help="the name that others see")
    add.add_argument("--organisation", default="", help="needed for partners: whose cameras they see")
    add.add_argument("--priority", type=int, help="0 to 100 instead of the role's")
    commands.add_parser("list", help="everybody")
    change = commands.add_parser("change", help="change the name that others see, or the organisation")
    change.add_argument("username")
    change.add_argument("--name", help="the name that others see")
    change.add_argument("--organisation", help="whose cameras a partner sees; empty for none")
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
    _add_grant_commands(commands)
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


def _add_grant_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    grant = commands.add_parser("grant", help="grant a role in areas or at cameras, or deny something there")
    grant.add_argument("username")
    grant.add_argument("--role", help="what it brings; `camctl user roles` lists them")
    grant.add_argument("--area", action="append", default=[], metavar="CODE", help="may be repeated")
    grant.add_argument("--camera", action="append", default=[], metavar="ID", help="may be repeated")
    grant.add_argument("--only", action="append", type=_capability, metavar="CAPABILITY", help="no more than this")
    grant.add_argument("--deny", action="store_true", help="take away what --only names, whatever else allows it")
    grant.add_argument("--window", metavar="TEXT", help="hours of the week: 'mon-fri 07:00-18:00 Asia/Jakarta'")
    grant.add_argument("--from", dest="starts", type=_time, metavar="TIME", help="2026-12-01T07:00+07:00")
    grant.add_argument("--until", dest="ends", type=_time, metavar="TIME")
    grant.add_argument("--priority", type=int, help="0 to 100 instead of the role's")
    grant.add_argument("--reason", required=True, help="why; it is kept with the grant")
    approve = commands.add_parser("approve", help="make a grant valid that waits for a second person")
    approve.add_argument("username")
    approve.add_argument("grant", help="its id, as `camctl user grants` shows it")
    revoke = commands.add_parser("revoke", help="take a grant away; what runs on it ends within a second")
    revoke.add_argument("username")
    revoke.add_argument("grant", help="its id, as `camctl user grants` shows it")
    commands.add_parser("grants", help="what somebody was granted").add_argument("username")
    explain = commands.add_parser("explain", help="what somebody may do with a camera now, and why or why not")
    explain.add_argument("username")
    explain.add_argument("camera")
    commands.add_parser("roles", help="the roles and what they bring")
    role = commands.add_parser(
        "role", help="make a role, or change what it brings to everybody who has it, over a whole city too"
    )
    role.add_argument("name")
    role.add_argument("--capability", action="append", type=_capability, default=[], required=True)
    role.add_argument("--priority", type=int, help="over the motors, 0 to 100; without it the area's level decides")
    role.add_argument("--only-own", action="store_true", help="at the cameras of one's own organisation only")
    role.add_argument("--viewing", choices=[rank.name.lower() for rank in ViewingRank], default="city")


def _capability(text: str) -> Capability:
    try:
        return Capability(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(sorted(Capability))}") from None


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 2026-12-01T07:00+07:00") from None
    return at if at.tzinfo is not None else at.astimezone()
