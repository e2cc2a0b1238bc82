"""`camctl tls ...`: a certificate for a trial, and what browsers are shown."""

from __future__ import annotations

import argparse
import ipaddress
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from camctl.config import Config, load
from camctl.errors import CamctlError, ConfigError
from camctl.sealing.files import create_private
from camctl.tls import Shown, TlsError, describe, make_self_signed, server_context

CERTIFICATE, KEY = "self-signed.pem", "self-signed.key"
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})?(\.[a-z0-9]([a-z0-9-]{0,62})?)*")


def run(options: argparse.Namespace) -> None:
    """Carry out one command.

    Raises:
        CamctlError: with what to mend.
    """
    config = load(options.config)
    match options.tls_command:
        case "self-signed":
            _self_signed([_checked(name) for name in options.name], options.folder or _beside_the_database(config))
        case "show":
            _show(config)


def _checked(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        lower = name.lower().rstrip(".")
        if _NAME.fullmatch(lower):
            return lower
        raise ConfigError(
            f"--name: {name!r} is neither a host name nor an IP address; leave out https:// and the port"
        ) from None


def _beside_the_database(config: Config) -> Path:
    url = make_url(config.store.url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise ConfigError("--folder: say where to write it, since the database is no file of this machine")
    return Path(url.database).parent


def _self_signed(names: list[str], folder: Path) -> None:
    certificate, key = folder / CERTIFICATE, folder / KEY
    pem, secret = make_self_signed(names, datetime.now(UTC))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The key first: alone it is of no use, while a certificate without one would look finished.
        create_private(key, secret)
        create_private(certificate, pem)
    except FileExistsError as error:
        raise CamctlError(
            f"{error.filename} is there already; people have compared its fingerprint, so it is not replaced: "
            "remove both files for a new one, or name another --folder"
        ) from None
    except OSError as error:
        raise CamctlError(f"{error.filename or folder}: {error.strerror or error}") from None
    _say(_words(describe(certificate)))
    _say("Browsers will warn of it; before going on, compare the fingerprint that they show. In the configuration:")
    _say(f'server:\n  tls: {{ certificate: "{certificate}", key: "{key}" }}')


def _show(config: Config) -> None:
    tls = config.server.tls
    if tls.certificate is None or tls.key is None:
        raise ConfigError("server.tls: there is no certificate; HTTP is served unencrypted")
    try:
        server_context(Path(tls.certificate), Path(tls.key))
        shown = describe(Path(tls.certificate))
    except TlsError as error:
        raise ConfigError(f"server.tls.{error.key}: {error}") from None
    _say(_words(shown))
    warning = shown.warning(datetime.now(UTC))
    if warning:
        raise CamctlError(warning)


def _words(shown: Shown) -> str:
    kind = "self-signed, for trials" if shown.is_self_signed else "signed by an authority"
    return (
        f"for      {', '.join(shown.names) or 'no name at all'}\n"
        f"until    {shown.not_after:%Y-%m-%d} ({kind})\n"
        f"SHA-256  {shown.sha256}"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
