"""Signing in with the city's own directory (OpenID Connect Core 1.0, code flow with PKCE): what is sent, what is
believed of an answer, and who somebody is by it. Pure: bytes and times are arguments.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core.claims import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from auth.grants import GrantWish
from auth.oidc_settings import ClaimRule, OidcError, OidcSettings

SCOPE: Final = "openid profile email"
LEEWAY_S: Final = 60
"""How far the directory's clock may be from ours."""
_MAX_CHARS = 255
# Signed with a key that only the directory has: never "none", and nothing that a client's secret could sign.
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


@dataclass(frozen=True, slots=True)
class Provider:
    """What the directory says of itself (OpenID Connect Discovery 1.0)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    algorithms: tuple[str, ...]
    says_issuer: bool = False  # in each of its answers (RFC 9207)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to the directory and back; kept by the browser alone, in a cookie that no script reads."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    def text(self) -> str:
        """For the cookie."""
        return f"{self.state}.{self.nonce}.{self.verifier}"


def new_attempt() -> Attempt:
    """Fresh secrets of 256 bits each."""
    return Attempt(*(secrets.token_urlsafe(32) for _ in range(3)))


def attempt_of(cookie: str | None, state: str | None) -> Attempt:
    """The attempt of this browser; OidcError unless the answer's `state` is its own (RFC 6749, 10.12)."""
    parts = (cookie or "").split(".")
    is_whole = len(parts) == 3 and all(len(part) == 43 and part.isascii() for part in parts)
    # Compared as bytes: what comes in an address may be any text.
    if not is_whole or not hmac.compare_digest(parts[0].encode(), (state or "").encode("utf-8", "replace")):
        raise OidcError("This answer was not asked for by this browser, or too long ago.")
    return Attempt(*parts)


def parse_object(body: bytes) -> dict[str, Any]:
    """A JSON object; OidcError for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise OidcError("The directory answered something that is not JSON.") from None
    if not isinstance(value, dict):
        raise OidcError("The directory answered JSON that is not an object.")
    return value


def provider_of(document: Mapping[str, Any], issuer: str) -> Provider:
    """The provider in its discovery document; OidcError when it names another issuer or other hosts than its own."""
    if document.get("issuer") != issuer:
        raise OidcError("The directory says that it is another issuer than the configured one.")
    named = document.get("id_token_signing_alg_values_supported")
    named = named if isinstance(named, list) else ["RS256"]
    algorithms = tuple(one for one in _ALGORITHMS if one in named)
    if not algorithms:
        raise OidcError("The directory signs in no way that is safe to believe.")
    return Provider(
        authorization_endpoint=_endpoint(document, "authorization_endpoint", issuer),
        token_endpoint=_endpoint(document, "token_endpoint", issuer),
        jwks_uri=_endpoint(document, "jwks_uri", issuer),
        algorithms=algorithms,
        says_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(document: Mapping[str, Any], name: str, issuer: str) -> str:
    address = document.get(name)
    if not isinstance(address, str) or not _same_origin(address, issuer):
        raise OidcError(f"The directory's {name} is not at the issuer's own origin; only that one is called.")
    return address


def _same_origin(address: str, issuer: str) -> bool:
    try:
        one, other = urlsplit(address), urlsplit(issuer)
        ports = (one.port, other.port)
    except ValueError:
        return False
    return (one.scheme, one.hostname, one.username) == (other.scheme, other.hostname, None) and ports[0] == ports[1]


def authorization_address(provider: Provider, settings: OidcSettings, attempt: Attempt) -> str:
    """Where the browser goes to sign in at the directory."""
    return str(
        prepare_grant_uri(
            provider.authorization_endpoint,
            client_id=settings.client_id,
            response_type="code",
            redirect_uri=settings.redirect_uri,
            scope=SCOPE,
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
    )


def check_answer(parameters: Mapping[str, str], provider: Provider, issuer: str) -> str:
    """The code in the directory's answer; OidcError when it refused or another issuer answered (RFC 9207)."""
    if parameters.get("iss", "" if provider.says_issuer else issuer) != issuer:
        raise OidcError("Another issuer answered than the one that was asked.")
    if "error" in parameters:
        raise OidcError(f"The directory refused: {parameters['error'][:60]!r}.")
    code = parameters.get("code", "")
    if not 0 < len(code) <= 4096:
        raise OidcError("The directory's answer has no code.")
    return code


def key_set(document: Mapping[str, Any]) -> KeySet:
    """The directory's keys; OidcError when they are not readable."""
    try:
        return KeySet.import_key_set({"keys": list(document["keys"])})
    except (JoseError, KeyError, TypeError, ValueError):
        raise OidcError("The directory's keys cannot be read.") from None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the directory says that this is: `subject` is theirs for good, the rest may change."""

    subject: str
    email: str
    email_verified: bool
    username: str
    name: str
    values: frozenset[str]


def identity_of(
    id_token: str, keys: KeySet, provider: Provider, settings: OidcSettings, nonce: str, now: datetime
) -> Identity:
    """Who an ID token speaks of; OidcError unless it is signed by the directory, for us, for this attempt, and fresh.

    OpenID Connect Core 1.0, 3.1.3.7.
    """
    try:
        token = jwt.decode(id_token, keys, algorithms=list(provider.algorithms))
        options = {"iss": {"essential": True, "value": settings.issuer},
                   "aud": {"essential": True, "value": settings.client_id}}  # fmt: skip
        claims = CodeIDToken(token.claims, token.header, options, {"nonce": nonce, "client_id": settings.client_id})
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        # The error's own words may hold parts of the token.
        raise OidcError(f"The directory's token cannot be believed ({type(error).__name__}).") from None
    return _identity(token.claims, settings.claim)


def _identity(claims: Mapping[str, Any], claim: str) -> Identity:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_CHARS:
        raise OidcError("The directory's token names nobody.")
    email = _text(claims, "email")
    if not email.isascii():
        email = ""  # names here are folded: two mailboxes that only look alike would become one person
    found = claims.get(claim)
    values = found if isinstance(found, list) else [found]
    return Identity(
        subject=subject,
        email=email,
        email_verified=bool(email) and claims.get("email_verified") is True,
        username=_text(claims, "preferred_username"),
        name=_text(claims, "name"),
        values=frozenset(value for value in values if isinstance(value, str)),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) and len(value) <= _MAX_CHARS else ""


def rule_for(identity: Identity, rules: Sequence[ClaimRule]) -> ClaimRule | None:
    """The first rule that speaks of this person."""
    return next((rule for rule in rules if rule.value in identity.values), None)


def username_for(identity: Identity) -> str:
    """What somebody is called here who comes for the first time; nobody by an address that may be another's."""
    address = identity.email if identity.email_verified else ""
    return identity.username or address or identity.subject


def wish_for(rule: ClaimRule, claim: str) -> GrantWish:
    """What somebody is granted because of the directory; the reason says which claim."""
    return GrantWish(role=rule.role, areas=rule.areas, reason=f"the directory says {claim}: {rule.value}"[:120])
