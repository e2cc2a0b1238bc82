"""SOAP requests as bytes, made by zeep once for each form and from then on only filled in; answers through zeep.

zeep takes a millisecond of CPU for an envelope and its answer, most of it for XML that is the same every time. What
differs from one request to the next of the same form are numbers, durations and the token's stamp.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import zeep
from lxml import etree
from zeep.exceptions import Error as ZeepError

from camctl.onvif.documents import Documents, Service, reply_settings
from camctl.onvif.steering import Parameters
from camctl.onvif.token import Stamp, UsernameToken
from camctl.ptz.ports import CameraError, CameraFault

Form = tuple[object, ...]

MAX_FORMS = 2048  # of all cameras, some kilobytes each; most cameras have the same
_SETTINGS = reply_settings()
_NUMBER, _SECONDS = object(), object()
_MAX_PLAIN_S = 59  # zeep writes 60 s as PT1M


@dataclass(frozen=True, slots=True)
class Request:
    """A whole SOAP request: what goes into the HTTP body, and its Content-Type."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class _Mould:
    """An envelope cut at the places that change: one part more than there are places, which are in `order`."""

    parts: tuple[bytes, ...]
    order: tuple[int, ...]
    content_type: str

    def fill(self, values: Sequence[str]) -> bytes:
        """The envelope with these values, none of which needs escaping."""
        pieces = [self.parts[0]]
        for part, place in zip(self.parts[1:], self.order, strict=True):
            pieces += (values[place].encode("ascii"), part)
        return b"".join(pieces)


class _Written(BaseException):
    def __init__(self, envelope: Any, content_type: str) -> None:  # noqa: ANN401  # zeep has no types
        super().__init__()
        self.envelope = envelope
        self.content_type = content_type


class _Catch:
    """zeep's transport here: it only takes what zeep wrote."""

    def post_xml(self, _address: str, envelope: Any, headers: dict[str, str]) -> None:  # noqa: ANN401  # zeep has no types
        raise _Written(envelope, headers["Content-Type"])


class Envelopes:
    """zeep's two halves without its transport, and what was written before. Shared by all cameras, thread-safe."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._moulds: dict[Form, _Mould] = {}
        self._readers: dict[Service, Any] = {}

    def mould(self, form: Form, make: Callable[[], _Mould]) -> _Mould:
        """The mould of a form, made if it is not there yet; two threads may make the same one, which does no harm."""
        mould = self._moulds.get(form)
        if mould is None:
            mould = make()
            if len(self._moulds) >= MAX_FORMS:  # names and tokens of presets are parts of forms
                self._moulds.clear()
            self._moulds[form] = mould
        return mould

    def write(self, service: Service, operation: str, parameters: Parameters) -> tuple[Any, str]:
        """The envelope as zeep builds it, without a token, and its Content-Type."""
        client: Any = zeep.Client(self._documents.get(service), transport=_Catch(), settings=_SETTINGS)  # type: ignore[no-untyped-call]
        try:
            client.create_service(service.binding, "")[operation](**parameters)
        except _Written as written:
            return written.envelope, written.content_type
        msg = f"zeep did not send {operation}"
        raise RuntimeError(msg)

    def read(self, service: Service, operation: str, document: bytes) -> Any:  # noqa: ANN401  # zeep has no types
        """What zeep parsed of an answer's envelope; fields may be None.

        Raises:
            CameraError: PROTOCOL, zeep cannot read it.
        """
        client = self._readers.get(service)
        if client is None:
            client = zeep.Client(self._documents.get(service), transport=_Catch(), settings=_SETTINGS)  # type: ignore[no-untyped-call]
            self._readers[service] = client
        binding: Any = client.wsdl.bindings[service.binding]
        try:
            return binding.process_reply(client, binding.get(operation), _Answer(document))
        except (ZeepError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise unreadable(operation, error) from None


class RequestMaker:
    """Makes one camera's requests; a form that was asked for before, by any camera, costs some microseconds."""

    def __init__(self, envelopes: Envelopes, token: UsernameToken) -> None:
        self._envelopes = envelopes
        self._token = token

    def make(self, service: Service, operation: str, parameters: Parameters, *, with_token: bool = True) -> Request:
        """The request with a fresh token."""
        values: list[str] = []
        whose = self._token.username if with_token else None
        form = (service, operation, whose, *_form(parameters, values))
        mould = self._envelopes.mould(form, lambda: self._mould(service, operation, parameters, with_token=with_token))
        if with_token:
            values += self._token.stamp()
        return Request(mould.fill(values), mould.content_type)

    def _mould(self, service: Service, operation: str, parameters: Parameters, *, with_token: bool) -> _Mould:
        marks: list[str] = []
        envelope, content_type = self._envelopes.write(service, operation, _marked(parameters, marks))
        if with_token:
            stamp = Stamp(*(secrets.token_hex(16) for _ in Stamp._fields))
            self._token.write(envelope, stamp)
            marks += stamp
        document = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        return _cut(document, [mark.encode("ascii") for mark in marks], content_type)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What zeep asks of an HTTP answer."""

    content: bytes
    status_code: int = 200
    encoding: str = "utf-8"

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/soap+xml; charset=utf-8"}


def unreadable(operation: str, error: Exception) -> CameraError:
    """The error for an answer that zeep did not expect; the error's text may quote the answer, so it is not shown."""
    return CameraError(
        CameraFault.PROTOCOL, f"the camera's answer to {operation} cannot be read ({type(error).__name__})"
    )


def _form(parameters: Parameters, values: list[str]) -> Form:
    """What is the same in all requests of a form; what differs goes to `values`, as zeep writes it."""
    form: list[object] = []
    for name, value in parameters.items():
        form.append(name)
        if isinstance(value, dict):
            form.append(_form(value, values))
        elif isinstance(value, float):
            form.append(_NUMBER)
            values.append(str(value).upper())
        elif isinstance(value, timedelta) and _is_plain(value):
            form.append(_SECONDS)
            values.append(f"PT{value.seconds}S")
        else:
            form.append((type(value), tuple(value) if isinstance(value, list) else value))
    return tuple(form)


def _marked(parameters: Parameters, marks: list[str]) -> Parameters:
    """The same parameters with a mark in each place that changes; `marks` gets the text that zeep writes there."""
    marked: Parameters = {}
    for name, value in parameters.items():
        number = secrets.randbelow(10**9) + 10**9
        if isinstance(value, dict):
            marked[name] = _marked(value, marks)
        elif isinstance(value, float):
            marked[name] = number + 0.5
            marks.append(f"{number}.5")
        elif isinstance(value, timedelta) and _is_plain(value):
            days = number % 10**8 + 10**8
            marked[name] = timedelta(days=days)
            marks.append(f"P{days}D")
        else:
            marked[name] = value
    return marked


def _is_plain(value: timedelta) -> bool:
    return value.days == 0 and value.microseconds == 0 and 0 < value.seconds <= _MAX_PLAIN_S


def _cut(document: bytes, marks: list[bytes], content_type: str) -> _Mould:
    """Cut a document at its marks, which are random: each must be there exactly once."""
    if any(document.count(mark) != 1 for mark in marks):
        msg = "zeep wrote a value in another form than expected"
        raise RuntimeError(msg)
    places = sorted(range(len(marks)), key=lambda place: document.index(marks[place]))
    parts: list[bytes] = []
    for place in places:
        before, _, document = document.partition(marks[place])
        parts.append(before)
    return _Mould((*parts, document), tuple(places), content_type)
