"""What a PATCH on a WHEP session means (draft-ietf-wish-whep-03 section 4, RFC 9725 section 4.3, RFC 8840). Pure."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from streams.errors import StreamError, StreamFault
from streams.webrtc.mux import IceCredentials

MAX_FRAGMENT_BYTES = 16 << 10
_ICE_CHARS = re.compile(r"[A-Za-z0-9+/=_-]{4,256}\Z")  # with what deployed agents use beyond RFC 8839's ice-char


@dataclass(frozen=True, slots=True)
class Fragment:
    """A body of application/trickle-ice-sdpfrag; candidates without "a=candidate:". The password is not in repr."""

    ufrag: str = ""
    password: str = ""
    mid: str = ""
    candidates: tuple[str, ...] = ()
    is_complete: bool = False

    def __repr__(self) -> str:
        return f"Fragment(ufrag={self.ufrag!r}, mid={self.mid!r}, candidates={len(self.candidates)})"


class Patch(Enum):
    """What to do with a PATCH."""

    TRICKLE = "trickle"  # 204
    RESTART = "restart"  # 200 with our new credentials and a new ETag
    STALE = "stale"  # 412
    UNCONDITIONAL = "unconditional"  # 428


def parse_fragment(text: str) -> Fragment:
    """Read a fragment.

    Raises:
        StreamError: BAD_OFFER, when it says nothing about ICE or is too long.
    """
    if len(text) > MAX_FRAGMENT_BYTES:
        raise StreamError(StreamFault.BAD_OFFER, f"the fragment exceeds {MAX_FRAGMENT_BYTES} bytes")
    values: dict[str, str] = {}
    candidates: list[str] = []
    for raw in text.splitlines():
        name, _, value = raw.strip().partition(":")
        if name == "a=candidate":
            candidates.append(value)
        elif name.startswith("a="):
            values.setdefault(name[2:], value.strip())
    ufrag, password = values.get("ice-ufrag", ""), values.get("ice-pwd", "")
    if not (ufrag or candidates or "end-of-candidates" in values):
        raise StreamError(StreamFault.BAD_OFFER, "the fragment says nothing about ICE")
    if (ufrag and not _ICE_CHARS.match(ufrag)) or (password and not _ICE_CHARS.match(password)):
        raise StreamError(StreamFault.BAD_OFFER, "the fragment's ICE credentials are malformed")
    return Fragment(ufrag, password, values.get("mid", ""), tuple(candidates), "end-of-candidates" in values)


def build_fragment(ice: IceCredentials, candidates: Sequence[str], mid: str, kind: str = "video") -> str:
    """Our side after an ICE restart; `candidates` are whole a=candidate lines, of the section `mid`."""
    lines = [
        "a=ice-lite",
        f"a=ice-ufrag:{ice.ufrag}",
        f"a=ice-pwd:{ice.password}",
        f"m={kind} 9 RTP/AVP 0",
        f"a=mid:{mid}",
        *candidates,
        "a=end-of-candidates",
    ]
    return "\r\n".join(lines) + "\r\n"


def judge_patch(fragment: Fragment, if_match: str | None, etag: str, known_ufrag: str) -> Patch:
    """Decide by the precondition and by whether the viewer has new ICE credentials.

    Trickle without If-Match is accepted: `whip-whep` sends none, and nothing can go wrong, for we are ICE-lite and
    never use a viewer's candidates. A restart without it is not: it may be an old one that was late.

    Raises:
        StreamError: BAD_OFFER for a restart without password.
    """
    wanted = (if_match or "").strip()
    if wanted and wanted.strip('"') != "*" and etag not in (item.strip() for item in wanted.split(",")):
        return Patch.STALE
    if not fragment.ufrag or fragment.ufrag == known_ufrag:
        return Patch.TRICKLE
    if not fragment.password:
        raise StreamError(StreamFault.BAD_OFFER, "an ICE restart needs a=ice-pwd")
    return Patch.RESTART if wanted else Patch.UNCONDITIONAL


def new_etag() -> str:
    """A strong entity tag, quotes included."""
    return f'"{secrets.token_hex(8)}"'


def new_credentials() -> IceCredentials:
    """Fresh ICE credentials: 48 bits of user name, 144 of password (RFC 8445 asks for 24 and 128)."""
    return IceCredentials(secrets.token_hex(6), secrets.token_hex(18))
