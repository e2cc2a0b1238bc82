"""A viewer's data channel: aiortc's SCTP over the DTLS that runs already. Touches private parts, as `adapter` does.

Only texts on the channel "control" count. A peer that misbehaves loses its association, never its picture, and costs
the others nothing: what it may send is bounded in kind (`sctp`), in rate and in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from aiortc import rtcdtlstransport
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import Chunk, RTCSctpCapabilities, RTCSctpTransport

from streams.datagrams import LABEL, MAX_TEXT_BYTES, MAX_WAITING_BYTES, Allowance, fits
from streams.webrtc.sctp import MAX_STREAMS, MAX_UNFINISHED, SctpViolationError, check_packet

log = logging.getLogger(__name__)

TEXTS_PER_S = 100.0
_CHUNKS_PER_S = 400.0  # texts and what acknowledges ours
_RECEIVE_BYTES = 128 << 10  # unread messages of one viewer, as it is told
_SslError: type[Exception] = cast("Any", rtcdtlstransport).SSL.Error
_PRIVATE_METHODS = ("_handle_data", "_send_chunk", "_transmit")
_PRIVATE = ("_advertised_rwnd", "_association_state", "_inbound_streams", "_inbound_streams_max", "_last_received_tsn")


@dataclass(slots=True)
class DataCounters:
    """Texts taken and sent; messages dropped on the way in and out; associations ended for what the peer sent."""

    received: int = 0
    dropped: int = 0
    sent: int = 0
    unsent: int = 0
    broken: int = 0


class _Association(RTCSctpTransport):
    """aiortc's, given only packets that cannot hurt, and silent once the peer is gone."""

    def __init__(self, dtls: RTCDtlsTransport, counters: DataCounters) -> None:
        super().__init__(dtls)
        self._inbound_streams_max = MAX_STREAMS
        self._advertised_rwnd = _RECEIVE_BYTES
        self._counters = counters
        self._allowance = Allowance(_CHUNKS_PER_S)
        self._now = asyncio.get_running_loop().time

    async def _handle_data(self, data: bytes) -> None:
        """Take a packet of the peer. Whatever it is, DTLS goes on."""
        if self.state == "closed":
            return
        try:
            count = check_packet(data, self._last_received_tsn)
            if count == 0 or not self._allowance.take(self._now(), count):
                self._counters.dropped += 1
                return
            await super()._handle_data(data)
            if sum(len(stream.reassembly) for stream in self._inbound_streams.values()) > MAX_UNFINISHED:
                raise SctpViolationError("messages that do not end")  # noqa: TRY301  # as if the check had found it
        except Exception as error:  # noqa: BLE001  # the stack asserts and unpacks what the peer sent
            self._counters.broken += 1
            log.info("ended a viewer's data channel: %s: %s", type(error).__name__, error)
            await self.stop()

    async def _send_chunk(self, chunk: Chunk) -> None:
        """Send; lost when DTLS is over, which timers do not know."""
        with contextlib.suppress(ConnectionError, _SslError):
            await super()._send_chunk(chunk)

    async def _transmit(self) -> None:
        """Send what waits, but start no timer in an association that has ended."""
        if self._association_state is not self.State.CLOSED:
            await super()._transmit()


class DataLink:
    """The data channel over one DTLS connection, which must be up. `on_text` is called with each text at once."""

    def __init__(self, dtls: RTCDtlsTransport, on_text: Callable[[str], None], counters: DataCounters) -> None:
        self._on_text = on_text
        self._counters = counters
        self._allowance = Allowance(TEXTS_PER_S)
        self._now = asyncio.get_running_loop().time
        self._channel: RTCDataChannel | None = None
        self._association = _Association(dtls, counters)
        self._association.on("datachannel", self._opened)

    @property
    def is_open(self) -> bool:
        """Whether texts can be sent."""
        return self._channel is not None and self._channel.readyState == "open"

    async def start(self, remote_port: int, max_message: int) -> None:
        """Begin, with the peer's SCTP port and the longest message it takes (0: any)."""
        await self._association.start(RTCSctpCapabilities(max_message), remote_port)

    def open(self) -> None:
        """Open the channel ourselves, as a viewer does: unordered and never sent again."""
        parameters = RTCDataChannelParameters(label=LABEL, ordered=False, maxRetransmits=0)
        self._opened(RTCDataChannel(self._association, parameters))

    def send(self, text: str) -> bool:
        """Send a text; False when it is lost: no channel, too long, or too much waits."""
        channel = self._channel
        is_free = channel is not None and channel.bufferedAmount + MAX_TEXT_BYTES <= MAX_WAITING_BYTES
        if channel is not None and is_free and channel.readyState == "open" and fits(text):
            with contextlib.suppress(ValueError):  # longer than the peer takes
                channel.send(text)
                self._counters.sent += 1
                return True
        self._counters.unsent += 1
        return False

    async def close(self) -> None:
        """End the association; idempotent."""
        await self._association.stop()

    def _opened(self, channel: RTCDataChannel) -> None:
        if channel.label == LABEL:
            self._channel = channel  # the newest: a page may open it anew
        channel.on("message", functools.partial(self._take, channel))

    def _take(self, channel: RTCDataChannel, message: str | bytes) -> None:
        is_text = channel is self._channel and isinstance(message, str) and fits(message)
        if is_text and self._allowance.take(self._now()):
            self._counters.received += 1
            self._on_text(str(message))
        else:
            self._counters.dropped += 1


def missing_parts(dtls: RTCDtlsTransport) -> list[str]:
    """The private parts of aiortc's SCTP that this file needs and that are not there."""
    methods = [name for name in _PRIVATE_METHODS if not callable(getattr(RTCSctpTransport, name, None))]
    probe = RTCSctpTransport(dtls)
    return methods + [name for name in _PRIVATE if not hasattr(probe, name)]
