"""Who may call: WS-UsernameToken (WSS UsernameToken Profile 1.0) and HTTP digest, with clock and replay checks. Pure.

Times are arguments: `wall_s` is the camera's own clock, which may be wrong, `now_s` a monotonic one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from lxml import etree

from simulators.onvif.soap import SoapFaultError
from simulators.onvif.values import parse_time
from simulators.quirks import Quirks
from streams.rtsp.auth import ServerAuth, Verdict, parse_credentials

REALM = "ONVIF"
DEFAULT_TOLERANCE_S = 60.0
_REPLAY_ENTRIES = 4096
_BAD_LOGINS = 5
_LOCKED_S = 30.0
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"


class Access(StrEnum):
    """ONVIF's access classes (Core, 5.9.4.2); the simulated account is an administrator's."""

    PRE_AUTH = "PRE_AUTH"
    READ_SYSTEM = "READ_SYSTEM"
    READ_SYSTEM_SENSITIVE = "READ_SYSTEM_SENSITIVE"
    WRITE_SYSTEM = "WRITE_SYSTEM"
    UNRECOVERABLE = "UNRECOVERABLE"
    READ_MEDIA = "READ_MEDIA"
    ACTUATE = "ACTUATE"


class Login(Enum):
    """What came of looking at a request's credentials."""

    GOOD = "good"
    NONE = "none"  # nothing to judge: challenge
    STALE = "stale"  # HTTP digest with an old nonce: challenge again
    BAD_HTTP = "bad-http"
    BAD_TOKEN = "bad-token"  # noqa: S105 - not a password
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """The token of a request; `digest` is the base64 text, or the password itself when `is_text`."""

    username: str
    digest: str = field(repr=False)
    is_text: bool
    nonce: str
    created: str


def read_token(header: etree._Element | None) -> UsernameToken | None:
    """The UsernameToken of a SOAP Header, None without one."""
    token = header.find(f".//{{{_WSSE}}}UsernameToken") if header is not None else None
    if token is None:
        return None
    password = token.find(f"{{{_WSSE}}}Password")
    kind = (password.get("Type") or "") if password is not None else ""
    return UsernameToken(
        username=(token.findtext(f"{{{_WSSE}}}Username") or "").strip(),
        digest=(password.text or "") if password is not None else "",
        is_text=not kind.endswith("#PasswordDigest"),
        nonce=(token.findtext(f"{{{_WSSE}}}Nonce") or "").strip(),
        created=(token.findtext(f"{{{_WSU}}}Created") or "").strip(),
    )


def token_digest(nonce: bytes, created: str, password: str) -> str:
    """Base64 of SHA-1 over nonce, Created and password (UsernameToken Profile 1.0, 3.1)."""
    made = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False)
    return base64.b64encode(made.digest()).decode("ascii")


class Gate:
    """One camera's account: judges tokens and HTTP answers, remembers nonces, counts failures."""

    def __init__(
        self, username: str, password: str, quirks: Quirks, *, tolerance_s: float = DEFAULT_TOLERANCE_S
    ) -> None:
        self._username = username
        self._password = password
        self._quirks = quirks
        self._tolerance_s = tolerance_s
        self._http = ServerAuth({username: password}, REALM, ("digest", "digest-sha256"))
        self._snapshot = ServerAuth({username: password}, REALM, ("digest", "digest-sha256", "basic"))
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._spent: OrderedDict[str, None] = OrderedDict()
        self._failures = 0
        self._locked_until_s = 0.0

    def check_soap(
        self, token: UsernameToken | None, authorization: str, *, uri: str, wall_s: float, now_s: float
    ) -> Login:
        """Judge a SOAP request: a WS-Security token first, otherwise HTTP digest for POST `uri`."""
        if self._is_locked(now_s):
            return Login.LOCKED
        if token is not None and not self._quirks.http_digest_only:
            good = self._is_good_token(token, wall_s, now_s)
            return self._note(Login.GOOD if good else Login.BAD_TOKEN, now_s)
        return self._check(self._http, authorization, "POST", uri, now_s)

    def check_http(self, authorization: str, *, method: str, uri: str, now_s: float) -> Login:
        """Judge a plain HTTP request, such as that for the snapshot; Basic is good here too."""
        if self._is_locked(now_s):
            return Login.LOCKED
        return self._check(self._snapshot, authorization, method, uri, now_s)

    def challenges(self, now_s: float, *, stale: bool = False, basic: bool = False) -> list[str]:
        """The WWW-Authenticate values to send with a 401."""
        return (self._snapshot if basic else self._http).challenges(now_s, stale=stale)

    def _check(self, auth: ServerAuth, authorization: str, method: str, uri: str, now_s: float) -> Login:
        verdict = auth.check(authorization, method, uri, now_s)
        if verdict is Verdict.GOOD and self._quirks.nonce_once and not self._spend(authorization):
            return Login.STALE
        login = {Verdict.GOOD: Login.GOOD, Verdict.MISSING: Login.NONE, Verdict.STALE: Login.STALE}
        return self._note(login.get(verdict, Login.BAD_HTTP), now_s)

    def _spend(self, authorization: str) -> bool:
        """Use an HTTP nonce up; False when it was used before."""
        nonce = "".join(answer.parameters.get("nonce", "") for answer in parse_credentials([authorization]))
        if nonce in self._spent:
            return False
        self._spent[nonce] = None
        while len(self._spent) > _REPLAY_ENTRIES:
            self._spent.popitem(last=False)
        return True

    def _is_good_token(self, token: UsernameToken, wall_s: float, now_s: float) -> bool:
        if not hmac.compare_digest(token.username.encode(), self._username.encode()):
            return False
        if self._quirks.password_text_only:
            return token.is_text and hmac.compare_digest(token.digest.encode(), self._password.encode())
        if token.is_text:
            return False
        try:
            nonce = base64.b64decode(token.nonce, validate=True)
            age_s = wall_s - parse_time(token.created)
        except (binascii.Error, ValueError, SoapFaultError):
            return False
        expected = token_digest(nonce, token.created, self._password)
        if not hmac.compare_digest(token.digest.strip().encode(), expected.encode()):
            return False
        return abs(age_s) <= self._tolerance_s and self._is_new(token, now_s)

    def _is_new(self, token: UsernameToken, now_s: float) -> bool:
        """Remember nonce and Created; False when they were used before. A nonce outlives its Created's validity."""
        key = f"{token.nonce} {token.created}"
        while self._seen and next(iter(self._seen.values())) < now_s - 2 * self._tolerance_s:
            self._seen.popitem(last=False)
        if key in self._seen:
            return False
        self._seen[key] = now_s
        if len(self._seen) > _REPLAY_ENTRIES:
            self._seen.popitem(last=False)
        return True

    def _is_locked(self, now_s: float) -> bool:
        return self._quirks.locks_account and now_s < self._locked_until_s

    def _note(self, login: Login, now_s: float) -> Login:
        if login is Login.GOOD:
            self._failures = 0
        elif login in (Login.BAD_HTTP, Login.BAD_TOKEN):
            self._failures += 1
            if self._failures >= _BAD_LOGINS:
                self._failures, self._locked_until_s = 0, now_s + _LOCKED_S
        return login
