"""zeep's transport: one SOAP exchange with one camera, authentication included."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from lxml import etree

from camctl.egress import PinnedTarget
from camctl.onvif.account import Account
from camctl.onvif.budget import Budget
from camctl.onvif.http import HttpConnection, HttpReply
from camctl.onvif.soap import bad_credentials, read_reply
from camctl.ptz.ports import CameraError, CameraFault

_CLOSE_WAIT_S = 1.0
# Sent twice they would move twice or store twice: never sent again when it is unknown whether they arrived.
NOT_REPEATABLE = frozenset({"RelativeMove", "SetPreset"})


class Poster(Protocol):
    """What sends a body and returns the whole answer; HttpConnection, or a recording in tests."""

    def post(self, path: str, body: bytes, headers: dict[str, str], budget: Budget, *, repeatable: bool) -> HttpReply:
        """Send and wait; raises CameraError."""

    def close(self) -> None:
        """Give the socket back."""


Connect = Callable[[PinnedTarget, str], Poster]  # a target and its scheme


@dataclass(frozen=True, slots=True)
class CheckedReply:
    """What zeep reads of an answer."""

    content: bytes
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/soap+xml; charset=utf-8"})
    encoding: str = "utf-8"


class SoapTransport:
    """Carries zeep's envelopes to one service address at a time, over kept connections, one exchange at a time.

    A wrong password is sent once with WS-Security and, when the camera asks for it, once with HTTP digest; never again.
    """

    def __init__(self, account: Account, connect: Connect = HttpConnection) -> None:
        self._account = account
        self._connect = connect
        self._targets: dict[str, PinnedTarget] = {}
        self._connections: dict[tuple[str, str, int], Poster] = {}
        self._exchanging = threading.Lock()
        self._budget = Budget()
        self._operation = ""
        self.has_reply = False  # whether the exchange got as far as a good envelope

    def allow(self, target: PinnedTarget) -> None:
        """Let calls go to this address, which passed the egress guard."""
        self._targets[target.url] = target

    def begin(self, operation: str, budget: Budget) -> None:
        """Say what the next exchange is and how long it may take; waits for the one before. Ends with `end`."""
        if not self._exchanging.acquire(timeout=budget.left_s()):
            raise budget.timeout()
        self._operation, self._budget, self.has_reply = operation, budget, False

    def end(self) -> None:
        """The exchange is over."""
        self._exchanging.release()

    def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> CheckedReply:  # noqa: ANN401 - zeep's
        """Do what zeep asks. Raises CameraError for everything that is not a good answer."""
        parts = urlsplit(address)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        poster = self._poster(address, parts.scheme)
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        reply = self._authenticated(poster, path, body, _plain(headers))
        checked = CheckedReply(read_reply(reply.status, reply.body, self._operation))
        self.has_reply = True
        return checked

    def close(self) -> None:
        """Give all sockets back; waits a moment for an exchange that was just cancelled."""
        has_lock = self._exchanging.acquire(timeout=_CLOSE_WAIT_S)
        try:
            for connection in self._connections.values():
                connection.close()
        finally:
            if has_lock:
                self._exchanging.release()

    def _authenticated(self, poster: Poster, path: str, body: bytes, headers: dict[str, str]) -> HttpReply:
        answered = self._account.authorization(path)
        reply = self._post(poster, path, body, headers, answered)
        if reply.status != 401:
            return reply
        if not self._account.take_challenge(reply.headers.get_all("WWW-Authenticate", [])):
            return reply
        again = self._account.authorization(path)
        # The same nonce refused means that the password is wrong; another one may only mean that ours was used up.
        if again is None or (answered is not None and again[1] == answered[1]):
            return reply
        reply = self._post(poster, path, body, headers, again)
        if reply.status == 401:
            raise bad_credentials(self._operation)
        return reply

    def _post(
        self, poster: Poster, path: str, body: bytes, headers: dict[str, str], answer: tuple[str, str] | None
    ) -> HttpReply:
        if answer is not None:
            headers = {**headers, "Authorization": answer[0]}
        return poster.post(path, body, headers, self._budget, repeatable=self._operation not in NOT_REPEATABLE)

    def _poster(self, address: str, scheme: str) -> Poster:
        target = self._targets.get(address)
        if target is None:
            raise CameraError(CameraFault.PROTOCOL, "an address that did not pass the egress guard was called")
        key = (scheme, target.address, target.port)
        poster = self._connections.get(key)
        if poster is None:
            poster = self._connections[key] = self._connect(target, scheme)
        return poster


def _plain(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "host"}
