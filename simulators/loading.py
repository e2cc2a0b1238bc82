"""Reading a street's YAML: all that is wrong with it in one message, each fault under its key."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from pydantic import ValidationError

from simulators.config import StreetConfig
from simulators.quirks import Quirks, UnknownQuirkError


class ConfigError(Exception):
    """The file cannot be used; the message lists every fault by its key, one a line."""


def load_street(path: Path) -> StreetConfig:
    """The street that a file describes.

    Raises:
        ConfigError: no such file, not YAML, an unknown key, a wrong value, an unknown quirk.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    return parse_street(text, str(path))


def parse_street(text: str, name: str) -> StreetConfig:
    """The street that a YAML text describes; `name` is what the message calls it.

    Raises:
        ConfigError: see load_street.
    """
    try:
        # Strict by way of JSON: a list may stand for a tuple there, but a word never for a number.
        document = json.dumps(yaml.safe_load(text), allow_nan=False)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: not YAML: {_one_line(error)}") from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name}: {error}") from error
    try:
        config = StreetConfig.model_validate_json(document, strict=True)
    except ValidationError as error:
        raise ConfigError(_list(name, [_fault(each["loc"], each["msg"]) for each in error.errors()])) from error
    faults = _quirk_faults(config)
    if faults:
        raise ConfigError(_list(name, faults))
    return config


def _quirk_faults(config: StreetConfig) -> list[str]:
    faults: dict[str, str] = {}
    for index, camera in enumerate(config.cameras):
        try:
            Quirks.named(camera.quirks)
        except UnknownQuirkError as error:
            # It names all that there are: once is enough when every camera has the same fault.
            faults.setdefault(str(error), f"cameras[{index}].quirks: {error}")
    return list(faults.values())


def _list(name: str, faults: list[str]) -> str:
    return "\n  ".join([f"{name}:", *faults])


def _fault(location: tuple[int | str, ...], message: str) -> str:
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return f"{key or 'the file'}: {message}"


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())
