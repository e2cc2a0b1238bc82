"""What differs between the configuration at work and a changed one: what is taken up at once, what waits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from camctl.cameras.model import CameraPolicy
from camctl.config import CameraConfig, Config

POLICY_KEYS = frozenset({"name", "area", "owner", "emergency_only"})


@dataclass(frozen=True, slots=True)
class ConfigChanges:
    """`policies`: of the cameras whose policy is another one now. `later`: keys that take effect at the next start."""

    policies: Mapping[str, CameraPolicy]
    later: tuple[str, ...] = ()


def policy_of(camera: CameraConfig) -> CameraPolicy:
    """What may change of it while the service runs."""
    return CameraPolicy(camera.name, camera.area, camera.owner, camera.emergency_only)


def config_changes(started: Config, wanted: Config, running: Mapping[str, CameraPolicy]) -> ConfigChanges:
    """From `running`, the cameras' policies at work, and what the service was started with, to what is wanted."""
    before = {camera.id: camera for camera in started.cameras.items}
    after = {camera.id: camera for camera in wanted.cameras.items}
    policies = {
        id_: policy_of(after[id_])
        for id_, policy in running.items()
        if id_ in after and policy_of(after[id_]) != policy
    }
    later = [
        f"{section}.{key}"
        for section in Config.model_fields
        for key in _changed(getattr(started, section), getattr(wanted, section))
        if (section, key) != ("cameras", "items")
    ]
    later += [f"camera {id_} (new)" for id_ in after if id_ not in before]
    later += [f"camera {id_} (removed)" for id_ in before if id_ not in after]
    later += [
        f"camera {id_}: {key}"
        for id_, camera in before.items()
        if id_ in after
        for key in _changed(camera, after[id_])
        if key not in POLICY_KEYS
    ]
    later += [  # also of a camera whose area or owner is taken up at once: its networks are those of the start
        f"camera {id_}: the networks of its site"
        for id_, camera in before.items()
        if id_ in after and started.cameras.site_of(camera) != wanted.cameras.site_of(after[id_])
    ]
    return ConfigChanges(policies, tuple(later))


def told(policy: CameraPolicy, other: CameraPolicy) -> dict[str, tuple[str | bool, str | bool]]:
    """By key what it was and what it is, of all that differs."""
    pairs = {key: (getattr(policy, key), getattr(other, key)) for key in sorted(POLICY_KEYS)}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _changed(before: BaseModel, after: BaseModel) -> list[str]:
    """The keys of one section whose values differ; values are not told, they may be secret."""
    return [key for key in type(before).model_fields if getattr(before, key) != getattr(after, key)]
