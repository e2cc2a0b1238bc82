"""Passkeys, second factors and fresh proofs as they go over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from auth.factor_service import Way
from auth.passkey_records import PasskeyInfo
from camctl.api.schema_base import In

Name = Annotated[str, Field(min_length=1, max_length=120)]
Code = Annotated[str, Field(min_length=1, max_length=64)]
Password = Annotated[str, Field(min_length=1, max_length=256)]


_BASE64URL = r"^[A-Za-z0-9_-]+$"
_Id = Annotated[str, StringConstraints(pattern=_BASE64URL, max_length=1364)]
_Small = Annotated[str, StringConstraints(pattern=_BASE64URL, max_length=8192)]
_Large = Annotated[str, StringConstraints(pattern=_BASE64URL, max_length=65_536)]
_Handle = Annotated[str, StringConstraints(pattern=_BASE64URL, max_length=128)]


_CAMEL: Final = {
    "raw_id": "rawId",
    "client_data": "clientDataJSON",
    "attestation": "attestationObject",
    "authenticator_data": "authenticatorData",
    "user_handle": "userHandle",
}


class _Answer(In):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=lambda name: _CAMEL.get(name, name))

    def plain(self) -> dict[str, Any]:
        """As WebAuthn writes it."""
        return self.model_dump(by_alias=True, exclude_none=True)


class MadeResponse(_Answer):
    """What an authenticator says of a passkey that it has just made; base64url without padding."""

    client_data: _Small
    attestation: _Large


class MadeAnswer(_Answer):
    """A new passkey (`PublicKeyCredential` of `navigator.credentials.create`)."""

    id: _Id
    raw_id: _Id
    type: Literal["public-key"]
    response: MadeResponse


class ProvingResponse(_Answer):
    """What an authenticator says to prove its owner; base64url without padding."""

    client_data: _Small
    authenticator_data: _Small
    signature: _Small
    user_handle: _Handle | None = None


class ProvingAnswer(_Answer):
    """A passkey's answer (`PublicKeyCredential` of `navigator.credentials.get`)."""

    id: _Id
    raw_id: _Id
    type: Literal["public-key"]
    response: ProvingResponse


class OptionsOut(BaseModel):
    """For `navigator.credentials`: WebAuthn's own JSON form of its options (`parse...OptionsFromJSON`)."""

    options: dict[str, Any]


class PasskeySignInIn(In):
    """An authenticator's answer to the options of /auth/passkey/begin."""

    answer: ProvingAnswer


class SecondFactorIn(In):
    """The secret of `second-factor-needed`, and a code of the authenticator app or a recovery code."""

    pending: Annotated[str, Field(min_length=1, max_length=64, repr=False)]
    code: Annotated[Code, Field(repr=False)]


class WaysOut(BaseModel):
    """How the caller may prove again who they are; `options`: for a passkey, null without one here."""

    ways: list[Way]
    options: dict[str, Any] | None


class ByPasskey(In):
    """A proof by passkey."""

    way: Literal["passkey"]
    answer: ProvingAnswer


class ByCode(In):
    """A proof by a code of the authenticator app, or a recovery code."""

    way: Literal["code"]
    code: Annotated[Code, Field(repr=False)]


class ByPassword(In):
    """A proof by password, for those without a second factor."""

    way: Literal["password"]
    password: Annotated[Password, Field(repr=False)]


class StepUpIn(In):
    """One proof."""

    proof: Annotated[ByPasskey | ByCode | ByPassword, Field(discriminator="way")]


class ProofOut(BaseModel):
    """Until when the proof is fresh."""

    fresh_until: datetime


class PasskeyOut(BaseModel):
    """A passkey. `synced`: kept in its owner's cloud, not in one device only. `here`: usable at this address."""

    id: str
    name: str
    synced: bool
    here: bool
    created: datetime
    last_used: datetime | None

    @classmethod
    def of(cls, passkey: PasskeyInfo, rp_id: str | None) -> PasskeyOut:
        """As its owner sees it; `rp_id` is this site's, None where passkeys do not work."""
        return cls(
            id=passkey.id,
            name=passkey.name,
            synced=passkey.synced,
            here=passkey.rp_id == rp_id,
            created=passkey.created,
            last_used=passkey.last_used,
        )


class AccountOut(BaseModel):
    """What the caller can prove themselves with. `totp`: an authenticator app's code is asked for at sign-in."""

    passkeys: list[PasskeyOut]
    password: bool
    totp: bool
    recovery_codes: int
    fresh_until: datetime | None


class NewPasskeyIn(In):
    """An authenticator's answer to the options of /account/passkeys/begin, and a name for the list."""

    answer: MadeAnswer
    name: Name


class PasskeyNameIn(In):
    """Another name."""

    name: Name


class TotpOut(BaseModel):
    """A secret for an authenticator app: as text, as address, and as QR code (a `data:` address of an SVG)."""

    secret: Annotated[str, Field(repr=False)]
    uri: Annotated[str, Field(repr=False)]
    qr: Annotated[str, Field(repr=False)]


class CodeIn(In):
    """A code of the authenticator app."""

    code: Annotated[Code, Field(repr=False)]


class RecoveryCodesOut(BaseModel):
    """Recovery codes, each good for one sign-in without the app; said this once."""

    codes: Annotated[Sequence[str], Field(repr=False)]


class OwnPasswordIn(In):
    """The old password (null for who has none) and the new one."""

    old: Annotated[Password | None, Field(repr=False)] = None
    new: Annotated[Password, Field(repr=False)]
