"""What the service and the command line both stand on: areas, people's database, sign-in rules, named files.

Without the service's own modules, so that a command that needs only these is done in a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from auth.factor_records import FactorRecords
from auth.factor_service import FactorService
from auth.grant_records import GrantRecords
from auth.model import CameraRef, Territory, is_same_organisation
from auth.oidc_records import identities_at
from auth.oidc_settings import ClaimRule, OidcSettings
from auth.passkey_records import PasskeyRecords
from auth.passkey_service import PasskeyService
from auth.service import AuthService, SessionRules
from auth.ways_in import WaysIn
from camctl.areas.tree import AreaError, AreaTree, load_csv, load_jakarta
from camctl.config import Config, raw_cameras
from camctl.config_oidc import OidcRuleConfig
from camctl.errors import ConfigError
from camctl.sealing import KeyFileError, LiveSealer, Sealer, SealError, WrongSealError, ensure_key_file, read_key_file
from camctl.store.engine import COMMAND_PATIENCE_S, Store, StoreError, open_store
from camctl.store.migrate import migrate
from camctl.tls import TlsError, server_context

_OIDC_CALLBACK = "/api/v1/auth/oidc/callback"
CAMERA_PASSWORD = "camera-password"  # noqa: S105  the purpose that is sealed, not a password
PERSON_SECRET = "totp-secret"  # noqa: S105  likewise


def outer_faults(data: object) -> list[str]:
    """What an unchecked configuration names outside itself and is not there: areas, files, keys."""
    cameras = data.get("cameras") if isinstance(data, dict) else None
    path = cameras.get("areas") if isinstance(cameras, dict) else None
    try:
        areas = load_csv(Path(path)) if isinstance(path, str) else load_jakarta()
    except AreaError as error:
        return [f"cameras.areas: {error}"]
    found = _unreadable("media.turn.secret_file", _turn_file(data)) + _tls_faults(data) + _oidc_faults(data, areas)
    sites = cameras.get("sites") if isinstance(cameras, dict) else None
    for index, site in enumerate(sites if isinstance(sites, list) else ()):
        area = site.get("area") if isinstance(site, dict) else None
        if isinstance(area, str) and area not in areas:
            found.append(f"cameras.sites[{index}].area: there is no area {area}")
    for key, camera in raw_cameras(data):
        area, secret = camera.get("area"), camera.get("password_file")
        if isinstance(area, str) and area not in areas:
            found.append(f"{key}.area: there is no area {area}")
        found += _unreadable(f"{key}.password_file", secret)
    return found + _sealed_faults(data)


def _sealed_faults(data: object) -> list[str]:
    """What keeps sealed passwords from being opened: the key file, or the texts themselves."""
    cameras = [(key, camera) for key, camera in raw_cameras(data) if isinstance(camera.get("password_sealed"), str)]
    secrets = data.get("secrets") if isinstance(data, dict) else None
    path = secrets.get("key_file") if isinstance(secrets, dict) else None
    if not isinstance(path, str):
        return ["secrets.key_file: password_sealed needs the file of its key"] if cameras else []
    try:
        sealer = Sealer(read_key_file(Path(path)), CAMERA_PASSWORD)
    except KeyFileError as error:
        return [f"secrets.key_file: {error}"]
    ids = [str(camera.get("id")) for _, camera in raw_cameras(data)]
    found = []
    for key, camera in cameras:
        fault = seal_fault(sealer, str(camera["password_sealed"]), str(camera.get("id")), ids)
        if fault:
            found.append(f"{key}.password_sealed: {fault}")
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
    return found


def seal_fault(sealer: Sealer, text: str, camera_id: str, ids: Iterable[str]) -> str | None:
    """Why a sealed password does not open for this camera, None when it does; `ids`: whose else it may be."""
    try:
        sealer.open(text, camera_id)
    except WrongSealError as error:
        owner = next((other for other in ids if seal_fault(sealer, text, other, ()) is None), None)
        return f"it is the password of camera {owner}, and opens for that one only" if owner else str(error)
    except SealError as error:
        return str(error)
    return None


def camera_sealer(config: Config) -> Sealer | None:
    """What seals and opens cameras' passwords; None when no key file is configured.

    Raises:
        ConfigError: the key file cannot be used.
    """
    if config.secrets.key_file is None:
        return None
    try:
        return Sealer(read_key_file(Path(config.secrets.key_file)), CAMERA_PASSWORD)
    except KeyFileError as error:
        raise ConfigError(f"secrets.key_file: {error}") from None


def _tls_faults(data: object) -> list[str]:
    """What keeps the certificate from being shown; that one of its files is not named is said elsewhere."""
    server = data.get("server") if isinstance(data, dict) else None
    tls = server.get("tls") if isinstance(server, dict) else None
    given = [tls.get(name) for name in ("certificate", "key")] if isinstance(tls, dict) else []
    files = [Path(name) for name in given if isinstance(name, str)]
    if len(files) == 2:
        try:
            server_context(*files)
        except TlsError as error:
            return [f"server.tls.{error.key}: {error}"]
    return []


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


def city_of(
    areas: AreaTree, camera_of: Callable[[str], CameraRef | None], cameras: Callable[[], Iterable[CameraRef]]
) -> Territory:
    """The city as the rules about people see it; the two say one camera and all of them as they are when asked."""

    def owns_cameras(organisation: str) -> bool:
        return any(is_same_organisation(organisation, camera.owner) for camera in cameras())

    tops = frozenset(area.code for area in areas.children(None))
    return Territory(tops, camera_of, owns_cameras, areas.lowest, cameras)


def check_areas(config: Config, codes: Iterable[str]) -> None:
    """ConfigError when the city has no area of one of these codes."""
    areas = load_areas(config)
    for code in codes:
        if code not in areas:
            raise ConfigError(f"--area: there is no area {code}; codes look like 31.71.01 and are in the area table")


def open_people(config: Config, patience_s: float = COMMAND_PATIENCE_S) -> Store:
    """The people's database, brought up to date; a writer waits `patience_s` for another.

    Raises:
        ConfigError: it cannot be opened.
    """
    try:
        migrate(config.store.url)
        return open_store(config.store.url, patience_s)
    except StoreError as error:
        raise ConfigError(f"store.url: {error}") from None


def has_people(config: Config) -> bool:
    """Whether there is a people's database to look into; one on a server is."""
    url = make_url(config.store.url)
    return url.get_backend_name() != "sqlite" or bool(url.database and Path(url.database).exists())


def auth_service(config: Config, store: Store) -> AuthService:
    """People and sign-ins under the configured rules."""
    return AuthService(
        store.sessions,
        rules=SessionRules(absolute_s=config.sessions.absolute_s, idle_s=int(config.sessions.idle_s)),
    )


def person_sealer(config: Config) -> LiveSealer:
    """What seals people's secrets (TOTP); the key file is made at the first start if nobody made one.

    Raises:
        ConfigError: the file cannot be used.
    """
    path = key_file(config)
    try:
        if config.secrets.key_file is None:
            ensure_key_file(path)
        return LiveSealer(path, PERSON_SECRET)
    except KeyFileError as error:
        raise ConfigError(f"secrets.key_file: {error}") from None


def key_file(config: Config) -> Path:
    """Where the keys of secrets at rest are: as configured, else beside a SQLite database, else in `var`."""
    if config.secrets.key_file is not None:
        return Path(config.secrets.key_file)
    url = make_url(config.store.url)
    folder = Path(url.database).parent if url.get_backend_name() == "sqlite" and url.database else Path("var")
    return folder / "secrets.keys"


def passkey_service(auth: AuthService, store: Store, issuer: str | None) -> PasskeyService:
    """Passkeys of the people in this database; whom the directory at `issuer` lets in does without their last one."""
    ways = WaysIn() if issuer is None else WaysIn(identities_at(issuer))
    return PasskeyService(auth, PasskeyRecords(store.sessions, ways))


def factor_service(auth: AuthService, store: Store, seals: LiveSealer) -> FactorService:
    """Second factors and fresh proofs of the people in this database."""
    return FactorService(auth, FactorRecords(store.sessions), seals)


def oidc_settings(config: Config, store: Store) -> OidcSettings | None:
    """The city's directory, None without one. Roles are data, so those that its rules name are looked up in the store.

    Raises:
        ConfigError: the file of the secret cannot be read, or is empty; or a rule names a role that it cannot give.
    """
    given = config.oidc
    if given.issuer is None:
        return None
    _check_rules(given.rules, store)
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


def _check_rules(rules: Sequence[OidcRuleConfig], store: Store) -> None:
    try:
        roles = GrantRecords(store.sessions).roles()
    except SQLAlchemyError as error:
        raise ConfigError(f"store.url: {error}") from None
    for index, rule in enumerate(rules):
        role = roles.get(rule.role)
        if role is None:
            raise ConfigError(f"oidc.rules[{index}].role: there is no role {rule.role}; `camctl user roles` lists them")
        if role.only_own:
            what = f"{rule.role} is for one organisation's cameras, and the directory names none; invite those people"
            raise ConfigError(f"oidc.rules[{index}].role: {what}")
