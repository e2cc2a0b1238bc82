"""WS-Security UsernameToken with a password digest, made from the camera's clock and nothing that threads share."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from lxml import etree
from zeep.wsse.utils import get_security_header

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_WSSE = f"{_OASIS}-wssecurity-secext-1.0.xsd"
_WSU = f"{_OASIS}-wssecurity-utility-1.0.xsd"
_DIGEST = f"{_OASIS}-username-token-profile-1.0#PasswordDigest"
_BASE64 = f"{_OASIS}-soap-message-security-1.0#Base64Binary"


class CameraClock:
    """What the camera's clock says: ours plus `offset_s`, which is found at connect and after a reboot."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self.offset_s = 0.0

    def ours_s(self) -> float:
        """Seconds since the epoch by our clock."""
        return self._wall()

    def set(self, theirs_s: float, asked_s: float) -> None:
        """It said `theirs_s`, whole seconds, to a question that was asked at `asked_s` by our clock."""
        # On average half a second has passed since.
        self.offset_s = theirs_s + 0.5 - (asked_s + self.ours_s()) / 2

    def created(self) -> str:
        """The camera's present time in UTC, zulu, whole seconds: fractions confuse some firmware."""
        return datetime.fromtimestamp(self._wall() + self.offset_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """Base64(SHA-1(nonce + created + password)) (WSS UsernameToken Profile 1.0, section 3.1)."""
    # SHA-1 is what the profile says; there is no other.
    made = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False)
    return base64.b64encode(made.digest()).decode("ascii")


class Stamp(NamedTuple):
    """What is new in each token: base64 texts and a time, nothing that would have to be escaped in XML."""

    digest: str
    nonce: str
    created: str


class UsernameToken:
    """zeep's `wsse` hook: adds a fresh token to every request. Safe to use from several threads at once."""

    def __init__(self, username: str, password: str, clock: CameraClock) -> None:
        self.username = username
        self._password = password
        self._clock = clock

    def __repr__(self) -> str:
        return "UsernameToken(...)"

    def apply(self, envelope: Any, headers: Any) -> tuple[Any, Any]:  # noqa: ANN401 - zeep's own types
        """Add wsse:Security/UsernameToken to the envelope's header."""
        self.write(envelope, self.stamp())
        return envelope, headers

    def stamp(self) -> Stamp:
        """A fresh one."""
        nonce, created = secrets.token_bytes(16), self._clock.created()
        digest = password_digest(nonce, created, self._password)
        return Stamp(digest, base64.b64encode(nonce).decode("ascii"), created)

    def write(self, envelope: Any, stamp: Stamp) -> None:  # noqa: ANN401 - zeep's own types
        """Add the token with this stamp to the envelope's header."""
        security = get_security_header(envelope)  # type: ignore[no-untyped-call]
        token = etree.SubElement(security, f"{{{_WSSE}}}UsernameToken")
        etree.SubElement(token, f"{{{_WSSE}}}Username").text = self.username
        etree.SubElement(token, f"{{{_WSSE}}}Password", Type=_DIGEST).text = stamp.digest
        etree.SubElement(token, f"{{{_WSSE}}}Nonce", EncodingType=_BASE64).text = stamp.nonce
        etree.SubElement(token, f"{{{_WSU}}}Created").text = stamp.created

    def verify(self, envelope: Any) -> None:  # noqa: ANN401 - zeep's own types
        """Cameras do not sign their answers: nothing to verify."""
