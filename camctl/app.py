"""The composition root: the one file that names concrete classes, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from auth.joining import Joining
from auth.restreams import RestreamAccounts
from auth.setup_code import SetupCode
from auth.sign_in_list import SignInList
from camctl.admission import Places
from camctl.api.application import build
from camctl.api.auditing import ServiceAudit
from camctl.api.revocation import LiveUses
from camctl.api.server import HttpServer, bind
from camctl.api.services import Services
from camctl.api.territory import territory_of
from camctl.areas.tree import AreaTree
from camctl.audit.trail import Trail
from camctl.boundaries import Boundaries
from camctl.camera_policies import CameraPolicies
from camctl.cameras.model import CameraEntry
from camctl.cameras.patrols import Patrols, load_patrols
from camctl.config import CameraConfig, Config, camera_password, turn_servers
from camctl.control.client import ControlClient
from camctl.control.codec import Setup
from camctl.directory import DirectoryGuard
from camctl.egress import EgressPolicy, OwnMachine, Site
from camctl.errors import ConfigError, PortInUseError
from camctl.fallback import Fallback
from camctl.first_administrator import announce
from camctl.groundwork import (
    auth_service,
    camera_sealer,
    factor_service,
    load_areas,
    oidc_settings,
    open_people,
    passkey_service,
    person_sealer,
)
from camctl.media import Media
from camctl.metrics import Metrics
from camctl.ptz.limits import Limits, Sector
from camctl.ptz.rules import Rules
from camctl.restream import RestreamGrants
from camctl.restream_account import REALM
from camctl.sealing import Sealer
from camctl.sources import Sources
from camctl.store.boundaries import BoundaryStore
from camctl.store.engine import REQUEST_PATIENCE_S, Store, StoreError
from camctl.store.patrols import PatrolStore
from camctl.supervisor import Supervisor, reload_on_hangup, running, stop_on_signals
from camctl.tls import Certificate, TlsError
from camctl.worker_metrics import worker_metrics
from streams.lifeline import watch
from streams.pool import MediaPool, RestreamLimits, RestreamPortError, RestreamSettings
from streams.pool import PortInUseError as MediaPortInUseError

if TYPE_CHECKING:
    from auth.city_sign_in import CitySignIn
    from auth.service import AuthService

_log = logging.getLogger(__name__)


def entry_of(
    camera: CameraConfig, sealer: Sealer | None, site: tuple[tuple[str, ...], str] | None = None
) -> CameraEntry:
    """A configured camera, as the catalogue keeps it; `sealer` opens its password if that is sealed.

    `site`: the networks that are its own, and their key.
    """
    return CameraEntry(
        id=camera.id,
        name=camera.name,
        area=camera.area,
        owner=camera.owner,
        onvif_url=camera.onvif,
        rtsp_main=camera.rtsp.main if camera.rtsp else None,
        rtsp_sub=camera.rtsp.sub if camera.rtsp else None,
        rtsp_transport=camera.rtsp_transport,
        tls_fingerprint=camera.tls_fingerprint or "",
        audio=camera.audio,
        username=camera.username,
        password=camera_password(camera, sealer),
        steer_without_timeout=camera.steer_without_timeout,
        emergency_only=camera.emergency_only,
        site=Site(*site) if site else None,
        limits=Limits(
            camera.limits.pan,
            camera.limits.tilt,
            tuple(Sector(sector.pan, sector.tilt) for sector in camera.forbidden_sectors),
        ),
    )


def control_setup(config: Config) -> Setup:
    """What the control process is told."""
    control = config.control
    sealer = camera_sealer(config)
    return Setup(
        cameras=tuple(entry_of(camera, sealer, config.cameras.site_of(camera)) for camera in config.cameras.items),
        rules=Rules(
            lease_idle_s=control.lease_idle_s,
            lease_cap_s=control.lease_cap_s,
            reserve_max_s=control.reserve_max_s,
            camera_timeout_s=control.camera_timeout_s,
        ),
        networks=tuple(map(str, config.cameras.networks)),
        stop_on_start=control.stop_on_start,
        patrol_idle_s=control.patrol_idle_s,
        time_zone=control.time_zone,
        journal=control.journal,
        audit=config.audit.folder,
        own=own_machine(config),
    )


def own_machine(config: Config) -> OwnMachine:
    """Where this service itself is found: no camera is. Ports that the system chooses are not known here."""
    found = {
        item.address.partition("%")[0]  # fe80::1%eth0
        for items in psutil.net_if_addrs().values()
        for item in items
        if item.family in {socket.AF_INET, socket.AF_INET6}
    }
    media = config.media
    ports = {config.server.port, *(media.udp_port + i for i in range(media.workers or _cores()) if media.udp_port)}
    if config.restream.enabled:
        ports.add(config.restream.port)
    return OwnMachine(tuple(sorted(found)), tuple(sorted(ports - {0})))


def places_of(config: Config) -> Places:
    """How many viewers there may be."""
    media = config.media
    return Places(
        per_person=media.sessions_per_person,
        per_camera=media.sessions_per_camera,
        per_worker=media.sessions_per_worker,
        fallback=media.fallback_sessions,
        reserve_share=media.reserve_share,
        busy_lag_s=media.busy_lag_ms / 1000,
    )


def trail_of(config: Config, store: Store, supervisor: Supervisor) -> Trail:
    """The audit log, as configured."""
    audit = config.audit
    return Trail(
        Path(audit.folder),
        store.sessions,
        supervisor,
        checkpoint_every_s=audit.checkpoint_every_s,
        retention_days=audit.retention_days,
    )


def certificate_of(config: Config) -> Certificate | None:
    """What browsers are shown, None where HTTP is served unencrypted.

    Raises:
        ConfigError: the files cannot be used.
    """
    tls = config.server.tls
    if tls.certificate is None or tls.key is None:
        return None
    try:
        return Certificate(Path(tls.certificate), Path(tls.key))
    except TlsError as error:
        raise ConfigError(f"server.tls.{error.key}: {error}") from None


def city_sign_in(config: Config, auth: AuthService, store: Store, own: OwnMachine) -> CitySignIn | None:
    """The door for people whom the city's directory knows, which is asked past the egress guard; None without one."""
    directory = oidc_settings(config, store)
    if directory is None:
        return None
    # Here, because what speaks to a directory takes a third of a second to load, and most cities have none.
    from auth.city_sign_in import CitySignIn
    from auth.oidc_client import OidcClient

    guard = DirectoryGuard(directory.issuer, config.oidc.approved_networks, own)
    return CitySignIn(directory, auth, store.sessions, OidcClient(directory, guard))


def restream_settings(config: Config) -> RestreamSettings | None:
    """Where integrators pull video, if they may at all."""
    given = config.restream
    if not given.enabled:
        return None
    limits = RestreamLimits(given.sessions_total, given.sessions_per_account)
    return RestreamSettings(given.host, given.port, REALM, limits)


class Service:
    """Everything that `camctl serve` runs. Made on the event loop; `run` returns when `stop` is set.

    `read` reads the configuration again, whenever `is_changed` is set.
    """

    def __init__(self, config: Config, read: Callable[[], Config], is_changed: asyncio.Event) -> None:
        self._config = config
        self._supervisor = Supervisor()
        self._metrics = Metrics()
        areas = load_areas(config)
        self._store = open_people(config, REQUEST_PATIENCE_S)
        self._auth = auth_service(config, self._store)
        self._factors = factor_service(self._auth, self._store, person_sealer(config))
        setup = control_setup(config)
        egress = EgressPolicy.of(setup.networks, setup.own)
        self._control = ControlClient(setup, self._supervisor)
        patrols = PatrolStore(self._store.sessions)
        self._tell_patrols(patrols)
        self._sources = Sources(self._control, egress)
        self._trail = trail_of(config, self._store, self._supervisor)
        self._audit = ServiceAudit(self._trail)
        self._media = Media(
            self._control, self._sources, places=places_of(config), metrics=self._metrics, views=self._audit
        )
        self._fallback = Fallback(self._media, self._metrics)
        self._pool = self._make_pool()
        self._media.pool = self._pool
        self._uses = LiveUses(self._auth, self._control, self._media, self._supervisor, config.sessions.idle_s)
        self._restreams = RestreamAccounts(self._store.sessions)
        self._grants = RestreamGrants(
            self._restreams, self._auth, self._control, self._pool, self._supervisor, self._audit
        )
        self._policies = CameraPolicies(
            config, read, is_changed, cameras=self._control, areas=areas, supervisor=self._supervisor,
            hearers=(self._uses.recheck_cameras, lambda _ids: self._grants.look_again()), record=self._audit,
        )  # fmt: skip
        self._setup = SetupCode(self._auth, [area.code for area in areas.children(None)])
        self._city = city_sign_in(config, self._auth, self._store, setup.own)
        self._certificate = certificate_of(config)
        self._app = build(self._services(areas, Patrols(patrols)))

    def _tell_patrols(self, store: PatrolStore) -> None:
        try:
            stored = load_patrols(store)
        except StoreError as error:
            raise ConfigError(f"store.url: {error}") from None
        for camera_id, rounds in stored.items():
            camera = self._control.get(camera_id)
            if camera is not None:  # one that is not configured keeps its patrols for the day it comes back
                camera.set_patrols(rounds)

    def _make_pool(self) -> MediaPool:
        media = self._config.media
        return MediaPool(
            media.workers or _cores(),
            media.udp_host,
            media.udp_port,
            advertise=media.advertise,
            linger_s=media.linger_s,
            max_sessions=media.sessions_per_worker,
            tcp=media.tcp,
            spread_after=media.spread_after,
            restream=restream_settings(self._config),
            find_source=self._sources.find,
            on_event=self._on_media_event,
        )

    def _on_media_event(self, event: dict[str, object]) -> None:
        self._media.on_event(event)
        self._grants.on_event(event)

    def _services(self, areas: AreaTree, patrols: Patrols) -> Services:
        return Services(
            config=self._config,
            auth=self._auth,
            passkeys=passkey_service(self._auth, self._store, self._config.oidc.issuer),
            factors=self._factors,
            cameras=self._control,
            media=self._media,
            areas=areas,
            boundaries=Boundaries(areas, BoundaryStore(self._store.sessions)),
            metrics=self._metrics,
            uses=self._uses,
            problems_now=self._problems_now,
            worker_metrics=self._worker_metrics,
            patrols=patrols,
            turn=turn_servers(self._config.media.turn),
            audit=self._audit,
            audit_log=self._trail.log,
            fallback=self._fallback,
            restreams=self._restreams,
            restream_port=lambda: self._pool.restream_port,
            joining=Joining(self._auth, self._store.sessions, territory_of(areas, self._control)),
            setup=self._setup,
            sign_ins=SignInList(self._store.sessions),
            city=self._city,
            is_self_signed=self._certificate is not None and self._certificate.shown.is_self_signed,
        )

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None] | None = None) -> None:
        """Serve until `stop`; raises what a part failed with."""
        config = self._config.server
        listening = bind(config.host, config.port)
        server = HttpServer(self._app, listening, self._supervisor, config, self._metrics, self._certificate)
        try:
            # Closed in reverse: first what has no end of its own, then no new request, then no socket, then every
            # camera still, then its video; last of all the record of what was done meanwhile.
            parts = (self._pool, self._control, self._uses, self._grants, self._policies, server, self._fallback)
            async with running(self._trail, self._audit, *parts):
                self._supervisor.watch(self._pool.failed)
                _log.info("serving on %s port %d", *listening.getsockname()[:2])
                await announce(self._setup, self._config)
                gc.freeze()  # as in camctl.__main__: a full collection of all that holds every request up
                if on_ready is not None:
                    on_ready()
                await self._supervisor.wait(stop)
        finally:
            listening.close()
            await self._supervisor.close()
            if self._city is not None:
                await self._city.close()
            await self._auth.close()
            self._store.close()

    async def _problems_now(self) -> list[str]:
        problems = []
        try:
            await asyncio.to_thread(self._store.check)
        except StoreError as error:
            problems.append(str(error))
        if not self._pool.is_ready:
            problems.append("a media worker is being restarted")
        return [*problems, *self._trail.problems, *self._control.problems]

    async def _worker_metrics(self) -> str:
        return worker_metrics(await self._pool.stats())


def _cores() -> int:
    return max(1, len(os.sched_getaffinity(0)))


async def serve(config: Config, read: Callable[[], Config], lifeline_fd: int | None = None) -> None:
    """Run the service until Ctrl-C, SIGTERM, or the end of the process at the other end of `lifeline_fd`.

    On SIGHUP the configuration is read again, by `read`.

    Raises:
        ConfigError: the configuration names something that cannot be had.
    """
    stop, is_changed = asyncio.Event(), asyncio.Event()
    stop_on_signals(stop.set)
    reload_on_hangup(is_changed.set, stop.set)
    if lifeline_fd is not None:
        watch(lifeline_fd, stop.set)
    try:
        await Service(config, read, is_changed).run(stop)
    except RestreamPortError as error:
        if error.is_taken:
            raise PortInUseError("restream.port", error.port, "TCP") from None
        where = f"{config.restream.host} TCP port {error.port}"
        raise ConfigError(f"restream.host: cannot serve RTSP on {where}: {error.detail}") from None
    except MediaPortInUseError as error:
        if error.is_taken:
            raise PortInUseError("media.udp_port", error.port, error.transport) from None
        where = f"{config.media.udp_host} {error.transport} port {error.port}"
        raise ConfigError(f"media.udp_host: cannot send video from {where}: {error.detail}") from None
