"""What can go wrong with people and sign-ins; no message carries a password, a token or a hash."""

from __future__ import annotations


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
