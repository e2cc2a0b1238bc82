"""Whom we talk to by rtsps://: a certificate that the system's authorities vouch for, or the one that was pinned."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import hmac
import re
import ssl
from dataclasses import dataclass

from streams.errors import StreamError, StreamFault


@dataclass(frozen=True, slots=True)
class TlsTrust:
    """What a camera has to prove: to be `host` by a certificate of a known authority, or, with a `fingerprint` (SHA-256
    of its certificate, hexadecimal, colons or not), to hold exactly that certificate, whoever signed it.
    """

    host: str
    fingerprint: str = ""

    async def context(self) -> ssl.SSLContext:
        """How to connect; reading the system's authorities is not for the event loop."""
        return _unverified() if self.fingerprint else await asyncio.to_thread(_verified)

    def check(self, transport: asyncio.BaseTransport) -> None:
        """Judge a connection whose handshake is over, before anything is said on it.

        Raises:
            StreamError: CERTIFICATE, it is not the pinned one; the message says which it is.
        """
        if not self.fingerprint:
            return
        shown = shown_by(transport)
        if not hmac.compare_digest(_bare(shown), _bare(self.fingerprint)):
            detail = f"the camera's certificate is not the pinned one but has the SHA-256 fingerprint {shown}"
            raise StreamError(StreamFault.CERTIFICATE, f"{detail}; if that is the camera's, pin it as tls_fingerprint")

    async def refusal(self, address: str, port: int, reason: str) -> StreamError:
        """Why a certificate is not accepted, with its fingerprint, for which the camera is asked once more."""
        loop = asyncio.get_running_loop()
        detail = f"the camera's certificate cannot be verified ({reason})"
        try:
            transport, _ = await loop.create_connection(
                asyncio.Protocol, address, port, ssl=_unverified(), server_hostname=self.host
            )
        except OSError:
            return StreamError(StreamFault.CERTIFICATE, detail)
        shown = shown_by(transport)
        transport.abort()
        detail += f"; its SHA-256 fingerprint is {shown}: compare it with the camera's own page and, if it is the same,"
        return StreamError(StreamFault.CERTIFICATE, f"{detail} pin it as tls_fingerprint")


def shown_by(transport: asyncio.BaseTransport) -> str:
    """The SHA-256 fingerprint of the peer's certificate, as it is usually written: AB:CD:..."""
    tls: ssl.SSLObject = transport.get_extra_info("ssl_object")
    digest = hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest().upper()
    return ":".join(re.findall("..", digest))


def _bare(fingerprint: str) -> bytes:
    return fingerprint.replace(":", "").lower().encode()


@functools.cache
def _verified() -> ssl.SSLContext:
    return ssl.create_default_context()


def _unverified() -> ssl.SSLContext:
    """For a certificate that is judged by its fingerprint: nothing is sent before that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
