"""`camctl user grant|approve|revoke|grants|explain|roles|role`: what people may do, from the command line."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC
from pathlib import Path
from typing import Final

from auth.grant_service import Grants
from auth.grants import GrantWish
from auth.model import CameraRef, Person
from auth.policy import Standing
from auth.roles import CAMERA_CAPABILITIES, Role, ViewingRank
from auth.service import AuthService, utc_now
from auth.whole_city import Grantee, second_look
from auth.windows import parse_window
from camctl.config import Config
from camctl.errors import ConfigError
from camctl.groundwork import check_areas, city_of, load_areas

COMMANDS: Final = frozenset({"grant", "approve", "revoke", "grants", "explain", "roles", "role"})


async def run(options: argparse.Namespace, config: Config, auth: AuthService) -> None:
    """Carry out one of them."""
    grants = Grants(auth)
    match options.user_command:
        case "grant":
            _check_places(options, config)
            grant = await grants.give(options.username, _wish(options), None)
            _say(f"{grant.id}  {options.username} {_brings(grant.deny)} {', '.join(sorted(grant.capabilities))}")
        case "approve":
            grant = await grants.approve(options.username, options.grant, None)
            _say(f"{grant.id}  {options.username} {_brings(grant.deny)} {', '.join(sorted(grant.capabilities))}")
        case "revoke":
            await grants.revoke(options.username, options.grant, None)
            _say(f"{options.grant} of {options.username} is revoked")
        case "grants":
            _show(await auth.person(options.username), config)
        case "explain":
            _explain(await auth.person(options.username), _camera(config, options.camera, options.config))
        case "roles":
            for name, role in (await grants.roles()).items():
                own = ", of one's own organisation's cameras" if role.only_own else ""
                priority = "by level" if role.priority is None else role.priority
                _say(f"{name:<12} priority {priority!s:<9} {', '.join(sorted(role.capabilities))}{own}")
        case "role":
            rank = ViewingRank[options.viewing.upper()]
            made = Role(frozenset(options.capability), options.priority, options.only_own, rank)
            await grants.set_role(options.name, made, None)
            _say(f"{options.name} brings {', '.join(sorted(made.capabilities))}")


def _wish(options: argparse.Namespace) -> GrantWish:
    return GrantWish(
        role=options.role,
        areas=tuple(options.area),
        cameras=tuple(options.camera),
        capabilities=None if options.only is None else frozenset(options.only),
        deny=options.deny,
        window=None if options.window is None else parse_window(options.window),
        starts_at=options.starts,
        ends_at=options.ends,
        priority=options.priority,
        reason=options.reason,
    )


def _check_places(options: argparse.Namespace, config: Config) -> None:
    check_areas(config, options.area)
    for camera_id in options.camera:
        _camera(config, camera_id, options.config)


def _camera(config: Config, camera_id: str, path: Path) -> CameraRef:
    camera = _cameras(config).get(camera_id)
    if camera is None:
        raise ConfigError(f"there is no camera {camera_id} in {path}")
    return camera


def _cameras(config: Config) -> dict[str, CameraRef]:
    return {
        camera.id: CameraRef(camera.id, camera.area, camera.owner, camera.emergency_only)
        for camera in config.cameras.items
    }


def _brings(deny: bool) -> str:
    return "may no longer" if deny else "may"


def _show(person: Person, config: Config) -> None:
    now, cameras = utc_now(), _cameras(config)
    city, grantee = city_of(load_areas(config), cameras.get, cameras.values), Grantee.of(person)
    for grant in person.grants:
        places = ", ".join((*grant.areas, *grant.cameras))
        hours = "" if grant.window is None else f"  {grant.window}"
        ends = "" if grant.ends_at is None else f"  until {grant.ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        what = "denied " + ", ".join(sorted(grant.capabilities)) if grant.deny else grant.role
        look = second_look(grant, grantee, now, city) if grant.waits else None
        why = "" if look is None else f"  It waits for a second person: {look.sentence}"
        _say(f"{grant.id}  {grant.state(now):<12} {what}  {places}{hours}{ends}  ({grant.reason}){why}")


def _explain(person: Person, camera: CameraRef) -> None:
    standing = Standing(person, utc_now())
    for capability in sorted(CAMERA_CAPABILITIES):
        decision = standing.allows(capability, camera)
        grant = "" if decision.grant is None else f"  [{decision.grant.id}]"
        _say(f"{capability:<18} {'yes' if decision else 'no':<4} {decision.reason}{grant}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
