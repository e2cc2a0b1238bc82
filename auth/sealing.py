"""Secrets of people that must be read again are sealed before they reach the database; with what is not known here."""

from __future__ import annotations

from typing import Protocol


class Sealer(Protocol):
    """Seals secrets, each for its owner: what is moved to another owner does not open there."""

    def seal(self, secret: str, owner: str) -> str:
        """The sealed text."""

    def open(self, text: str, owner: str) -> str:
        """What was sealed; ValueError, whose message says why, when it cannot be opened for this owner."""
