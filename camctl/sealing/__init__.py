"""Secrets at rest: what is encrypted with a key of ours, and the file that holds the keys.

ring = read_key_file(Path("/etc/camctl/secrets.keys"))
sealer = Sealer(ring, "camera-password")                 # one purpose each: what is sealed for one opens for no other
text = sealer.seal("rahasia", "bundaran-hi-1")           # "v1:KEYID:BASE64", good for this camera only
sealer.open(text, "bundaran-hi-1")

Nothing here knows cameras or people. `auth` may not import it: give it a Sealer through a protocol of its own.
"""

from camctl.sealing.keyfile import KeyFileError, append_key, create_key_file, ensure_key_file, new_key, read_key_file
from camctl.sealing.keys import Key, KeyRing, KeyTextError
from camctl.sealing.live import LiveSealer
from camctl.sealing.seal import (
    SEALED_FORM,
    NotSealedError,
    Sealer,
    SealError,
    UnknownKeyError,
    WrongSealError,
    key_id_of,
)

__all__ = [
    "SEALED_FORM",
    "Key",
    "KeyFileError",
    "KeyRing",
    "KeyTextError",
    "LiveSealer",
    "NotSealedError",
    "SealError",
    "Sealer",
    "UnknownKeyError",
    "WrongSealError",
    "append_key",
    "create_key_file",
    "ensure_key_file",
    "key_id_of",
    "new_key",
    "read_key_file",
]
