"""What can go wrong with people and sign-ins; no message carries a password, a token or a hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auth.records import Credentials


class AuthError(Exception):
    """Any refusal or failure of this package; the message is one sentence for a person."""


class WrongSignInError(AuthError):
    """The name and password do not belong together; says the same for unknown, disabled and mistyped."""

    def __init__(self) -> None:
        super().__init__("The name or the password is wrong.")


class ThrottledError(AuthError):
    """Too many wrong sign-ins, or too many at once; try again after `retry_after_s` seconds (more than 0)."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("Too many attempts to sign in; wait a moment and try again.")
        self.retry_after_s = retry_after_s


class PersonRuleError(AuthError, ValueError):
    """A person, password or token request breaks a rule; `field` names what to correct."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class UnknownPersonError(AuthError, LookupError):
    """There is nobody with that username."""

    def __init__(self, username: str) -> None:
        super().__init__(f"There is nobody called {username!r}.")


class UnknownGrantError(AuthError, LookupError):
    """The person has no grant with that id."""

    def __init__(self, grant_id: str) -> None:
        super().__init__(f"There is no grant {grant_id!r} of this person.")


class UnknownOpeningError(AuthError, LookupError):
    """There is no such opening, or none that the person may know of."""

    def __init__(self, opening_id: str) -> None:
        super().__init__(f"There is no opening {opening_id!r}, or none that you may know of.")


class AuthUnavailableError(AuthError):
    """The people's database did not answer, so nothing can be decided; callers refuse (fail closed)."""

    def __init__(self) -> None:
        super().__init__("Who you are cannot be checked just now; try again shortly.")


class SecondFactorNeededError(AuthError):
    """The password is right, and this person has a second factor that is still to be given.

    `judged` is what the password was judged by; it is in no message.
    """

    def __init__(self, judged: Credentials) -> None:
        super().__init__("The password is right; now give the code of your authenticator app.")
        self.judged = judged


class SecondFactorPendingError(AuthError):
    """As above, towards the client: `pending` is the secret that stands for the right password, for some minutes."""

    def __init__(self, pending: str) -> None:
        super().__init__("The password is right; now give the code of your authenticator app, or a recovery code.")
        self.pending = pending


class PendingOverError(AuthError):
    """The half sign-in is unknown, used, too old, or had too many wrong codes; begin with the password again."""

    def __init__(self) -> None:
        super().__init__("This sign-in took too long or had too many wrong codes; begin again with your password.")


class WrongCodeError(AuthError):
    """A code of the second factor is wrong, too old or used; says the same for all of them."""

    def __init__(self) -> None:
        super().__init__("The code is wrong, too old, or was used already; wait for the next one.")


class WrongProofError(AuthError):
    """A signed-in person's password or passkey does not prove who they are."""


class PasskeyRefusedError(AuthError):
    """A passkey's answer does not hold; says the same for an unknown passkey, a wrong site and a wrong signature.

    `why` is for the log of the service.
    """

    def __init__(self, why: str) -> None:
        super().__init__("This passkey was not accepted; try again, or sign in with your password.")
        self.why = why


class NoPasskeysHereError(AuthError):
    """Browsers make no passkeys for this address: it is an IP address, has no HTTPS, or is not the service's name."""


class UnknownPasskeyError(AuthError, LookupError):
    """This person has no such passkey."""

    def __init__(self) -> None:
        super().__init__("You have no such passkey.")


class TooManyPasskeysError(AuthError):
    """The person has as many passkeys as they may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} passkeys; remove one first.")


class LastWayInError(AuthError):
    """The passkey is the only way in that its owner has."""

    def __init__(self) -> None:
        super().__init__("This is your only way to sign in; set a password or add another passkey first.")


class NoTotpError(AuthError):
    """There is no TOTP secret to confirm, or none in use."""

    def __init__(self) -> None:
        super().__init__("No authenticator app is being set up; begin again.")
