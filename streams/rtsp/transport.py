"""The Transport header (RFC 2326 section 12.39): parse and build, both sides."""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TransportSpec:
    """One way to carry RTP: interleaved channels on the connection, or UDP ports; each pair is (RTP, RTCP)."""

    is_tcp: bool
    is_multicast: bool = False
    interleaved: Pair | None = None
    client_port: Pair | None = None
    server_port: Pair | None = None
    ssrc: int | None = None

    def __str__(self) -> str:
        parts = ["RTP/AVP/TCP" if self.is_tcp else "RTP/AVP", "multicast" if self.is_multicast else "unicast"]
        pairs = (
            ("interleaved", self.interleaved),
            ("client_port", self.client_port),
            ("server_port", self.server_port),
        )
        parts += [f"{name}={pair[0]}-{pair[1]}" for name, pair in pairs if pair]
        if self.ssrc is not None:
            parts.append(f"ssrc={self.ssrc:08X}")
        return ";".join(parts)


def parse_transports(value: str) -> list[TransportSpec]:
    """The alternatives of a header, best first; those that are not RTP/AVP, or unreadable, are left out."""
    found = (_parse_one(alternative) for alternative in value.split(",")[:16])
    return [spec for spec in found if spec]


def _parse_one(text: str) -> TransportSpec | None:
    protocol, *items = [item.strip() for item in text.split(";")]
    if protocol.upper() not in ("RTP/AVP", "RTP/AVP/UDP", "RTP/AVP/TCP"):
        return None
    parameters = dict(_parameter(item) for item in items)
    is_tcp = protocol.upper().endswith("TCP")
    return TransportSpec(
        is_tcp=is_tcp,
        is_multicast="multicast" in parameters,
        interleaved=_pair(parameters.get("interleaved", ""), 255),
        client_port=_pair(parameters.get("client_port", ""), 65535),
        server_port=_pair(parameters.get("server_port", ""), 65535),
        ssrc=_hexadecimal(parameters.get("ssrc", "")),
    )


def _parameter(item: str) -> tuple[str, str]:
    name, _, value = item.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _pair(text: str, limit: int) -> Pair | None:
    first, _, second = text.partition("-")
    if not (first.isascii() and first.isdigit()) or len(first) > 5:
        return None
    low = int(first)
    high = int(second) if second.isascii() and second.isdigit() and len(second) <= 5 else low + 1
    return (low, high) if low <= limit and high <= limit else None


def _hexadecimal(text: str) -> int | None:
    try:
        value = int(text, 16)
    except ValueError:
        return None
    return value if 0 <= value < 1 << 32 else None
