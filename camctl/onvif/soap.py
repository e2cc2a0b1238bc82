"""What came back, read with suspicion: is it the SOAP answer to what was asked, and if not, what kind of no. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from camctl.ptz.ports import CameraError, CameraFault

_SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
_SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
_ENVELOPES = {f"{{{namespace}}}Envelope": namespace for namespace in (_SOAP_12, _SOAP_11)}
_MAX_REASON = 200
_CREDENTIAL_CODES = frozenset(
    {"notauthorized", "failedauthentication", "invalidsecurity", "invalidsecuritytoken", "unauthorized"}
)
_UNSUPPORTED_CODES = frozenset(
    {
        "actionnotsupported",
        "optionalactionnotimplemented",
        "ptznotsupported",
        "nosuchservice",
        "mediaservicenotsupported",
    }
)
# Firmware that sends a fault without subcodes says so in words only.
_CREDENTIAL_WORDS = re.compile(
    r"not\s+authori[sz]ed|unauthori[sz]ed|authority\s+failure|failed\s+authentication|authentication\s+fail",
    re.IGNORECASE,
)
_UNSUPPORTED_WORDS = re.compile(r"not\s+(supported|implemented)|unsupported|unknown\s+action", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SoapFault:
    """A fault as the camera sent it: local names of its codes, outermost first, and its reason."""

    codes: tuple[str, ...]
    reason: str

    @property
    def kind(self) -> CameraFault:
        """What it means to us."""
        lowered = {code.lower() for code in self.codes}
        if lowered & _CREDENTIAL_CODES:
            return CameraFault.BAD_CREDENTIALS
        if lowered & _UNSUPPORTED_CODES:
            return CameraFault.UNSUPPORTED
        if len(self.codes) <= 1:  # no subcode to go by
            if _CREDENTIAL_WORDS.search(self.reason):
                return CameraFault.BAD_CREDENTIALS
            if _UNSUPPORTED_WORDS.search(self.reason):
                return CameraFault.UNSUPPORTED
        return CameraFault.REFUSED


class CameraSaidNoError(CameraError):
    """A SOAP fault; `codes` are the local names of its code and subcodes, lower case."""

    def __init__(self, kind: CameraFault, detail: str, codes: tuple[str, ...]) -> None:
        super().__init__(kind, detail)
        self.codes = codes


def read_reply(status: int, body: bytes, operation: str) -> bytes:
    """The envelope as well-formed UTF-8 XML holding the operation's answer.

    Raises:
        CameraError: BAD_CREDENTIALS, REFUSED or UNSUPPORTED for a fault; PROTOCOL for anything else.
    """
    document = _as_utf8(body)
    root = _parse(document)
    namespace = _ENVELOPES.get(str(root.tag)) if root is not None else None
    if root is None or namespace is None:
        raise _without_soap(status, operation)
    content = _body_content(root, namespace)
    if content is not None and etree.QName(content).localname == "Fault":
        raise _refusal(_fault(content), operation)
    if status in (401, 403):
        raise bad_credentials(operation)
    if status != 200:
        raise CameraError(CameraFault.PROTOCOL, f"the camera answered {operation} with HTTP status {status}")
    if content is None or etree.QName(content).localname != f"{operation}Response":
        raise CameraError(CameraFault.PROTOCOL, f"the camera answered {operation} with something else")
    return document


def bad_credentials(operation: str) -> CameraError:
    """The account does not open this camera, or not this operation."""
    return CameraError(
        CameraFault.BAD_CREDENTIALS,
        f"the camera does not accept the account for {operation}: check user name, password and the account's rights",
    )


def _parse(document: bytes) -> etree._Element | None:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    # Entities need a document type, and no SOAP message may have one (SOAP 1.2 part 1, section 5).
    return None if root.getroottree().docinfo.internalDTD is not None else root


def _as_utf8(body: bytes) -> bytes:
    """Some firmware writes Latin-1 names into a document that says UTF-8; the rest of it is as good as any."""
    text = body.strip()
    declaration = text[:100].lower()
    if b"encoding" in declaration and b"utf-8" not in declaration:
        return text
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1").encode("utf-8")
    return text


def _body_content(root: etree._Element, namespace: str) -> etree._Element | None:
    body = root.find(f"{{{namespace}}}Body")
    if body is None:
        return None
    return next(iter(body.iterchildren("*")), None)


def _fault(fault: etree._Element) -> SoapFault:
    codes: list[str] = []
    reason = ""
    for element in fault.iter("*"):
        name = etree.QName(element).localname
        text = (element.text or "").strip()
        if name in ("Value", "faultcode") and text:
            codes.append(text.rpartition(":")[2])
        elif name in ("Text", "faultstring") and text and not reason:
            reason = text
    return SoapFault(tuple(codes), _printable(reason))


def _refusal(fault: SoapFault, operation: str) -> CameraError:
    codes = tuple(code.lower() for code in fault.codes)
    if fault.kind is CameraFault.BAD_CREDENTIALS:
        return CameraSaidNoError(fault.kind, bad_credentials(operation).detail, codes)
    said = (
        " / ".join(part for part in (_printable("/".join(fault.codes[1:])), fault.reason) if part) or "no reason given"
    )
    word = "does not support" if fault.kind is CameraFault.UNSUPPORTED else "refused"
    return CameraSaidNoError(fault.kind, f"the camera {word} {operation}: {said}", codes)


def _without_soap(status: int, operation: str) -> CameraError:
    if status in (401, 403):
        return bad_credentials(operation)
    if 300 <= status < 400:
        return CameraError(
            CameraFault.PROTOCOL,
            "the camera redirects to another address; redirects are not followed: give the final address",
        )
    if status in (404, 405, 501):
        return CameraError(
            CameraFault.PROTOCOL,
            f"nothing at this address answers {operation} (HTTP status {status}); is the address right?",
        )
    if status != 200:
        return CameraError(CameraFault.PROTOCOL, f"the camera answered {operation} with HTTP status {status}")
    return CameraError(
        CameraFault.PROTOCOL, f"the answer to {operation} is not SOAP; is this an ONVIF camera's address?"
    )


def _printable(text: str) -> str:
    """A camera's words, fit for a log line and a page: one line, no control characters, bounded."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))[:_MAX_REASON]
