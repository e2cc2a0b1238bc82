"""Which fault an RTSP status means: one table, for the client and, backwards, for the server."""

from __future__ import annotations

from streams.errors import StreamError, StreamFault
from streams.rtsp.protocol import REASONS

_FAULT_OF_STATUS = {
    401: StreamFault.BAD_CREDENTIALS,
    403: StreamFault.BAD_CREDENTIALS,  # cameras answer so to a locked account and to a user without the right
    404: StreamFault.NOT_FOUND,
    408: StreamFault.TIMEOUT,
    410: StreamFault.NOT_FOUND,
    453: StreamFault.BUSY,
    503: StreamFault.BUSY,
}
_STATUS_OF_FAULT = {
    StreamFault.NOT_FOUND: 404,
    StreamFault.BUSY: 453,
    StreamFault.OVERLOADED: 453,
    StreamFault.CODEC: 415,
    StreamFault.NO_VIDEO: 415,
}


def error_for_status(method: str, status: int, cseq: int) -> StreamError:
    """The error of a request that was answered with other than 2xx. The peer's reason phrase is not repeated."""
    fault = _FAULT_OF_STATUS.get(status, StreamFault.PROTOCOL)
    reason = REASONS.get(status, "unknown status")
    if 300 <= status < 400:
        reason += "; redirects are not followed"
    return StreamError(fault, f"{method} (CSeq {cseq}) was answered {status} {reason}")


def status_for_error(error: StreamError) -> int:
    """What a server says when its source has failed."""
    return _STATUS_OF_FAULT.get(error.fault, 503)
