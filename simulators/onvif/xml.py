"""XML as text: elements are built in the order in which the schema wants them, and everything foreign is escaped."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "ter": "http://www.onvif.org/ver10/error",
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "timg": "http://www.onvif.org/ver20/imaging/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tns1": "http://www.onvif.org/ver10/topics",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "xs": "http://www.w3.org/2001/XMLSchema",
}
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = NAMESPACES["s"]

Value = str | int | float | bool


class Xml(str):
    """Text that already is XML; any other text is escaped when it goes into an element."""

    __slots__ = ()


def el(tag: str, *children: Value | None, **attributes: Value | None) -> Xml:
    """One element; `tag` carries its prefix. Children and attributes that are None are left out."""
    named = "".join(f" {name}={quoteattr(plain(value))}" for name, value in attributes.items() if value is not None)
    inner = "".join(
        child if isinstance(child, Xml) else escape(plain(child)) for child in children if child is not None
    )
    return Xml(f"<{tag}{named}>{inner}</{tag}>" if inner else f"<{tag}{named}/>")


def join(*parts: Xml | None) -> Xml:
    """Siblings, without those that are None."""
    return Xml("".join(part for part in parts if part is not None))


def plain(value: Value) -> str:
    """A value as XML Schema writes it; floats never in scientific notation, which old parsers refuse."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value + 0.0:.6f}".rstrip("0").rstrip(".")
    return str(value)
