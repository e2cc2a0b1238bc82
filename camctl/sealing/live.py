"""A sealer for a process that runs for months, while `camctl secrets rotate` gives the file newer keys."""

from __future__ import annotations

import logging
from pathlib import Path

from camctl.sealing.keyfile import KeyFileError, read_key_file
from camctl.sealing.seal import Sealer, UnknownKeyError

_log = logging.getLogger(__name__)


class LiveSealer:
    """As `Sealer`, and reads its key file again when a text names a key that was not there before.

    Raises KeyFileError when the file cannot be used at first; later what it had goes on.
    """

    def __init__(self, path: Path, purpose: str) -> None:
        self._path = path
        self._purpose = purpose
        self._sealer = Sealer(read_key_file(path), purpose)

    def seal(self, secret: str, owner: str) -> str:
        """The sealed text of `owner`'s secret."""
        return self._sealer.seal(secret, owner)

    def open(self, text: str, owner: str) -> str:
        """The secret; SealError as `Sealer.open`."""
        try:
            return self._sealer.open(text, owner)
        except UnknownKeyError:
            try:
                self._sealer = Sealer(read_key_file(self._path), self._purpose)
            except KeyFileError as error:
                _log.error("the key file cannot be read again: %s", error)
            return self._sealer.open(text, owner)
