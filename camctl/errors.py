"""The errors that end a start with one clear message, whatever part they come from."""

from __future__ import annotations


class CamctlError(Exception):
    """Something the person who runs the service can mend; the message says what is wrong and what to do."""

    exit_code = 1


class ConfigError(CamctlError):
    """The configuration is wrong; the message names every key at fault."""

    exit_code = 2


class PortInUseError(ConfigError):
    """A port that the configuration names is taken by another program."""

    def __init__(self, key: str, port: int, protocol: str) -> None:
        super().__init__(
            f"{key}: {protocol} port {port} is in use by another program; stop that program or choose another port"
        )
