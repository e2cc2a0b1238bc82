"""Talking to the simulated ONVIF cameras in tests: requests by hand, with or without sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from simulators.camera import SimulatedCamera
from simulators.clock import ManualClock
from simulators.config import CameraConfig
from simulators.onvif import CameraEndpoint, build_app, make_server
from simulators.onvif.app import OnvifApp
from simulators.onvif.auth import token_digest
from simulators.onvif.device import Device
from simulators.onvif.values import format_time
from simulators.onvif.xml import NAMESPACES

USERNAME, PASSWORD = "operator", "correct horse"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
_TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
_DECLARED = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
PORT = 8081


def camera(clock: Any = None, **settings: Any) -> SimulatedCamera:
    """A camera with the account of these tests."""
    given = {"name": "Thamrin", "username": USERNAME, "password": PASSWORD, **settings}
    return SimulatedCamera(CameraConfig.model_validate(given), clock)


def token(
    wall_s: float,
    *,
    username: str = USERNAME,
    password: str = PASSWORD,
    nonce: bytes | None = None,
    text: bool = False,
) -> str:
    """A Security header."""
    nonce = os.urandom(16) if nonce is None else nonce
    created = format_time(wall_s)
    kind = _TEXT if text else _DIGEST
    secret = password if text else token_digest(nonce, created, password)
    return (
        f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}"><wsse:UsernameToken>'
        f'<wsse:Username>{username}</wsse:Username><wsse:Password Type="{kind}">{secret}</wsse:Password>'
        f"<wsse:Nonce>{base64.b64encode(nonce).decode()}</wsse:Nonce><wsu:Created>{created}</wsu:Created>"
        f"</wsse:UsernameToken></wsse:Security>"
    )


def envelope(body: str, header: str = "", soap: str = NAMESPACES["s"]) -> bytes:
    """A SOAP request; `body` may use the prefixes of simulators.onvif.xml."""
    declared = _DECLARED.replace(NAMESPACES["s"], soap)
    return f"<s:Envelope{declared}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>".encode()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.body)

    def all(self, name: str) -> list[str]:
        """Texts of all elements with that local name."""
        return [element.text or "" for element in self.xml.iter(f"{{*}}{name}")]

    def one(self, name: str) -> str:
        """The text of the only element with that local name."""
        texts = self.all(name)
        assert len(texts) == 1, f"{len(texts)} x {name} in {self.body.decode()}"
        return texts[0]

    def attribute(self, element: str, name: str) -> str | None:
        found = next(self.xml.iter(f"{{*}}{element}"))
        value = found.get(name)
        return None if value is None else str(value)

    @property
    def fault(self) -> list[str]:
        """The fault's codes, outermost first, without prefixes; empty for an answer that is no fault."""
        codes = self.xml.xpath("//s:Fault//s:Value/text()", namespaces={"s": NAMESPACES["s"]})
        return [str(code).rpartition(":")[2] for code in codes]

    def challenges(self) -> list[str]:
        return [value for name, value in self.headers if name == "www-authenticate"]


async def request(
    app: Any,
    method: str = "POST",
    target: str = "/onvif/device_service",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    port: int = PORT,
) -> Answer:
    """One HTTP request to an ASGI application, without a socket."""
    path, _, query = target.partition("?")
    given = {"content-type": "application/soap+xml", **(headers or {})}
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "server": ("127.0.0.1", port),
    }
    incoming: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return Answer(0, [], b"")
    found = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    return Answer(sent[0]["status"], found, b"".join(message["body"] for message in sent[1:]))


class Street:
    """One camera behind the application, with a clock that stands still."""

    def __init__(self, *quirks: str, **settings: Any) -> None:
        self.clock = ManualClock()
        self.camera = camera(self.clock, quirks=list(quirks), **settings)
        self.endpoint = CameraEndpoint(self.camera, PORT, 8554)
        self.app: OnvifApp = build_app([self.endpoint])

    @property
    def device(self) -> Device:
        return self.app.devices[PORT]

    async def ask(self, body: str, *, header: str | None = None, path: str = "/onvif/device_service") -> Answer:
        """An operation, with a good token (on the camera's own clock) unless another header is given."""
        head = token(self.device.wall_s) if header is None else header
        return await request(self.app, body=envelope(body, head), target=path)

    async def ptz(self, operation: str, arguments: str = "", profile: str = "profile_main") -> Answer:
        """A PTZ operation of a profile."""
        return await self.ask(
            f"<tptz:{operation}><tptz:ProfileToken>{profile}</tptz:ProfileToken>{arguments}</tptz:{operation}>"
        )

    async def move(
        self, *, pan_tilt: tuple[Any, Any] | None = None, zoom: Any = None, life: str | None = None, space: str = ""
    ) -> Answer:
        """ContinuousMove."""
        axes = "" if pan_tilt is None else f'<tt:PanTilt x="{pan_tilt[0]}" y="{pan_tilt[1]}"{space}/>'
        axes += "" if zoom is None else f'<tt:Zoom x="{zoom}"/>'
        end = "" if life is None else f"<tptz:Timeout>{life}</tptz:Timeout>"
        return await self.ptz("ContinuousMove", f"<tptz:Velocity>{axes}</tptz:Velocity>{end}")

    @property
    def pan_deg(self) -> float:
        return self.camera.motors.pose().pan

    @property
    def moving(self) -> bool:
        return self.camera.motors.moving()


@dataclass
class Running:
    """A camera served on a real socket."""

    camera: SimulatedCamera
    endpoint: CameraEndpoint

    @property
    def port(self) -> int:
        return self.endpoint.onvif_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def serving(cameras: Sequence[SimulatedCamera]) -> AsyncIterator[list[Running]]:
    """These cameras on free ports of 127.0.0.1."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in cameras]
    running = [
        Running(each, CameraEndpoint(each, listener.getsockname()[1], 8554))
        for each, listener in zip(cameras, listeners, strict=True)
    ]
    server = make_server(build_app([each.endpoint for each in running]))
    task = asyncio.create_task(server.serve(sockets=listeners))
    try:
        yield running
    finally:
        server.should_exit = True
        await task
        for each in cameras:
            await each.close()
