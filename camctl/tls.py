"""The certificate that browsers are shown: read from files, read again when they change, or made for a trial."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_log = logging.getLogger(__name__)

POLL_S = 5.0
SOON = timedelta(days=14)
TRIAL = timedelta(days=365)
_CLOCKS_DIFFER = timedelta(hours=1)


class TlsError(Exception):
    """The files are no usable certificate and key; `key` is the one of `server.tls` at fault."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class Shown:
    """What one can know of a certificate without its key."""

    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    sha256: str
    is_self_signed: bool

    def warning(self, now: datetime) -> str | None:
        """What will keep browsers from taking it, None while nothing does."""
        if now < self.not_before:
            return f"the certificate is valid only from {self.not_before:%Y-%m-%d %H:%M} UTC; is the clock right?"
        if now >= self.not_after:
            return f"the certificate has expired on {self.not_after:%Y-%m-%d}; renew it"
        if self.not_after - now < SOON and not self.is_self_signed:
            return f"the certificate expires on {self.not_after:%Y-%m-%d}; it should have been renewed"
        return None


def describe(certificate: Path) -> Shown:
    """The first certificate of a PEM file; TlsError when there is none."""
    try:
        (first, *_) = x509.load_pem_x509_certificates(certificate.read_bytes())
    except OSError as error:
        raise TlsError("certificate", f"{certificate}: {error.strerror or error}") from None
    except ValueError:
        raise TlsError("certificate", f"{certificate} holds no certificate in PEM form") from None
    return _shown(first)


def _shown(certificate: x509.Certificate) -> Shown:
    try:
        given = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = (*given.get_values_for_type(x509.DNSName), *map(str, given.get_values_for_type(x509.IPAddress)))
    except x509.ExtensionNotFound:
        names = ()  # browsers look nowhere else
    return Shown(
        names,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        certificate.issuer == certificate.subject,
    )


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """For a server that shows this certificate: TLS 1.2 or newer, HTTP/1.1.

    Raises:
        TlsError: a file cannot be read, or the key is not the certificate's.
    """
    describe(certificate)
    _check_key(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise TlsError("key", f"{key} is not the key of {certificate} ({_reason(error)})") from None
    return context


def _check_key(key: Path) -> None:
    try:
        data = key.read_bytes()
    except OSError as error:
        raise TlsError("key", f"{key}: {error.strerror or error}") from None
    try:
        serialization.load_pem_private_key(data, None)
    except TypeError:
        raise TlsError("key", f"{key} is encrypted; nobody is there to type its password at a start") from None
    except ValueError:
        raise TlsError("key", f"{key} holds no private key in PEM form") from None


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or str(error)


class Certificate:
    """The certificate at work; `context` is the server's, and shows the newest that was read."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """TlsError when the files cannot be used now."""
        self._files = (certificate, key)
        self._seen = self._signature()
        self._newest = server_context(certificate, key)
        self.shown = describe(certificate)
        # Not `load_cert_chain` on the context in use: it keeps one certificate per kind of key, so that after a change
        # from RSA to ECDSA some clients would still be shown the old one.
        self.context = server_context(certificate, key)
        self.context.sni_callback = self._show_newest
        self._tell()

    def _show_newest(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._newest

    def _tell(self) -> None:
        warning = self.shown.warning(datetime.now(UTC))
        if warning:
            _log.warning("server.tls: %s", warning)
        _log.info("TLS certificate for %s, SHA-256 %s", ", ".join(self.shown.names), self.shown.sha256)

    def _signature(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stat(path) for path in self._files)

    def refresh(self) -> None:
        """Read the files again if they changed; what cannot be used is logged once, and the old one stays."""
        found = self._signature()
        if found == self._seen:
            return
        self._seen = found  # taken before they are read: a change during that is seen the next time
        try:
            newest, shown = server_context(*self._files), describe(self._files[0])
        except TlsError as error:
            _log.warning("server.tls.%s: %s; the certificate from before stays in use", error.key, error)
            return
        self._newest, self.shown = newest, shown
        self._tell()

    async def watch(self, poll_s: float = POLL_S) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(poll_s)
            await asyncio.to_thread(self.refresh)


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def make_self_signed(names: Sequence[str], now: datetime) -> tuple[bytes, bytes]:
    """A certificate that vouches for itself, for a year, and its key, both in PEM form.

    Args:
        names: what browsers will be given as the address: host names and IP addresses; at least one.
        now: aware; it is valid from shortly before.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"camctl trial at {names[0]}"[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + TRIAL)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return certificate.public_bytes(pem), key.private_bytes(pem, form, none)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
