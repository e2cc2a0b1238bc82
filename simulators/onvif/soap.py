"""SOAP in and out: bytes to the operation in the Body, answers and faults to bytes. Pure.

SOAP 1.2 is what ONVIF asks for; 1.1 is understood because old clients speak it. The Body's element alone decides what
is asked: ZoneMinder, for one, sends Stop under the action of ContinuousMove.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lxml import etree

from simulators.onvif.xml import NAMESPACES, SOAP_11, SOAP_12, Xml, el, join

MAX_REQUEST_BYTES = 256 * 1024
_ENVELOPES = {f"{{{SOAP_12}}}Envelope": SOAP_12, f"{{{SOAP_11}}}Envelope": SOAP_11}
_DECLARATIONS = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items() if prefix != "s")
_CONTENT_TYPES = {SOAP_12: "application/soap+xml; charset=utf-8", SOAP_11: "text/xml; charset=utf-8"}


class SoapFaultError(Exception):
    """A fault to answer with: side, subcodes of namespace ter (outermost first), reason (ONVIF Core, 5.8.2)."""

    def __init__(
        self, side: Literal["Sender", "Receiver"], *subcodes: str, reason: str, status: int | None = None
    ) -> None:
        super().__init__(reason)
        self.side = side
        self.subcodes = subcodes
        self.reason = reason
        self.status = status or (400 if side == "Sender" else 500)


def not_well_formed(reason: str) -> SoapFaultError:
    """The request is not XML that can be read."""
    return SoapFaultError("Sender", "WellFormed", reason=reason)


def invalid_argument(reason: str, *details: str) -> SoapFaultError:
    """An argument that has the right form and no possible value, such as an unknown token."""
    return SoapFaultError("Sender", "InvalidArgVal", *details, reason=reason)


def invalid_arguments(reason: str) -> SoapFaultError:
    """An argument is missing or not of its type."""
    return SoapFaultError("Sender", "InvalidArgs", reason=reason)


def action_failed(reason: str, *details: str) -> SoapFaultError:
    """The camera could not do it."""
    return SoapFaultError("Receiver", "Action", *details, reason=reason)


def action_not_supported(operation: str) -> SoapFaultError:
    """The operation does not exist here."""
    return SoapFaultError("Receiver", "ActionNotSupported", reason=f"{operation} is not supported")


@dataclass(frozen=True, slots=True)
class Request:
    """What an envelope asks: the Body's first element, the Header, and which SOAP it is written in."""

    body: etree._Element
    header: etree._Element | None
    envelope: str = SOAP_12

    @property
    def operation(self) -> tuple[str, str]:
        """Namespace and local name."""
        name = etree.QName(self.body)
        return name.namespace or "", name.localname

    def addressing(self, name: str) -> str | None:
        """A WS-Addressing header's text, such as "MessageID"; None when it is not there."""
        if self.header is None:
            return None
        text = self.header.findtext(f"{{{NAMESPACES['wsa']}}}{name}")
        return text.strip() if text else None


def parse(document: bytes) -> Request:
    """Read an envelope. Entities, DTDs and the network are off; size is limited.

    Raises:
        SoapFaultError: ter:WellFormed for what is no XML or no envelope.
    """
    if len(document) > MAX_REQUEST_BYTES:
        raise not_well_formed(f"more than {MAX_REQUEST_BYTES} bytes")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise not_well_formed("not well-formed XML") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise not_well_formed("a document type declaration is not allowed")
    return _unwrap(root)


def _unwrap(root: etree._Element) -> Request:
    envelope = _ENVELOPES.get(str(root.tag))
    if envelope is None:
        raise not_well_formed("not a SOAP envelope")
    body = root.find(f"{{{envelope}}}Body")
    asked = body.find("*") if body is not None else None
    if asked is None:
        raise not_well_formed("nothing in the Body")
    return Request(asked, root.find(f"{{{envelope}}}Header"), envelope)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: status, type and body, further headers."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()


def answer(request: Request, prefix: str, content: Xml) -> Reply:
    """The operation's Response element around `content`."""
    _, operation = request.operation
    return _reply(200, request, el(f"{prefix}:{operation}Response", content))


def fault(error: SoapFaultError, request: Request | None = None) -> Reply:
    """The fault as SOAP 1.2, or 1.1 where the request was."""
    if request is not None and request.envelope == SOAP_11:
        code = "Client" if error.side == "Sender" else "Server"
        body = el("s:Fault", el("faultcode", f"s:{code}"), el("faultstring", error.reason))
    else:
        subcode: Xml | None = None
        for name in reversed(error.subcodes):
            subcode = el("s:Subcode", el("s:Value", f"ter:{name}"), subcode)
        code_element = el("s:Code", el("s:Value", f"s:{error.side}"), subcode)
        text = el("s:Text", error.reason, **{"xml:lang": "en"})
        body = el("s:Fault", code_element, el("s:Reason", text))
    return _reply(error.status, request, body)


def _reply(status: int, request: Request | None, content: Xml) -> Reply:
    namespace = request.envelope if request is not None else SOAP_12
    header = _addressing(request) if request is not None else None
    inner = join(el("s:Header", header) if header else None, el("s:Body", content))
    document = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="{namespace}"{_DECLARATIONS}>{inner}</s:Envelope>'
    )
    return Reply(status, _CONTENT_TYPES[namespace], document.encode("utf-8"))


def _addressing(request: Request) -> Xml | None:
    """What WS-Addressing wants in an answer to a request that used it."""
    action, message = request.addressing("Action"), request.addressing("MessageID")
    if action is None and message is None:
        return None
    return join(
        el("wsa:Action", f"{action}Response") if action else None,
        el("wsa:RelatesTo", message) if message else None,
    )
