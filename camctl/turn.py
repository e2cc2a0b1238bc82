"""TURN servers and the credentials that phones get for them: time-limited, from a shared secret. Pure.

What coturn does with `use-auth-secret` (draft-uberti-behave-turn-rest-00): the user name is a Unix time and any word,
the password the HMAC-SHA1 of it. Nobody's name is in it, and it is of no use after its time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

# RFC 7065, as much as deployed agents take: a name, an IPv4 or a bracketed IPv6, a port, a transport.
_URL = re.compile(r"turns?:(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(?:\?transport=(?:udp|tcp))?\Z")


def check_turn_url(text: str) -> str:
    """The URL itself.

    Raises:
        ValueError: it is none that browsers take.
    """
    found = _URL.match(text)
    if found is None or not 0 < int(found[1] or 1) < 65_536:
        raise ValueError(f"{text!r} is not a TURN address such as turn:turn.example.go.id:3478?transport=udp")
    return text


@dataclass(frozen=True, slots=True)
class TurnServers:
    """The servers' URLs and the secret shared with them, which is kept out of repr."""

    urls: tuple[str, ...]
    secret: str
    ttl_s: float

    def __repr__(self) -> str:
        return f"TurnServers(urls={self.urls!r}, ttl_s={self.ttl_s:g})"

    def credentials(self, now_s: float, word: str) -> tuple[str, str]:
        """User name and password, good until `now_s` (Unix time) + `ttl_s`; `word` tells one viewer from another."""
        username = f"{int(now_s + self.ttl_s)}:{word}"
        digest = hmac.digest(self.secret.encode(), username.encode(), hashlib.sha1)
        return username, base64.b64encode(digest).decode()

    def links(self, now_s: float, word: str) -> list[str]:
        """A value of a Link header for each server (draft-ietf-wish-whep-03 section 4.6)."""
        username, password = self.credentials(now_s, word)
        more = f'rel="ice-server"; username="{username}"; credential="{password}"; credential-type="password"'
        return [f"<{url}>; {more}" for url in self.urls]
