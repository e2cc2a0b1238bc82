"""One simulated camera as the ONVIF server sees it: addresses, clock, account, subscriptions; and how to call it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from lxml import etree

from simulators.camera import SimulatedCamera
from simulators.faults import Faults
from simulators.onvif.auth import DEFAULT_TOLERANCE_S, Access, Gate
from simulators.onvif.pullpoints import PullPoints
from simulators.onvif.soap import Request
from simulators.onvif.xml import Xml
from simulators.quirks import Quirks

LAN_ADDRESS = "192.168.1.108"  # what many cameras believe they are called
ELSEWHERE = "127.0.0.2"  # a loopback address that no camera listens on, so that a test can
_SKEW_S = -3600.0
_WILDCARDS = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


@dataclass(slots=True)
class CameraEndpoint:
    """A camera, where it is served, and its present troubles. `host` is the address that clients use."""

    camera: SimulatedCamera
    onvif_port: int
    rtsp_port: int
    host: str = "127.0.0.1"
    faults: Faults = field(default_factory=Faults)


class Device:
    """The mutable state of one camera's ONVIF server."""

    def __init__(self, endpoint: CameraEndpoint, *, tolerance_s: float = DEFAULT_TOLERANCE_S) -> None:
        config = endpoint.camera.config
        self.endpoint = endpoint
        self.camera = endpoint.camera
        self.quirks = Quirks.named(config.quirks)
        self.gate = Gate(config.username, config.password.get_secret_value(), self.quirks, tolerance_s=tolerance_s)
        self.pullpoints = PullPoints()
        self.clock_offset_s = _SKEW_S if self.quirks.clock_skew else 0.0
        self.hostname = f"camera-{config.seed}"
        self.down_until_s = 0.0

    @property
    def now_s(self) -> float:
        """The monotonic clock."""
        return self.camera.clock.monotonic()

    @property
    def wall_s(self) -> float:
        """What the camera's clock shows, as seconds since 1970."""
        return self.camera.wall_s + self.clock_offset_s

    @property
    def is_down(self) -> bool:
        """Whether it is starting again and answers nobody."""
        return self.now_s < self.down_until_s

    @property
    def has_ptz(self) -> bool:
        """Whether it offers a PTZ service."""
        return self.camera.config.steerable

    @property
    def has_zoom(self) -> bool:
        """Whether it has a lens that zooms, and says so."""
        low, high = self.camera.config.zoom_range
        return high > low and not self.quirks.no_zoom_element

    def go_down(self, seconds: float) -> None:
        """Be away for a while, as after a crash of the ONVIF daemon."""
        self.down_until_s = self.now_s + seconds

    def reboot(self, seconds: float) -> None:
        """Start again: the clock falls back to what it was, motors stop, subscriptions are gone."""
        self.clock_offset_s = _SKEW_S if self.quirks.clock_skew else 0.0
        self.pullpoints = PullPoints()
        self.camera.stop(source="reboot")
        self.go_down(seconds)


@dataclass(frozen=True, slots=True)
class Call:
    """One operation that was asked for and is allowed. `local_host` is the address that the client reached."""

    device: Device
    request: Request
    path: str
    local_host: str

    @property
    def body(self) -> etree._Element:
        """The operation's element."""
        return self.request.body

    @property
    def host(self) -> str:
        """The address for URIs in answers."""
        host = self.device.endpoint.host
        host = self.local_host if host in _WILDCARDS else host
        return f"[{host}]" if ":" in host else host

    def xaddr(self, path: str) -> str:
        """The full address of a service, or what the camera wrongly believes it to be."""
        quirks = self.device.quirks
        if quirks.xaddr_relative:
            return path
        if quirks.xaddr_other_scheme:
            return "file:///etc/passwd"
        host = LAN_ADDRESS if quirks.xaddr_wrong_host else ELSEWHERE if quirks.xaddr_elsewhere else self.host
        port = 1 if quirks.xaddr_wrong_port else self.device.endpoint.onvif_port
        return f"http://{host}:{port}{path}"

    def media_host(self) -> str:
        """The host in stream and snapshot URIs."""
        quirks = self.device.quirks
        return LAN_ADDRESS if quirks.stream_uri_wrong_host else ELSEWHERE if quirks.stream_uri_elsewhere else self.host


Handler = Callable[[Call], Xml | Awaitable[Xml]]


@dataclass(frozen=True, slots=True)
class Operation:
    """What carries an operation out, and which right it takes."""

    handler: Handler
    access: Access


@dataclass(frozen=True, slots=True)
class Service:
    """One ONVIF service: its prefix (see xml.NAMESPACES), path, version, capabilities and operations."""

    prefix: str
    path: str
    version: tuple[int, int]
    capabilities: Callable[[Device], Xml]
    is_offered: Callable[[Device], bool] = lambda _device: True
    operations: dict[str, Operation] = field(default_factory=dict)

    def operation(self, name: str, access: Access) -> Callable[[Handler], Handler]:
        """Register a handler; it returns the content of the Response element."""

        def register(handler: Handler) -> Handler:
            self.operations[name] = Operation(handler, access)
            return handler

        return register
