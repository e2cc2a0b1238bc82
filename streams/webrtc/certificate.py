"""The DTLS certificate of a process, renewed long before it ends: one for many viewers spares a key each."""

from __future__ import annotations

from collections.abc import Callable

from aiortc.rtcdtlstransport import RTCCertificate

from streams.webrtc.adapter import make_certificate

RENEW_AFTER_S = 7 * 86_400.0


class CertificateKeeper:
    """Gives the current certificate; sessions keep the one they began with."""

    def __init__(self, make: Callable[[], RTCCertificate] = make_certificate) -> None:
        self._make = make
        self._certificate = make()
        self._made_s: float | None = None

    def current(self, now_s: float) -> RTCCertificate:
        """The certificate to use at `now_s` (monotonic)."""
        if self._made_s is None:
            self._made_s = now_s
        elif now_s - self._made_s > RENEW_AFTER_S:
            self._certificate, self._made_s = self._make(), now_s
        return self._certificate
