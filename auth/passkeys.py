"""The ceremonies of passkeys (WebAuthn level 3) around the webauthn package: what is asked, and what an answer proves.

Pure: challenges, sites and stored passkeys are arguments. User verification (the phone's lock, a PIN) is demanded, so
that a passkey is two factors. Attestation is not asked for: which make of phone it is does not matter here.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, options_to_json_dict, parse_attestation_object
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from auth.errors import PasskeyRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auth.model import Person
    from auth.sites import Site

RP_NAME = "camctl"
TIMEOUT_MS = 180_000
CHALLENGE_BYTES = 32
# What the package and what it stands on raise on bytes that are not what they should be.
_MALFORMED = (
    WebAuthnException, InvalidSignature, UnsupportedAlgorithm, ValueError, KeyError, TypeError, AttributeError,
    IndexError, OverflowError, RecursionError, struct.error,
)  # fmt: skip
_MAX_ID_BYTES = 1023  # WebAuthn 4, "credential id"
_FORMATS = frozenset({AttestationFormat.NONE, AttestationFormat.PACKED})  # what browsers send when none is asked for


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an authenticator has just made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    synced: bool


@dataclass(frozen=True, slots=True)
class StoredPasskey:
    """A passkey as an answer is judged by it."""

    id: str
    person_id: str
    rp_id: str
    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int


def user_handle(person_id: str) -> bytes:
    """What an authenticator keeps as the user's id: random like the person's id, and no name."""
    return person_id.encode()


def adding_options(site: Site, person: Person, challenge: bytes, known: Sequence[bytes]) -> dict[str, Any]:
    """What the browser passes to `navigator.credentials.create`; `known` are ids of passkeys that there are already."""
    options = generate_registration_options(
        rp_id=site.rp_id,
        rp_name=RP_NAME,
        user_id=user_handle(person.id),
        user_name=person.username,
        user_display_name=person.display_name,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=credential_id) for credential_id in known],
    )
    return options_to_json_dict(options)


def asking_options(site: Site, challenge: bytes, allowed: Sequence[bytes] = ()) -> dict[str, Any]:
    """What the browser passes to `navigator.credentials.get`; nobody named: any passkey of this site."""
    options = generate_authentication_options(
        rp_id=site.rp_id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=[PublicKeyCredentialDescriptor(id=credential_id) for credential_id in allowed],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def challenge_in(answer: Mapping[str, Any]) -> bytes:
    """The challenge that an answer says it answers; PasskeyRefusedError when it is no answer."""
    try:
        data = json.loads(base64url_to_bytes(answer["response"]["clientDataJSON"]))
        return base64url_to_bytes(data["challenge"])
    except _MALFORMED as error:
        raise PasskeyRefusedError(f"the answer holds no challenge: {error!r}") from error


def credential_id_in(answer: Mapping[str, Any]) -> bytes:
    """The id of the passkey that answered; PasskeyRefusedError when there is none."""
    try:
        return base64url_to_bytes(answer["rawId"])
    except _MALFORMED as error:
        raise PasskeyRefusedError(f"the answer names no passkey: {error!r}") from error


def made(answer: Mapping[str, Any], challenge: bytes, site: Site) -> NewPasskey:
    """The passkey that was made for this challenge at this site; PasskeyRefusedError when it does not hold."""
    try:
        # Looked at first: the formats that are not taken have parsers of certificates behind them.
        attestation = parse_attestation_object(base64url_to_bytes(answer["response"]["attestationObject"]))
        if attestation.fmt not in _FORMATS:
            raise PasskeyRefusedError(f"an attestation of the form {attestation.fmt!r} was not asked for")
        verified = verify_registration_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except _MALFORMED as error:
        raise PasskeyRefusedError(f"a new passkey does not hold: {error!r}") from error
    if len(verified.credential_id) > _MAX_ID_BYTES:
        raise PasskeyRefusedError("the id of a new passkey is too long")
    synced = verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    return NewPasskey(verified.credential_id, verified.credential_public_key, verified.sign_count, synced)


def proved(answer: Mapping[str, Any], challenge: bytes, site: Site, stored: StoredPasskey) -> int:
    """The signature counter of an answer by this passkey; PasskeyRefusedError when it proves nothing.

    A counter that does not grow is refused: somebody has a copy. Synced passkeys have none (it stays 0).
    """
    if stored.rp_id != site.rp_id:
        raise PasskeyRefusedError("the passkey was made for another site")
    try:
        handle = answer["response"].get("userHandle")
        if handle is not None and base64url_to_bytes(handle) != user_handle(stored.person_id):
            raise PasskeyRefusedError("the answer names another person than the passkey's")
        verified = verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=stored.public_key,
            credential_current_sign_count=stored.sign_count,
            require_user_verification=True,
        )
    except _MALFORMED as error:
        raise PasskeyRefusedError(f"the answer does not hold: {error!r}") from error
    if verified.credential_id != stored.credential_id:
        raise PasskeyRefusedError("the answer is of another passkey")
    return verified.new_sign_count
