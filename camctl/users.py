"""`camctl user ...`: accounts from the command line, before anybody can sign in and when nobody can any more."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from auth.errors import AuthError
from auth.restreams import RestreamAccounts
from auth.scopes import parse_scopes
from auth.service import AuthService, utc_now
from camctl import user_links
from camctl.config import Config, load
from camctl.errors import CamctlError, ConfigError
from camctl.groundwork import auth_service, load_areas, open_people
from camctl.restream_account import new_account


async def run(options: argparse.Namespace) -> None:
    """Carry out one command.

    Raises:
        CamctlError: with what to mend.
    """
    config = load(options.config)
    store = await asyncio.to_thread(open_people, config)
    auth = auth_service(config, store)
    try:
        if options.user_command == "restream":
            await _restream(options, config, RestreamAccounts(store.sessions))
        elif options.user_command in user_links.COMMANDS:
            if options.user_command == "invite":
                _check_areas(config, options.area)
            await user_links.run(options, config, auth, store)
        else:
            await _command(options, config, auth)
    except AuthError as error:
        raise CamctlError(str(error)) from None
    finally:
        await auth.close()
        store.close()


async def _command(options: argparse.Namespace, config: Config, auth: AuthService) -> None:
    match options.user_command:
        case "add":
            _check_areas(config, options.area)
            person = await auth.create_person(
                options.username,
                _password(),
                role=options.role,
                areas=options.area,
                display_name=options.name,
                organisation=options.organisation,
                priority=options.priority,
            )
            _say(f"{person.username} can sign in as {person.role} for {', '.join(person.areas)}")
        case "list":
            for person in await auth.list_people():
                closed = "  (closed)" if person.disabled else ""
                _say(
                    f"{person.username:<24} {person.role:<9} {','.join(person.areas):<24} {person.display_name}{closed}"
                )
        case "disable":
            _say(f"{(await auth.disable_person(options.username)).username} is closed; all its sign-ins have ended")
        case "enable":
            _say(f"{(await auth.enable_person(options.username)).username} is open")
        case "password":
            await auth.set_password(options.username, _password())
            _say(f"{options.username} has a new password; all its sign-ins have ended")
        case "token":
            scopes = parse_scopes(options.scope) if options.scope else None
            _say(await auth.issue_token(options.username, _end(options.days), options.name, scopes))


async def _restream(options: argparse.Namespace, config: Config, accounts: RestreamAccounts) -> None:
    match options.restream_command:
        case "add":
            strangers = set(options.camera) - {camera.id for camera in config.cameras.items}
            if strangers:
                raise ConfigError(f"--camera: there is no camera {', '.join(sorted(strangers))} in {options.config}")
            _, secret = await new_account(accounts, options.username, options.name, options.camera)
            _say(secret)
        case "list":
            for account in await asyncio.to_thread(accounts.all):
                closed = "  (closed)" if account.person.disabled else ""
                cameras = ", ".join(account.cameras) or "all that the person may watch"
                _say(f"{account.name:<24} {account.person.username:<24} {cameras}{closed}")
        case "remove":
            await asyncio.to_thread(accounts.remove, options.name, utc_now())
            _say(f"{options.name} is removed; what it plays has ended")


def _end(days: int) -> datetime:
    try:
        return datetime.now(UTC) + timedelta(days=days)
    except OverflowError:
        raise CamctlError(f"--days: {days} days from now is no date") from None


def _check_areas(config: Config, codes: Sequence[str]) -> None:
    areas = load_areas(config)
    for code in codes:
        if code not in areas:
            raise ConfigError(f"--area: there is no area {code}; codes look like 31.71.01 and are in the area table")


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise CamctlError("the two passwords differ")
    return password


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
