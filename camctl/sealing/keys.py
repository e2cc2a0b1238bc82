"""Keys by id, and the text of the file that holds them. Pure: bytes of chance and the time are arguments."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

KEY_BYTES = 32
MAX_KEYS = 1000
_LINE = re.compile(r"(?P<id>[0-9a-f]{8}) (?P<made>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (?P<key>[A-Za-z0-9+/]{43}=)")
_HEAD = (
    "# Keys of camctl. Whoever has this file can read what was sealed with it: keep it apart from the configuration's\n"
    "# backups, and keep a copy: without it nothing that is sealed can be read again.\n"
    "# One key a line: id, when it was made, key. The last one seals; those before it still open.\n"
)


class KeyTextError(ValueError):
    """The text is no file of keys; the message names the line and shows nothing of it."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key for AES-256-GCM. Its id is made from it, so that two keys never share one."""

    made: datetime
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")

    @property
    def id(self) -> str:
        """Eight hexadecimal digits, which tell nothing of the key."""
        return hashlib.sha256(b"camctl key id\0" + self.secret).hexdigest()[:8]


class KeyRing:
    """Keys in the order in which they were made, at least one; the last one seals."""

    def __init__(self, keys: Sequence[Key]) -> None:
        if not keys:
            raise ValueError("a key ring has at least one key")
        self._keys = {key.id: key for key in keys}
        if len(self._keys) != len(keys):
            raise ValueError("a key is there twice")

    @property
    def newest(self) -> Key:
        """The one that seals."""
        return next(reversed(self._keys.values()))

    def get(self, key_id: str) -> Key | None:
        """The key, or None."""
        return self._keys.get(key_id)

    def with_newer(self, key: Key) -> KeyRing:
        """A ring in which `key` seals."""
        return KeyRing([*self, key])

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"


def line_of(key: Key) -> str:
    """A key as a line of the file."""
    made = key.made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{key.id} {made} {base64.b64encode(key.secret).decode()}\n"


def format_keys(ring: KeyRing) -> str:
    """The text of a new file."""
    return _HEAD + "".join(map(line_of, ring))


def parse_keys(text: str) -> KeyRing:
    """The keys of a file's text; empty lines and those that begin with # are skipped.

    Raises:
        KeyTextError: there is none, or a line is no key.
    """
    keys: dict[str, Key] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        key = _key(line.strip(), number)
        if key.id in keys:
            raise KeyTextError(f"line {number}: the key {key.id} is there twice")
        if len(keys) == MAX_KEYS:
            raise KeyTextError(f"there are more than {MAX_KEYS} keys")
        keys[key.id] = key
    if not keys:
        raise KeyTextError("there is no key in it")
    return KeyRing(list(keys.values()))


def _key(line: str, number: int) -> Key:
    match = _LINE.fullmatch(line)
    if match is None:
        raise KeyTextError(f"line {number} is not an id, a time such as 2026-05-01T12:00:00Z and a key in Base64")
    try:
        made = datetime.strptime(match["made"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        key = Key(made, base64.b64decode(match["key"], validate=True))
    except (ValueError, binascii.Error):
        raise KeyTextError(f"line {number}: its time or its key is none") from None
    if key.id != match["id"]:
        raise KeyTextError(f"line {number}: the id {match['id']} is not that of its key; the line was altered")
    return key
