"""The place that touches private parts of aiortc and pylibsrtp, with `data`; their versions are pinned because of it.

`check_contract` proves at start-up, with a real handshake in memory, that these parts still are what we take them for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import pylibsrtp
from aiortc import rtcdtlstransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from OpenSSL import SSL
from pylibsrtp import Session

from streams.webrtc.data import DataCounters, DataLink, missing_parts
from streams.webrtc.flight import Flight

log = logging.getLogger(__name__)

# As DTLS server we choose, and GCM costs half of AES-CM with SHA-1.
PROFILES = [rtcdtlstransport.SRTP_AEAD_AES_128_GCM, rtcdtlstransport.SRTP_AES128_CM_SHA1_80]
_TAG_LENGTHS = {b"SRTP_AEAD_AES_128_GCM": 16, b"SRTP_AES128_CM_SHA1_80": 10}
_MAX_WAITING = 32  # DTLS records of one peer
_DATA_S = 5.0
_SCTP_PORT = 5000
_BUFFER_BYTES = 70_000
_MOST_SPANS = 64  # packets in a run
_RELEASE_BUFFERS = 0x10  # SSL_MODE_RELEASE_BUFFERS (openssl/ssl.h): a connection that says nothing holds none
_PRIVATE = ("_set_role", "_srtp_profiles", "_ssl", "_tx_srtp", "_rx_srtp")


class ContractError(RuntimeError):
    """The installed aiortc or pylibsrtp is not what this adapter was written for."""


class HandshakeError(ConnectionError):
    """A DTLS handshake failed or took too long."""


class SrtpError(ValueError):
    """A packet is not authentic, or too old, or could not be protected."""


class TxKey:
    """One peer's outgoing SRTP state. Holds the session, for the pointer does not."""

    __slots__ = ("pointer", "session")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.pointer: Any = session._srtp[0] if hasattr(session, "_srtp") else None  # noqa: SLF001


class PacketSealer(Protocol):
    """What `streams.rtp.fanout.Sealer` is, for both implementations below."""

    view: memoryview

    def spans(self, layout: Sequence[tuple[int, int]]) -> Sequence[object]:
        """Prepare (offset, length) of packets for `seal`."""

    def seal(self, key: object, spans: Sequence[object]) -> bool:
        """Protect the packets at `spans` in place."""


class InPlaceSealer:
    """SRTP by libsrtp itself on one reusable buffer: less than half of what `Session.protect` takes.

    libsrtp wants each packet's length in a place of its own and leaves the new one there. So there is a row of such
    places, filled at once for each receiver.
    """

    def __init__(self) -> None:
        binding = pylibsrtp._binding  # noqa: SLF001
        self._buffer = binding.ffi.new("unsigned char[]", _BUFFER_BYTES)
        self._new, self._move = binding.ffi.new, binding.ffi.memmove
        self._lengths = binding.ffi.new("int[]", _MOST_SPANS)
        self._places = [self._lengths + number for number in range(_MOST_SPANS)]
        self._protect = binding.lib.srtp_protect
        self.view = memoryview(binding.ffi.buffer(self._buffer))

    def spans(self, layout: Sequence[tuple[int, int]]) -> Sequence[object]:
        """The lengths in a row, its size in bytes, and each packet's pointer and the place of its length."""
        buffer, lengths = self._buffer, [length for _, length in layout]
        packets = [(buffer + at, place) for place, (at, _) in zip(self._places, layout, strict=False)]
        return self._new("int[]", lengths), 4 * len(lengths), packets

    def seal(self, key: object, spans: Sequence[object]) -> bool:
        """Protect the packets at `spans` in place; False if libsrtp refuses one."""
        pointer, protect = key.pointer, self._protect  # type: ignore[attr-defined]  # a cast costs at each call
        lengths, size, packets = spans
        self._move(self._lengths, lengths, size)
        for at, length in packets:  # type: ignore[attr-defined]  # noqa: SIM110  # a generator costs
            if protect(pointer, at, length):
                return False
        return True


class CopyingSealer:
    """The same by pylibsrtp's public `Session.protect`."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(_BUFFER_BYTES))

    def spans(self, layout: Sequence[tuple[int, int]]) -> Sequence[object]:
        """The layout as it is."""
        return list(layout)

    def seal(self, key: object, spans: Sequence[object]) -> bool:
        """Protect the packets at `spans`; False if libsrtp refuses one."""
        session, view = cast("TxKey", key).session, self.view
        for offset, length in cast("Sequence[tuple[int, int]]", spans):
            try:
                sealed = session.protect(bytes(view[offset : offset + length]))
            except pylibsrtp.Error:
                return False
            view[offset : offset + len(sealed)] = sealed
        return True


class _IceStandIn:
    """What RTCDtlsTransport asks of an RTCIceTransport, without the ICE."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_now = send
        self.waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_MAX_WAITING)
        self.flight: Flight | None = None

    async def _recv(self) -> bytes:
        data = await self.waiting.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        if self.flight:
            self.flight.sent(data)
        self._send_now(data)


class DtlsLink:
    """DTLS-SRTP with one peer; we are the server (a=setup:passive) unless `role` says otherwise.

    `send` sends a datagram to the peer's current address. `on_closed` is called when the peer says goodbye.
    """

    def __init__(
        self, certificate: RTCCertificate, send: Callable[[bytes], None], on_closed: Callable[[], None] | None = None,
        *, role: str = "server",
    ) -> None:  # fmt: skip
        self._ice = _IceStandIn(send)
        self._dtls = RTCDtlsTransport(cast("Any", self._ice), [certificate])
        self._dtls._set_role(role)  # noqa: SLF001
        self._dtls._srtp_profiles = PROFILES  # noqa: SLF001
        self._on_closed = on_closed
        self._data: DataLink | None = None
        self.tx_key: TxKey | None = None
        self.tag_length = 0
        self.profile = ""
        self.rtt_s: float | None = None  # of the handshake, if a flight was answered without being sent again
        self._send_again = send

    def feed(self, record: bytes) -> None:
        """Take a DTLS datagram of the peer; dropped when too many wait, as a network would."""
        if not record:
            return
        if self._ice.flight:
            self._ice.flight.answered()
        if not self._ice.waiting.full():
            self._ice.waiting.put_nowait(record)

    async def handshake(self, fingerprints: Sequence[tuple[str, str]], timeout_s: float) -> None:
        """Wait for the peer's handshake and check its certificate against (algorithm, value) from its SDP.

        Raises:
            HandshakeError: it failed, the certificate is another one, or time is up.
        """
        parameters = RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(*item) for item in fingerprints])
        flight = self._ice.flight = Flight(self._send_again)
        try:
            async with asyncio.timeout(timeout_s):
                await self._dtls.start(parameters)
        except TimeoutError as error:
            raise HandshakeError(f"no DTLS handshake within {timeout_s:g} s") from error
        finally:
            flight.end()
            self._ice.flight = None
        self.rtt_s = flight.rtt_s
        if self._dtls.state != "connected":
            raise HandshakeError("the DTLS handshake failed")
        ssl = self._dtls._ssl  # noqa: SLF001
        profile = ssl.get_selected_srtp_profile() if ssl else b""
        self.profile = profile.decode()
        self.tag_length = _TAG_LENGTHS[profile]
        self.tx_key = TxKey(self._dtls._tx_srtp)  # noqa: SLF001
        self._dtls.on("statechange", self._changed)

    def _changed(self) -> None:
        if self._dtls.state in ("closed", "failed") and self._on_closed:
            callback, self._on_closed = self._on_closed, None
            callback()

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Make RTCP SRTCP.

        Raises:
            SrtpError: before the handshake, or libsrtp refuses.
        """
        if self.tx_key is None:
            raise SrtpError("there is no key yet")
        try:
            return self.tx_key.session.protect_rtcp(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise SrtpError(str(error)) from error

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Verify and decrypt SRTCP of the peer.

        Raises:
            SrtpError: it is not authentic, or there is no key yet.
        """
        if self.tx_key is None:
            raise SrtpError("there is no key yet")
        try:
            return self._dtls._rx_srtp.unprotect_rtcp(packet)  # noqa: SLF001
        except (pylibsrtp.Error, ValueError) as error:
            raise SrtpError(str(error)) from error

    def unprotect(self, packet: bytes) -> bytes:
        """Verify and decrypt SRTP of the peer; see `unprotect_rtcp`."""
        if self.tx_key is None:
            raise SrtpError("there is no key yet")
        try:
            return self._dtls._rx_srtp.unprotect(packet)  # noqa: SLF001
        except (pylibsrtp.Error, ValueError) as error:
            raise SrtpError(str(error)) from error

    async def open_data(
        self, remote_port: int, max_message: int, on_text: Callable[[str], None], counters: DataCounters
    ) -> DataLink:
        """Run data channels too, after the handshake; once. They end with `close`. See `DataLink`."""
        self._data = DataLink(self._dtls, on_text, counters)
        await self._data.start(remote_port, max_message)
        return self._data

    async def close(self) -> None:
        """Say goodbye (close_notify) and end; idempotent."""
        self._on_closed = None
        if self._data:
            await self._data.close()
        await self._dtls.stop()


class SharedCertificate(RTCCertificate):
    """A certificate whose TLS context is made once for all viewers: aiortc makes one for each, of 21 KB and 1 ms."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[Any]) -> SSL.Context:
        if srtp_profiles != PROFILES:
            return super()._create_ssl_context(srtp_profiles)
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            # A context that lives would keep every viewer's session for one that comes again; ours never resume.
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
            self._context.set_mode(_RELEASE_BUFFERS)
        return self._context


def make_certificate() -> RTCCertificate:
    """A fresh self-signed ECDSA certificate, valid for 30 days."""
    return SharedCertificate.generateCertificate()


def fingerprint(certificate: RTCCertificate) -> tuple[str, str]:
    """The certificate's SHA-256 fingerprint as (algorithm, value) for a=fingerprint."""
    found = next(item for item in certificate.getFingerprints() if item.algorithm == "sha-256")
    return found.algorithm, found.value


async def check_contract() -> PacketSealer:
    """Prove the private parts and return the fastest sealer that works.

    Raises:
        ContractError: the parts without which there is no DTLS are missing; the message names them.
    """
    client_certificate, certificate = make_certificate(), make_certificate()
    probe = RTCDtlsTransport(cast("Any", _IceStandIn(lambda _: None)), [certificate])
    missing = [name for name in _PRIVATE if not hasattr(probe, name)]
    missing += missing_parts(probe)
    if missing:
        raise ContractError(f"aiortc's DTLS and SCTP have no {', '.join(missing)}")
    server, client = _connect_two(certificate, client_certificate)
    try:
        await asyncio.gather(
            client.handshake([fingerprint(certificate)], 5), server.handshake([fingerprint(client_certificate)], 5)
        )
        await _exchange_texts(server, client)
        return _choose_sealer(server, client)
    except HandshakeError as error:
        raise ContractError(f"two of aiortc's DTLS transports cannot talk to each other: {error}") from error
    finally:
        await asyncio.gather(client.close(), server.close())


def _connect_two(certificate: RTCCertificate, client_certificate: RTCCertificate) -> tuple[DtlsLink, DtlsLink]:
    """A DTLS server and a client, each the other's network."""

    def to_client(data: bytes) -> None:
        client.feed(data)

    server = DtlsLink(certificate, to_client)
    client = DtlsLink(client_certificate, server.feed, role="client")
    return server, client


async def _exchange_texts(server: DtlsLink, client: DtlsLink) -> None:
    """A text on a data channel and another one back."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    counters = DataCounters()
    theirs = await server.open_data(_SCTP_PORT, 0, lambda text: heard.put_nowait(f"server {text}"), counters)
    ours = await client.open_data(_SCTP_PORT, 0, lambda text: heard.put_nowait(f"client {text}"), counters)
    ours.open()
    try:
        async with asyncio.timeout(_DATA_S):
            while not ours.is_open:  # noqa: ASYNC110  # the state of a foreign class
                await asyncio.sleep(0)
            for link, expected in ((ours, "server ping"), (theirs, "client ping")):
                link.send("ping")
                if await heard.get() != expected:
                    raise ContractError("aiortc's data channels mix up what they carry")
    except TimeoutError as error:
        raise ContractError("two of aiortc's data channels cannot talk to each other") from error


def _choose_sealer(server: DtlsLink, client: DtlsLink) -> PacketSealer:
    makers: tuple[Callable[[], PacketSealer], ...] = (InPlaceSealer, CopyingSealer)
    for number, make in enumerate(makers):
        try:
            sealer = make()
            if _round_trip(sealer, server, client, sequence=number + 1):
                return sealer
        except (AttributeError, TypeError, SrtpError) as error:
            log.warning("%s does not work with this pylibsrtp: %s", make, error)
    raise ContractError("neither way to protect packets works with this pylibsrtp")


def _round_trip(sealer: PacketSealer, server: DtlsLink, client: DtlsLink, *, sequence: int) -> bool:
    packet = bytes((0x80, 96, 0, sequence)) + bytes(8) + b"a packet that has to come through"
    sealer.view[: len(packet)] = packet
    if server.tx_key is None or not sealer.seal(server.tx_key, sealer.spans([(0, len(packet))])):
        return False
    sealed = bytes(sealer.view[: len(packet) + server.tag_length])
    return sealed != packet and client.unprotect(sealed) == packet
