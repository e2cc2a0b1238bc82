"""HTTP authentication as RTSP uses it: Basic (RFC 7617) and Digest (RFC 2617, 7616), both sides, pure.

Time, nonces and randomness are arguments or derived from a given secret. No repr and no error carries a password.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),  # what cameras speak
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}
_STRENGTH = {"basic": 1, "MD5": 2, "MD5-SESS": 3, "SHA-256": 4, "SHA-256-SESS": 5}


@dataclass(frozen=True, slots=True)
class Credential:
    """One scheme with its parameters, from a challenge or an answer; scheme and names are lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    token: str = field(default="", repr=False)

    @property
    def algorithm(self) -> str:
        """The digest algorithm, upper case; MD5 when none is named (RFC 2617 section 3.2.1)."""
        return self.parameters.get("algorithm", "MD5").upper() or "MD5"


def parse_credentials(values: Iterable[str]) -> list[Credential]:
    """Every challenge (or answer) in these header values; one value may hold several, and junk is skipped."""
    return [credential for value in values for credential in _parse_value(value)]


def _parse_value(text: str) -> list[Credential]:
    found: list[Credential] = []
    parameters: dict[str, str] = {}
    position = 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        rest = text[position:].lstrip(" \t")
        if not rest.startswith("="):
            parameters = {}
            token = "" if _names_parameter(rest) else rest.split(",")[0].strip()
            found.append(Credential(match[0].lower(), parameters, token))
            # A token68 (Basic's answer) may look like anything: step over it.
            position = len(text) - len(rest) + len(token)
            continue
        position = len(text) - len(rest) + 1
        value, position = _value(text, position)
        if found:
            parameters[match[0].lower()] = value
    return found


def _names_parameter(rest: str) -> bool:
    match = _TOKEN.match(rest)
    if not match:
        return True
    after = rest[match.end() :].lstrip(" \t")
    return after.startswith("=") and not re.match(r"=+\s*(,|$)", after)


def _value(text: str, position: int) -> tuple[str, int]:
    while position < len(text) and text[position] in " \t":
        position += 1
    if quoted := _QUOTED.match(text, position):
        return re.sub(r"\\(.)", r"\1", quoted[1]), quoted.end()
    end = position
    while end < len(text) and text[end] not in ", \t":
        end += 1
    return text[position:end].strip('"'), end


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class DigestInput:
    """Everything that a digest is made of, but for the password."""

    algorithm: str
    username: str
    realm: str
    nonce: str
    method: str
    uri: str
    qop: str = ""
    cnonce: str = ""
    nc: str = ""


def digest_response(given: DigestInput, password: str) -> str:
    """The `response` parameter (RFC 7616 section 3.4.1), and that of RFC 2069 when there is no qop.

    Raises:
        KeyError: an algorithm that is not known.
    """
    base = given.algorithm.upper().removesuffix("-SESS")
    return _response(given, _HASHES[base](_bytes(f"{given.username}:{given.realm}:{password}")))


def hashes_of(username: str, realm: str, password: str) -> dict[str, str]:
    """The password's HA1 (RFC 7616 section 3.4.2) by algorithm, all that a server needs to keep of it.

    Who has one can answer challenges of this realm, so it is as secret as the password; elsewhere it opens nothing.
    """
    return {name: hashed(_bytes(f"{username}:{realm}:{password}")) for name, hashed in _HASHES.items()}


def _response(given: DigestInput, first: str) -> str:
    """As `digest_response`, from the HA1 of the plain algorithm."""
    name = given.algorithm.upper()
    base = name.removesuffix("-SESS")
    hashed = _HASHES[base]
    if name != base:
        first = hashed(_bytes(f"{first}:{given.nonce}:{given.cnonce}"))
    second = hashed(_bytes(f"{given.method}:{given.uri}"))
    middle = f"{given.nonce}:{given.nc}:{given.cnonce}:{given.qop}" if given.qop else given.nonce
    return hashed(_bytes(f"{first}:{middle}:{second}"))


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class ClientAuth:
    """A client's user name and password, and the challenge that it answers at the moment."""

    def __init__(
        self, username: str, password: str, *, random: Callable[[], str] = lambda: secrets.token_hex(8)
    ) -> None:
        self.username = username
        self._password = password
        self._random = random
        self._challenge: Credential | None = None
        self._count = 0

    def __repr__(self) -> str:
        return f"ClientAuth({self.username!r})"

    @property
    def nonce(self) -> str:
        """The nonce being answered; empty with Basic and before any challenge."""
        return self._challenge.parameters.get("nonce", "") if self._challenge else ""

    @property
    def is_challenged(self) -> bool:
        """Whether `answer` has something to say."""
        return self._challenge is not None

    def challenge(self, values: Iterable[str]) -> Credential | None:
        """Take the strongest challenge that can be answered; None (and nothing changes) when there is none."""
        usable = [challenge for challenge in parse_credentials(values) if _strength(challenge)]
        if not usable:
            return None
        best = max(usable, key=_strength)
        if best.parameters.get("nonce", "") != self.nonce:
            self._count = 0
        self._challenge = best
        return best

    def answer(self, method: str, uri: str) -> str | None:
        """The Authorization header for a request; None before any challenge."""
        challenge = self._challenge
        if challenge is None:
            return None
        if challenge.scheme == "basic":
            return "Basic " + base64.b64encode(_bytes(f"{self.username}:{self._password}")).decode("ascii")
        return self._digest(challenge.parameters, challenge.algorithm, method, uri)

    def _digest(self, parameters: Mapping[str, str], algorithm: str, method: str, uri: str) -> str:
        self._count += 1
        has_qop = "auth" in _qops(parameters)
        needs_cnonce = has_qop or algorithm.endswith("-SESS")
        given = DigestInput(
            algorithm=algorithm,
            username=self.username,
            realm=parameters.get("realm", ""),
            nonce=parameters.get("nonce", ""),
            method=method,
            uri=uri,
            qop="auth" if has_qop else "",
            cnonce=self._random() if needs_cnonce else "",
            nc=f"{self._count:08x}" if has_qop else "",
        )
        fields = [("username", given.username), ("realm", given.realm), ("nonce", given.nonce), ("uri", uri)]
        fields.append(("response", digest_response(given, self._password)))
        if "opaque" in parameters:
            fields.append(("opaque", parameters["opaque"]))
        if needs_cnonce:
            fields.append(("cnonce", given.cnonce))
        items = [f"{name}={_quote(value)}" for name, value in fields]
        if "algorithm" in parameters:
            items.append(f"algorithm={parameters['algorithm']}")
        if has_qop:
            items += ["qop=auth", f"nc={given.nc}"]
        return "Digest " + ", ".join(items)


def _qops(parameters: Mapping[str, str]) -> list[str]:
    return [qop.strip().lower() for qop in parameters.get("qop", "").split(",") if qop.strip()]


def _strength(challenge: Credential) -> int:
    """How much a challenge is preferred; 0 for what cannot be answered."""
    if challenge.scheme == "basic":
        return _STRENGTH["basic"]
    if challenge.scheme != "digest" or "nonce" not in challenge.parameters:
        return 0
    qops = _qops(challenge.parameters)
    if qops and "auth" not in qops:
        return 0  # auth-int alone: no camera is known to ask for it
    return _STRENGTH.get(challenge.algorithm, 0)


class Verdict(Enum):
    """What a server thinks of a request's Authorization."""

    GOOD = "good"
    MISSING = "missing"
    STALE = "stale"  # right password, expired nonce: worth another try
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and whose answer it is about; `username` is to be believed only when it is GOOD."""

    verdict: Verdict
    username: str = ""


class ServerAuth:
    """Challenges and their verification, without a table of nonces: a nonce carries its time and a MAC over it.

    `credentials` maps user names to passwords, or, given to `hashed`, to what `hashes_of` says. `schemes`, in the order
    in which they are offered: "digest" (MD5, which every client speaks), "digest-sha256", "basic".
    Times are seconds of any monotonic clock.
    """

    def __init__(
        self,
        credentials: Mapping[str, str],
        realm: str,
        schemes: Iterable[str] = ("digest", "basic"),
        *,
        nonce_lifetime_s: float = 300.0,
        secret: bytes | None = None,
    ) -> None:
        self._accounts: Mapping[str, Mapping[str, str]] = {
            username: hashes_of(username, realm, password) for username, password in credentials.items()
        }
        self._realm = realm
        self._schemes = tuple(schemes)
        if not self._schemes or not set(self._schemes) <= {"digest", "digest-sha256", "basic"}:
            raise ValueError("schemes must be some of digest, digest-sha256, basic")
        self._nonce_lifetime_s = nonce_lifetime_s
        self._secret = secret or secrets.token_bytes(32)

    @classmethod
    def hashed(cls, accounts: Mapping[str, Mapping[str, str]], realm: str, schemes: Iterable[str]) -> ServerAuth:
        """Over accounts of which only the hashes are kept; the mapping is read anew at every check."""
        auth = cls({}, realm, schemes)
        auth._accounts = accounts
        return auth

    def challenges(self, now_s: float, *, stale: bool = False) -> list[str]:
        """The WWW-Authenticate values of a 401."""
        realm, nonce = _quote(self._realm), self._nonce(now_s)
        tail = ", stale=true" if stale else ""
        offers = {
            # Without qop, as cameras ask: GStreamer answers in the manner of RFC 2069.
            "digest": f'Digest realm={realm}, nonce="{nonce}", algorithm=MD5{tail}',
            "digest-sha256": f'Digest realm={realm}, qop="auth", nonce="{nonce}", algorithm=SHA-256{tail}',
            "basic": f"Basic realm={realm}",
        }
        return [offers[scheme] for scheme in self._schemes]

    def check(self, header: str, method: str, uri: str, now_s: float) -> Verdict:
        """Judge the Authorization of a request for `uri`."""
        return self.judge(header, method, uri, now_s).verdict

    def judge(self, header: str, method: str, uri: str, now_s: float) -> Judgement:
        """As `check`, and who it is."""
        if not header:
            return Judgement(Verdict.MISSING)
        answers = parse_credentials([header])
        if len(answers) != 1:
            return Judgement(Verdict.BAD)
        answer = answers[0]
        if answer.scheme == "basic" and "basic" in self._schemes:
            return self._judge_basic(answer.token)
        offered = {"MD5": "digest", "SHA-256": "digest-sha256"}.get(answer.algorithm)
        if answer.scheme == "digest" and offered in self._schemes:
            return Judgement(self._check_digest(answer, method, uri, now_s), answer.parameters.get("username", ""))
        return Judgement(Verdict.BAD)

    def _judge_basic(self, token: str) -> Judgement:
        try:
            given = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return Judgement(Verdict.BAD)
        username, _, password = given.decode("utf-8", "surrogateescape").partition(":")
        first = hashes_of(username, self._realm, password)["SHA-256"]
        same = hmac.compare_digest(first, self._first(username, "SHA-256"))
        return Judgement(Verdict.GOOD if same else Verdict.BAD, username)

    def _first(self, username: str, algorithm: str) -> str:
        """The account's HA1; for nobody's name one that nobody can have, so that both take the same time."""
        return self._accounts.get(username, {}).get(algorithm) or secrets.token_hex(32)

    def _check_digest(self, answer: Credential, method: str, uri: str, now_s: float) -> Verdict:
        get = answer.parameters.get
        if get("realm") != self._realm or not _same_resource(get("uri", ""), uri):
            return Verdict.BAD
        given = DigestInput(
            algorithm=answer.algorithm,
            username=get("username", ""),
            realm=self._realm,
            nonce=get("nonce", ""),
            method=method,
            uri=get("uri", ""),
            qop=get("qop", "").lower(),
            cnonce=get("cnonce", ""),
            nc=get("nc", ""),
        )
        if given.qop not in ("", "auth"):
            return Verdict.BAD
        expected = _response(given, self._first(given.username, given.algorithm))
        if not hmac.compare_digest(_bytes(get("response", "")), _bytes(expected)):
            return Verdict.BAD
        return Verdict.GOOD if self._is_fresh(given.nonce, now_s) else Verdict.STALE

    def _nonce(self, now_s: float) -> str:
        stamp = f"{int(now_s * 1000):x}"
        return f"{stamp}-{self._mac(stamp)}"

    def _mac(self, stamp: str) -> str:
        return hmac.new(self._secret, stamp.encode("ascii"), "sha256").hexdigest()[:32]

    def _is_fresh(self, nonce: str, now_s: float) -> bool:
        stamp, _, mac = nonce.partition("-")
        if not re.fullmatch(r"[0-9a-f]{1,16}", stamp) or not hmac.compare_digest(_bytes(mac), _bytes(self._mac(stamp))):
            return False
        return 0 <= now_s - int(stamp, 16) / 1000 + 0.001 <= self._nonce_lifetime_s


def _same_resource(given: str, uri: str) -> bool:
    """Whether an answer was made for the requested URI; GStreamer and old clients sign the URL without the track."""
    return bool(given) and (given == uri or uri.startswith(given.rstrip("/") + "/"))
