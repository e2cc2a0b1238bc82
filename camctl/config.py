"""The configuration: one strict model; every fault is found at once and named by its key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from camctl.config_oidc import InvitationConfig, OidcConfig
from camctl.config_server import ServerConfig
from camctl.config_sites import SiteConfig, overlap
from camctl.config_types import (
    STRICT,
    Advertised,
    AreaCode,
    Fingerprint,
    LiteralIp,
    Network,
    OnvifAddress,
    Origin,
    Port,
    RtspAddress,
    Sealed,
    Span,
    TimeZone,
    TurnUrl,
    network,
)
from camctl.errors import ConfigError
from camctl.sealing import Sealer, SealError
from camctl.turn import TurnServers

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class _Strict(BaseModel):
    model_config = STRICT


class TurnConfig(_Strict):
    """A TURN server for phones whose network lets nothing else through; the secret is shared with it."""

    urls: Annotated[list[TurnUrl], Field(max_length=8)] = []
    secret: SecretStr = SecretStr("")
    secret_file: str | None = None
    ttl_s: Annotated[float, Field(ge=60, le=604_800)] = 21_600.0

    @model_validator(mode="after")
    def _has_one_secret(self) -> TurnConfig:
        is_given = bool(self.secret.get_secret_value())
        if is_given and self.secret_file is not None:
            msg = "give secret or secret_file, not both"
            raise ValueError(msg)
        if self.urls and not is_given and self.secret_file is None:
            msg = "urls need secret or secret_file: what the TURN server has as static-auth-secret"
            raise ValueError(msg)
        return self


class MediaConfig(_Strict):
    """How video reaches viewers."""

    workers: Annotated[int, Field(ge=0, le=64)] = 0
    udp_host: LiteralIp = "::"  # viewers come from everywhere; every packet is authenticated by ICE and DTLS
    udp_port: Port = 8200
    tcp: bool = True
    advertise: Annotated[list[Advertised], Field(min_length=1)] = ["auto"]
    linger_s: Seconds = 10.0
    sessions_per_person: Annotated[int, Field(ge=1, le=10_000)] = 16
    sessions_per_camera: Annotated[int, Field(ge=1, le=100_000)] = 2000
    sessions_per_worker: Annotated[int, Field(ge=1, le=10_000)] = 1000
    fallback_sessions: Annotated[int, Field(ge=0, le=10_000)] = 200
    reserve_share: Annotated[float, Field(ge=0, le=0.9)] = 0.1
    busy_lag_ms: Annotated[int, Field(ge=5, le=10_000)] = 100
    turn: TurnConfig = TurnConfig()
    whep_origins: list[Origin] = []
    spread_after: Annotated[int, Field(ge=1, le=10_000)] = 250


class RestreamConfig(_Strict):
    """Video for recorders and players over RTSP."""

    enabled: bool = False
    host: str = "0.0.0.0"  # noqa: S104  recorders come over the network; every request needs an account
    port: Port = 8554
    sessions_total: Annotated[int, Field(ge=1, le=10_000)] = 64
    sessions_per_account: Annotated[int, Field(ge=1, le=10_000)] = 16


class PriorityConfig(_Strict):
    """Another priority for a role in one area and all that lies in it; the deepest area counts."""

    area: AreaCode
    role: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    priority: Annotated[int, Field(ge=0, le=100)]


class ControlConfig(_Strict):
    """Who holds a camera for how long, and how fast silence stops it."""

    lease_idle_s: Annotated[float, Field(ge=1, le=300)] = 10.0
    lease_cap_s: Annotated[float, Field(ge=10, le=86_400)] = 300.0
    reserve_max_s: Annotated[float, Field(ge=60, le=86_400)] = 3600.0
    command_life_min_ms: Annotated[int, Field(ge=200, le=2000)] = 500
    command_life_max_ms: Annotated[int, Field(ge=200, le=2000)] = 900
    camera_timeout_s: Annotated[int, Field(ge=1, le=10)] = 1
    moves_per_s: Annotated[int, Field(ge=5, le=100)] = 20
    stop_on_start: bool = True
    patrol_idle_s: Annotated[float, Field(ge=1, le=3600)] = 30.0
    time_zone: TimeZone = "Asia/Jakarta"
    priorities: list[PriorityConfig] = []
    journal: str | None = "var/control.journal"

    @model_validator(mode="after")
    def _life_is_a_range(self) -> ControlConfig:
        if self.command_life_min_ms > self.command_life_max_ms:
            msg = "command_life_min_ms is more than command_life_max_ms"
            raise ValueError(msg)
        return self


class StoreConfig(_Strict):
    """Where people and sessions are kept."""

    url: str = "sqlite:///var/camctl.db"


class SecretsConfig(_Strict):
    """With which keys secrets are encrypted where they are kept."""

    key_file: str | None = None


class SessionConfig(_Strict):
    """How long a sign-in lasts."""

    idle_s: Annotated[float, Field(gt=0)] = 43_200.0
    absolute_s: Annotated[float, Field(gt=0)] = 604_800.0


class AuditConfig(_Strict):
    """The record of who saw and did what."""

    folder: str = "var/audit"
    retention_days: Annotated[int, Field(ge=30, le=36_500)] | None = None
    checkpoint_every_s: Annotated[float, Field(ge=10, le=86_400)] = 300.0


class LogConfig(_Strict):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class RtspConfig(_Strict):
    """A camera that is only a video feed."""

    main: RtspAddress
    sub: RtspAddress | None = None


class LimitsConfig(_Strict):
    """How far a camera may be turned by us, in the generic position space."""

    pan: Span | None = None
    tilt: Span | None = None


class SectorConfig(_Strict):
    """A view that nobody may see, such as a neighbour's window."""

    pan: Span
    tilt: Span


class CameraConfig(_Strict):
    """One camera: either ONVIF (steered if it can) or plain RTSP (view only)."""

    id: Identifier
    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    area: AreaCode
    owner: str = ""
    onvif: OnvifAddress | None = None
    rtsp: RtspConfig | None = None
    rtsp_transport: Literal["auto", "tcp", "udp"] = "auto"
    tls_fingerprint: Fingerprint | None = None
    audio: bool = False
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: str | None = None
    password_sealed: Annotated[Sealed | None, Field(repr=False)] = None
    steer_without_timeout: bool = False
    emergency_only: bool = False
    limits: LimitsConfig = LimitsConfig()
    forbidden_sectors: Annotated[list[SectorConfig], Field(max_length=32)] = []

    @model_validator(mode="after")
    def _has_one_address(self) -> CameraConfig:
        if (self.onvif is None) == (self.rtsp is None):
            msg = "give either onvif (the device service URL) or rtsp (main, and sub if there is one)"
            raise ValueError(msg)
        given = (self.password.get_secret_value() or None, self.password_file, self.password_sealed)
        if sum(each is not None for each in given) > 1:
            msg = "give one of password, password_file and password_sealed"
            raise ValueError(msg)
        secure = self.rtsp is not None and f"{self.rtsp.main} {self.rtsp.sub}".count("rtsps://") > 0
        if secure and self.rtsp_transport == "udp":
            msg = (
                "rtsp_transport: udp would send the video unencrypted, though its address is rtsps://; use auto or tcp"
            )
            raise ValueError(msg)
        return self


class CamerasConfig(_Strict):
    """The cameras and the networks they may live in."""

    approved_networks: list[Network] = []
    sites: Annotated[list[SiteConfig], Field(max_length=256)] = []
    areas: str | None = None
    items: list[CameraConfig] = []

    @model_validator(mode="after")
    def _networks_are_apart(self) -> CamerasConfig:
        if msg := overlap(self.sites, self.approved_networks):
            raise ValueError(msg)
        return self

    def site_of(self, camera: CameraConfig) -> tuple[tuple[str, ...], str] | None:
        """The networks of the first site that it belongs to, and their key; None: `approved_networks` hold for it."""
        for index, site in enumerate(self.sites):
            if site.holds(camera.area, camera.owner):
                return tuple(site.networks), f"cameras.sites[{index}].networks"
        return None

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The approved networks, parsed."""
        return tuple(network(text) for text in self.approved_networks)


class Config(_Strict):
    """The whole of config.yaml."""

    server: ServerConfig = ServerConfig()
    media: MediaConfig = MediaConfig()
    restream: RestreamConfig = RestreamConfig()
    control: ControlConfig = ControlConfig()
    store: StoreConfig = StoreConfig()
    secrets: SecretsConfig = SecretsConfig()
    sessions: SessionConfig = SessionConfig()
    audit: AuditConfig = AuditConfig()
    invitations: InvitationConfig = InvitationConfig()
    oidc: OidcConfig = OidcConfig()
    log: LogConfig = LogConfig()
    cameras: CamerasConfig = CamerasConfig()

    @model_validator(mode="after")
    def _directory_can_send_back(self) -> Config:
        if self.oidc.issuer is not None and not self.server.public_url:
            msg = "oidc.issuer needs server.public_url: the address to which the directory sends people back"
            raise ValueError(msg)
        return self


def faults(data: object) -> list[str]:
    """Every fault of a parsed configuration, each as "key: what is wrong"; empty when it is right."""
    found = []
    try:
        Config.model_validate({} if data is None else data)
    except ValidationError as error:
        found = [_fault(item) for item in error.errors(include_url=False, include_input=False, include_context=False)]
    seen: set[object] = set()
    for key, camera in raw_cameras(data):
        name = camera.get("id")
        if isinstance(name, str) and name in seen:
            found.append(f"{key}.id: the camera id {name!r} is used twice")
        seen.add(name if isinstance(name, str) else None)
    return found


def raw_cameras(data: object) -> Iterator[tuple[str, dict[object, object]]]:
    """The cameras of an unchecked configuration, with their keys: what can be read of them, however wrong the rest."""
    cameras = data.get("cameras") if isinstance(data, dict) else None
    items = cameras.get("items") if isinstance(cameras, dict) else None
    for index, camera in enumerate(items if isinstance(items, list) else ()):
        if isinstance(camera, dict):
            yield f"cameras.items[{index}]", camera


def _fault(item: ErrorDetails) -> str:
    key = ""
    for step in item["loc"]:
        key += f"[{step}]" if isinstance(step, int) else f".{step}" if key else str(step)
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = "unknown key; see config.yaml for the keys there are"
    return f"{key or 'the file'}: {message}"


def parse(text: str, name: str, also: Callable[[object], list[str]] = lambda _data: []) -> Config:
    """The configuration in YAML `text`; `name` is said in errors, `also` finds faults that this module cannot know.

    Raises:
        ConfigError: with every fault, one a line.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{name} is not YAML{where}: {getattr(error, 'problem', 'unreadable')}") from None
    except (ValueError, RecursionError) as error:  # 2026-13-45 looks like a date and is none
        raise ConfigError(f"{name} has a value that cannot be read: {error}") from None
    found = [*faults(data), *also(data)]
    if found:
        raise ConfigError(
            f"{name} has {len(found)} fault{'s' if len(found) > 1 else ''}:\n" + "\n".join(f"  {f}" for f in found)
        )
    return Config.model_validate({} if data is None else data)


def load(path: Path, also: Callable[[object], list[str]] = lambda _data: []) -> Config:
    """Read and check the file at `path`; `also` as in parse.

    Raises:
        ConfigError: it cannot be read, is no YAML, or has faults; the message holds all of them.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None
    return parse(text, str(path), also)


def camera_password(camera: CameraConfig, sealer: Sealer | None) -> str:
    """The camera's password: as given, from its file, or opened by `sealer`, which only a sealed one needs.

    Raises:
        ConfigError: the file cannot be read, or the sealed text not be opened.
    """
    if camera.password_sealed is not None:
        if sealer is None:
            raise ConfigError(f"camera {camera.id}: password_sealed needs secrets.key_file")
        try:
            return sealer.open(camera.password_sealed, camera.id)
        except SealError as error:
            raise ConfigError(f"camera {camera.id}: password_sealed: {error}") from None
    return _secret(camera.password, camera.password_file, f"camera {camera.id}: password_file")


def turn_servers(turn: TurnConfig) -> TurnServers | None:
    """The TURN servers that viewers are told of, None without any.

    Raises:
        ConfigError: the file of the secret cannot be read, or is empty.
    """
    if not turn.urls:
        return None
    secret = _secret(turn.secret, turn.secret_file, "media.turn.secret_file")
    if not secret:
        raise ConfigError("media.turn.secret_file: the file is empty")
    return TurnServers(tuple(turn.urls), secret, turn.ttl_s)


def _secret(given: SecretStr, path: str | None, key: str) -> str:
    if path is None:
        return given.get_secret_value()
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}: {error}") from None


def explained() -> str:
    """The text of config.yaml as it ships: every key with its default and what it means."""
    packaged = Path(__file__).with_name("default_config.yaml")
    # In a checkout the file lies at the root, where people look for it; a wheel carries it beside this module.
    path = packaged if packaged.exists() else Path(__file__).parents[1] / "config.yaml"
    return path.read_text(encoding="utf-8")
