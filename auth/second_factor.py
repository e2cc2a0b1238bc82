"""Codes of authenticator apps (TOTP, RFC 6238) and recovery codes, decided purely; time and secrets are arguments."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import pyotp

STEP_S = 30
RECOVERY_CODES = 10
ISSUER = "camctl"
_AROUND = (-1, 0, 1)  # a phone's clock may be one step off (RFC 6238, 5.2)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing that is misread
_CODE_CHARS = 16  # 80 random bits, so that a plain hash of it cannot be turned round
_MISREAD = str.maketrans({"o": "0", "i": "1", "l": "1", " ": "", "-": ""})


def new_secret() -> str:
    """A TOTP secret: 160 random bits in base 32."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, username: str) -> str:
    """What the QR code holds for the authenticator app (otpauth://)."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=username, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now_s: float) -> int | None:
    """The 30 s step, now or one beside it, whose code this is; None when it is no step's. `now_s` since 1970."""
    plain = code.replace(" ", "")
    if len(plain) != 6 or not (plain.isascii() and plain.isdigit()):
        return None
    totp, now_step, found = pyotp.TOTP(secret, interval=STEP_S), int(now_s // STEP_S), None
    for step in (now_step + around for around in _AROUND):
        if hmac.compare_digest(totp.generate_otp(step), plain):
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Fresh codes in groups of four, to be shown once."""
    raw = ("".join(secrets.choice(_ALPHABET) for _ in range(_CODE_CHARS)) for _ in range(RECOVERY_CODES))
    return ["-".join(code[at : at + 4] for at in range(0, _CODE_CHARS, 4)) for code in raw]


def recovery_digest(person_id: str, code: str) -> str | None:
    """The hex SHA-256 under which a person's recovery code is stored; None when it cannot be one.

    Capitals, spaces, hyphens and letters that look like figures do not matter.
    """
    plain = code[:64].lower().translate(_MISREAD)
    if len(plain) != _CODE_CHARS or not all(character in _ALPHABET for character in plain):
        return None
    return hashlib.sha256(f"{person_id}:{plain}".encode()).hexdigest()
