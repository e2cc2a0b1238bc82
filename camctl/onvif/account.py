"""A camera's account as its connections use it: WS-Security always, HTTP digest where the camera asks for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from camctl.onvif.token import CameraClock, UsernameToken
from streams.rtsp.auth import ClientAuth


class Account:
    """User name and password, the camera's clock, and the digest challenge that its connections share.

    Thread-safe. Basic authentication is never used: it would show the password to the network.
    """

    def __init__(self, username: str, password: str, clock: CameraClock | None = None) -> None:
        self.clock = clock or CameraClock()
        self.token = UsernameToken(username, password, self.clock)
        self._http = ClientAuth(username, password)
        self._lock = threading.Lock()
        self._uses_http = False

    def __repr__(self) -> str:
        return "Account(...)"

    def take_challenge(self, challenges: Sequence[str]) -> bool:
        """Note a 401's WWW-Authenticate values; whether there is a digest among them that can be answered."""
        with self._lock:
            taken = self._http.challenge(challenges)
            self._uses_http = taken is not None and taken.scheme == "digest"
            return self._uses_http

    def authorization(self, uri: str) -> tuple[str, str] | None:
        """The Authorization header for a POST to `uri` and the nonce in it; None until a camera asked for it."""
        with self._lock:
            answer = self._http.answer("POST", uri) if self._uses_http else None
            return (answer, self._http.nonce) if answer is not None else None
