"""`camctl user ...`: accounts from the command line, before anybody can sign in and when nobody can any more."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auth.errors import AuthError
from auth.factor_records import FactorRecords
from auth.model import Person
from auth.passkey_records import PasskeyRecords
from auth.restreams import RestreamAccounts
from auth.scopes import parse_scopes
from auth.service import AuthService, utc_now
from camctl import user_grants, user_links, user_record
from camctl.audit import command_line
from camctl.audit.chain import Head
from camctl.audit.log import AuditLog
from camctl.config import Config, load
from camctl.errors import CamctlError, ConfigError
from camctl.groundwork import auth_service, check_areas, open_people
from camctl.restream_account import new_account
from camctl.store.engine import StoreError


async def run(options: argparse.Namespace) -> None:
    """Carry out one command.

    Raises:
        CamctlError: with what to mend.
    """
    config = load(options.config)
    folder, is_change = Path(config.audit.folder), user_record.changes(options)
    store = await asyncio.to_thread(open_people, config)
    auth = auth_service(config, store)
    try:
        end = await asyncio.to_thread(command_line.end_of, AuditLog(store.sessions)) if is_change else Head()
        if is_change:
            await asyncio.to_thread(command_line.check_writable, folder, end)
        if options.user_command == "restream":
            await _restream(options, config, RestreamAccounts(store.sessions))
        elif options.user_command in user_links.COMMANDS:
            await user_links.run(options, config, auth, store)
        elif options.user_command in user_grants.COMMANDS:
            await user_grants.run(options, config, auth)
        elif options.user_command == "passkeys":
            await _passkeys(options, auth, PasskeyRecords(store.sessions))
        elif options.user_command == "totp-reset":
            await _reset_totp(options, auth, FactorRecords(store.sessions))
        else:
            await _command(options, config, auth)
        if is_change:
            await asyncio.to_thread(command_line.record, folder, end, [user_record.entry_for(options)])
    except (AuthError, StoreError) as error:
        raise CamctlError(str(error)) from None
    finally:
        await auth.close()
        store.close()


async def _command(options: argparse.Namespace, config: Config, auth: AuthService) -> None:
    match options.user_command:
        case "add":
            check_areas(config, options.area)
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
        case "change":
            person = await _changed(options, auth)
            _say(
                f"{person.username} is {person.display_name}"
                + (f" of {person.organisation}" * bool(person.organisation))
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


async def _changed(options: argparse.Namespace, auth: AuthService) -> Person:
    wanted = {"display_name": options.name, "organisation": options.organisation}
    changes = {field: text for field, text in wanted.items() if text is not None}
    if not changes:
        raise CamctlError("say --name or --organisation, or both")
    return await auth.change_person(options.username, lambda person: replace(person, **changes))


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


async def _passkeys(options: argparse.Namespace, auth: AuthService, records: PasskeyRecords) -> None:
    person = await auth.person(options.username)
    stored = await asyncio.to_thread(records.of_person, person.id)
    if not options.remove:
        for key in stored:
            used = f"last used {key.last_used:%Y-%m-%d}" if key.last_used else "never used"
            _say(f"{key.id}  {key.name:<32} {key.rp_id:<32} {used}")
        return
    wanted = [key.id for key in stored] if "all" in options.remove else options.remove
    strangers = set(wanted) - {key.id for key in stored}
    if strangers:
        raise CamctlError(f"--remove: {person.username} has no passkey {', '.join(sorted(strangers))}")
    for passkey_id in wanted:
        await asyncio.to_thread(records.remove, person.id, passkey_id, utc_now(), None, even_last=True)
    for info in await auth.sessions_of(person.username):
        await auth.end_session(info.session_id)
    _say(f"{len(wanted)} passkeys of {person.username} are removed; all its sign-ins have ended")


async def _reset_totp(options: argparse.Namespace, auth: AuthService, records: FactorRecords) -> None:
    person = await auth.person(options.username)
    had = await asyncio.to_thread(records.remove, person.id, utc_now(), end_sessions=True)
    what = "has no authenticator app any more" if had else "had no authenticator app"
    _say(f"{person.username} {what}; all its sign-ins have ended")


def _end(days: int) -> datetime:
    try:
        return datetime.now(UTC) + timedelta(days=days)
    except OverflowError:
        raise CamctlError(f"--days: {days} days from now is no date") from None


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise CamctlError("the two passwords differ")
    return password


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
