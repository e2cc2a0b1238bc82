"""`camctl user invite`, `recover`, `links`, `withdraw`, `sessions` and `end`: links, sign-ins and tokens by command."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import datetime
from typing import Final

from auth.invitations import Invitation, Wish
from auth.joining import Joining
from auth.model import SignInKind
from auth.service import AuthService, utc_now
from auth.sign_in_list import SignInList
from camctl.config import Config
from camctl.errors import CamctlError
from camctl.groundwork import check_areas
from camctl.one_time_links import invitation_link, print_qr, service_address
from camctl.store.engine import Store

COMMANDS: Final = frozenset({"invite", "recover", "links", "withdraw", "sessions", "end"})


async def run(options: argparse.Namespace, config: Config, auth: AuthService, store: Store) -> None:
    """Carry out one of `COMMANDS`.

    Raises:
        AuthError, CamctlError: with what to mend.
    """
    joining = Joining(auth, store.sessions)
    match options.user_command:
        case "invite":
            check_areas(config, options.area)
            wish = Wish(options.role, tuple(options.area), options.organisation, options.name, options.username)
            _print_link(options, config, *await joining.invite(wish, None, _life_s(options, config)))
        case "recover":
            _print_link(options, config, *await joining.recover(options.username, None, _life_s(options, config)))
        case "links":
            for link in await joining.pending(None):
                _say(f"{link.id}  {link.kind:<10} until {_time(link.expires_at)}  {_whom(link)}, by {_by(link)}")
        case "withdraw":
            await joining.withdraw(options.link_id, None)
            _say(f"{options.link_id} is withdrawn")
        case "sessions":
            await _print_sessions(auth, SignInList(store.sessions), options.username)
        case "end":
            if await auth.recheck(options.session_id) is None:
                raise CamctlError(f"there is no sign-in or token {options.session_id}, or it is over")
            await auth.end_session(options.session_id)
            _say(f"{options.session_id} has ended")


async def _print_sessions(auth: AuthService, listed: SignInList, username: str) -> None:
    person = await auth.person(username)
    for kind in SignInKind:
        for one in await asyncio.to_thread(listed.of, person.id, kind, utc_now()):
            what = one.device or "a browser" if kind is SignInKind.BROWSER else f"token {one.name!r}"
            scopes = "" if one.scopes is None else f", only {' '.join(sorted(one.scopes))}"
            where = f" from {one.network}" if one.network else ""
            used = f"last used {_time(one.last_seen)}{where}, until {_time(one.expires_at)}"
            _say(f"{one.id}  {what}{scopes}: {used}")


def _print_link(options: argparse.Namespace, config: Config, secret: str, made: Invitation) -> None:
    address = options.address.rstrip("/") if options.address else service_address(config)
    link = invitation_link(address, secret)
    _say(link)
    if sys.stdout.isatty():
        print_qr(link, sys.stdout)
        _say(f"For {_whom(made)}, once, until {_time(made.expires_at)}. Whoever has the link can use it.")


def _life_s(options: argparse.Namespace, config: Config) -> float:
    return config.invitations.life_s if options.hours is None else float(options.hours) * 3600.0


def _whom(link: Invitation) -> str:
    concerned = link.concerns
    what = f"{concerned.role}, {' '.join(concerned.areas)}" if concerned.role else "nothing but a name"
    return f"{concerned.display_name} ({what})"


def _by(link: Invitation) -> str:
    return link.maker.username if link.maker else "the command line"


def _time(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
