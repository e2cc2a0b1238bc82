"""What the service and the command line both stand on: areas, people's database, sign-in rules, named files.

Without the service's own modules, so that a command that needs only these is done in a moment.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url

from auth.factor_records import FactorRecords
from auth.factor_service import FactorService
from auth.passkey_records import PasskeyRecords
from auth.passkey_service import PasskeyService
from auth.proofs import ProofRecords
from auth.sealing import KeySealer, Sealer, SealError, key_of_file
from auth.service import AuthService, SessionRules
from camctl.areas.tree import AreaError, AreaTree, load_csv, load_jakarta
from camctl.config import Config, raw_cameras
from camctl.errors import ConfigError
from camctl.store.engine import Store, StoreError, open_store
from camctl.store.migrate import migrate


def outer_faults(data: object) -> list[str]:
    """What an unchecked configuration names outside itself and is not there: areas, and files of passwords."""
    cameras = data.get("cameras") if isinstance(data, dict) else None
    path = cameras.get("areas") if isinstance(cameras, dict) else None
    try:
        areas = load_csv(Path(path)) if isinstance(path, str) else load_jakarta()
    except AreaError as error:
        return [f"cameras.areas: {error}"]
    found = _unreadable("media.turn.secret_file", _turn_file(data))
    for key, camera in raw_cameras(data):
        area, secret = camera.get("area"), camera.get("password_file")
        if isinstance(area, str) and area not in areas:
            found.append(f"{key}.area: there is no area {area}")
        found += _unreadable(f"{key}.password_file", secret)
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


def sealer(config: Config) -> Sealer:
    """What seals TOTP secrets: its key is in a file beside the database, made at the first start.

    Raises:
        ConfigError: the file cannot be used.
    """
    try:
        return KeySealer(key_of_file(key_file(config)), b"camctl totp")
    except SealError as error:
        raise ConfigError(f"store.url: {error}") from None


def key_file(config: Config) -> Path:
    """Where the key of secrets at rest is: beside a SQLite database, in `var` for one of a server."""
    url = make_url(config.store.url)
    folder = Path(url.database).parent if url.get_backend_name() == "sqlite" and url.database else Path("var")
    return folder / "sign-in.key"


def passkey_service(auth: AuthService, store: Store) -> PasskeyService:
    """Passkeys of the people in this database."""
    return PasskeyService(auth, PasskeyRecords(store.sessions))


def factor_service(auth: AuthService, store: Store, seals: Sealer) -> FactorService:
    """Second factors and fresh proofs of the people in this database."""
    return FactorService(auth, FactorRecords(store.sessions), ProofRecords(store.sessions), seals)
