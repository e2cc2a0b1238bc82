"""What the service and the command line both stand on: areas, people's database, sign-in rules, named files.

Without the service's own modules, so that a command that needs only these is done in a moment.
"""

from __future__ import annotations

from pathlib import Path

from auth.oidc import ClaimRule, OidcSettings
from auth.roles import ROLES
from auth.service import AuthService, SessionRules
from camctl.areas.tree import AreaError, AreaTree, load_csv, load_jakarta
from camctl.config import Config, raw_cameras
from camctl.errors import ConfigError
from camctl.store.engine import Store, StoreError, open_store
from camctl.store.migrate import migrate

_OIDC_CALLBACK = "/api/v1/auth/oidc/callback"


def outer_faults(data: object) -> list[str]:
    """What an unchecked configuration names outside itself and is not there: areas, and files of passwords."""
    cameras = data.get("cameras") if isinstance(data, dict) else None
    path = cameras.get("areas") if isinstance(cameras, dict) else None
    try:
        areas = load_csv(Path(path)) if isinstance(path, str) else load_jakarta()
    except AreaError as error:
        return [f"cameras.areas: {error}"]
    found = _unreadable("media.turn.secret_file", _turn_file(data)) + _oidc_faults(data, areas)
    for key, camera in raw_cameras(data):
        area, secret = camera.get("area"), camera.get("password_file")
        if isinstance(area, str) and area not in areas:
            found.append(f"{key}.area: there is no area {area}")
        found += _unreadable(f"{key}.password_file", secret)
    return found


def _oidc_faults(data: object, areas: AreaTree) -> list[str]:
    oidc = data.get("oidc") if isinstance(data, dict) else None
    if not isinstance(oidc, dict):
        return []
    found = _unreadable("oidc.client_secret_file", oidc.get("client_secret_file"))
    rules = oidc.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        named = rule.get("areas") if isinstance(rule, dict) else None
        for code in named if isinstance(named, list) else ():
            if isinstance(code, str) and code not in areas:
                found.append(f"oidc.rules[{index}].areas: there is no area {code}")
        role = rule.get("role") if isinstance(rule, dict) else None
        if isinstance(role, str) and role not in ROLES:
            found.append(f"oidc.rules[{index}].role: there is no role {role}")
    return found


def _turn_file(data: object) -> object:
    media = data.get("media") if isinstance(data, dict) else None
    turn = media.get("turn") if isinstance(media, dict) else None
    return turn.get("secret_file") if isinstance(turn, dict) else None


def _unreadable(key: str, path: object) -> list[str]:
    """The fault of a file that is named by `key` and cannot be read, if it is so."""
    if isinstance(path, str):
        try:
            Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            return [f"{key}: {error}"]
    return []


def load_areas(config: Config) -> AreaTree:
    """The configured city's areas.

    Raises:
        ConfigError: the file is wrong, or a camera lies in an area that is not in it.
    """
    try:
        areas = load_csv(Path(config.cameras.areas)) if config.cameras.areas else load_jakarta()
    except AreaError as error:
        raise ConfigError(f"cameras.areas: {error}") from None
    strangers = [
        f"  cameras.items[{index}].area: there is no area {camera.area}"
        for index, camera in enumerate(config.cameras.items)
        if camera.area not in areas
    ]
    if strangers:
        raise ConfigError("cameras lie in areas that are not in the area table:\n" + "\n".join(strangers))
    return areas


def open_people(config: Config) -> Store:
    """The people's database, brought up to date.

    Raises:
        ConfigError: it cannot be opened.
    """
    try:
        migrate(config.store.url)
        return open_store(config.store.url)
    except StoreError as error:
        raise ConfigError(f"store.url: {error}") from None


def auth_service(config: Config, store: Store) -> AuthService:
    """People and sign-ins under the configured rules."""
    return AuthService(
        store.sessions,
        rules=SessionRules(absolute_s=config.sessions.absolute_s, idle_s=int(config.sessions.idle_s)),
    )


def oidc_settings(config: Config) -> OidcSettings | None:
    """The city's directory, None without one.

    Raises:
        ConfigError: the file of the secret cannot be read, or is empty.
    """
    given = config.oidc
    if given.issuer is None:
        return None
    try:
        secret = Path(given.client_secret_file or "").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"oidc.client_secret_file: {error}") from None
    if not secret:
        raise ConfigError("oidc.client_secret_file: the file is empty")
    return OidcSettings(
        issuer=given.issuer,
        client_id=given.client_id,
        client_secret=secret,
        redirect_uri=f"{(config.server.public_url or '').rstrip('/')}{_OIDC_CALLBACK}",
        invite_only=given.invite_only,
        claim=given.claim,
        rules=tuple(ClaimRule(rule.value, rule.role, tuple(rule.areas)) for rule in given.rules),
    )
