"""The configuration's section `server`: where HTTP is served, over TLS or not, and how much anybody may ask of it."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from camctl.config_types import STRICT, Network, Port, network


class _Strict(BaseModel):
    model_config = STRICT


class TlsConfig(_Strict):
    """The certificate that browsers are shown; without one HTTP is served unencrypted."""

    certificate: str | None = None
    key: str | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> TlsConfig:
        if (self.certificate is None) != (self.key is None):
            msg = "give both certificate and key, or neither"
            raise ValueError(msg)
        return self


class HttpLimits(_Strict):
    """How much one request, connection, address or person may take."""

    url_bytes: Annotated[int, Field(ge=256, le=65_536)] = 8192
    header_bytes: Annotated[int, Field(ge=1024, le=262_144)] = 32_768
    header_count: Annotated[int, Field(ge=16, le=1000)] = 100
    header_s: Annotated[float, Field(gt=0, le=300)] = 15.0
    body_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    connections: Annotated[int, Field(ge=16, le=100_000)] = 4096
    connections_per_address: Annotated[int, Field(ge=8, le=100_000)] = 1024
    requests_per_s_per_address: Annotated[float, Field(ge=1, le=100_000)] = 500.0
    requests_per_s_per_person: Annotated[float, Field(ge=1, le=100_000)] = 100.0
    socket_messages_per_s: Annotated[float, Field(ge=30, le=10_000)] = 100.0


class ServerConfig(_Strict):
    """Where HTTP and the sockets are served."""

    host: str = "0.0.0.0"  # noqa: S104  phones reach the service over the network; the page needs sign-in
    port: Port = 8080
    public_url: str | None = None
    tls: TlsConfig = TlsConfig()
    trusted_proxies: Annotated[list[Network], Field(max_length=64)] = []
    max_body_bytes: Annotated[int, Field(ge=1024, le=16 * 2**20)] = 262_144
    limits: HttpLimits = HttpLimits()

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The trusted proxies' networks, parsed."""
        return tuple(network(text) for text in self.trusted_proxies)
