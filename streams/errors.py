"""Why a stream cannot be had, as kinds that callers may branch on. No message ever carries a credential."""

from __future__ import annotations

from enum import StrEnum


class StreamFault(StrEnum):
    """What went wrong with a stream; the value is stable and travels between processes and to clients."""

    UNREACHABLE = "unreachable"  # no route, refused, or connection lost
    TIMEOUT = "timeout"  # connected, but no answer in time
    BAD_CREDENTIALS = "bad-credentials"  # the camera refused user name and password
    CERTIFICATE = "certificate"  # by TLS the camera did not prove to be who it should be
    NOT_FOUND = "not-found"  # the camera knows no such path
    BUSY = "busy"  # 453 or 503: too many clients on the camera
    PROTOCOL = "protocol"  # what came back is not RTSP, or not the RTSP we asked for
    CODEC = "codec"  # video, but of a codec that nobody who asked can show
    NO_VIDEO = "no-video"  # described without any video
    BAD_OFFER = "bad-offer"  # the viewer's SDP is unusable
    CLOSED = "closed"  # ended on purpose
    HIDDEN = "hidden"  # its pictures are withheld now
    OVERLOADED = "overloaded"  # a limit of ours was reached


class StreamError(Exception):
    """A stream, or a viewer's session on it, failed.

    `fault` says how; `detail` is one sentence for a person, without secrets; `codec` names what the camera sends when
    `fault` is CODEC.
    """

    def __init__(self, fault: StreamFault, detail: str, *, codec: str | None = None) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail
        self.codec = codec

    def again(self) -> StreamError:
        """A fresh exception of the same kind: a kept one would gather the traceback of everybody it was raised to."""
        return StreamError(self.fault, self.detail, codec=self.codec)
