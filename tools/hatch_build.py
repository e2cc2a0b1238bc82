"""Refuses to build a wheel without the client in it: a service without its page would look whole and show nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ClientHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own examples leave it open
    """Checks that the built client is where the wheel takes it from."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  hatchling's signature
        """Raise unless the client was built."""
        index = Path(self.root) / "camctl" / "api" / "static" / "index.html"
        if version != "editable" and not index.exists():
            raise FileNotFoundError(f"{index} is missing: run `make client` first, or `make wheel`, which does both")
