"""A camera made of recorded replies: answers by the operation in the Body, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

from lxml import etree

from camctl.egress import PinnedTarget
from camctl.onvif.account import Account
from camctl.onvif.budget import Budget
from camctl.onvif.client import OnvifClient
from camctl.onvif.documents import Documents, Service
from camctl.onvif.envelopes import Envelopes, RequestMaker
from camctl.onvif.http import HttpReply
from camctl.onvif.lane import Lane
from camctl.ptz.ports import CameraError

RECORDINGS = Path(__file__).parents[3] / "recordings/onvif"
DOCUMENTS = Documents()  # parsed once for all tests
ENVELOPES = Envelopes(DOCUMENTS)
REACHED = PinnedTarget("http://192.0.2.7:8000/onvif/device_service", "192.0.2.7", "192.0.2.7", 8000)
PASSWORD = "s3cret-of-the-camera"


def recorded(name: str) -> bytes:
    """A file of tests/recordings/onvif; XML unless it says otherwise."""
    path = RECORDINGS / name
    return (path if path.suffix else path.with_suffix(".xml")).read_bytes()


def reply(name: str, status: int = 200, **headers: str) -> HttpReply:
    """A recorded reply; underscores in header names stand for dashes."""
    return HttpReply(status, _message(headers), recorded(name))


def raw(body: bytes, status: int = 200, **headers: str) -> HttpReply:
    """Any reply."""
    return HttpReply(status, _message(headers), body)


def _message(headers: dict[str, str]) -> Message:
    message = Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return message


@dataclass
class Asked:
    """One request that arrived."""

    operation: str
    path: str
    port: int
    body: etree._Element
    headers: dict[str, str]
    repeatable: bool

    def one(self, name: str) -> etree._Element:
        """The only element with this local name."""
        found = list(self.body.iter(f"{{*}}{name}"))
        assert len(found) == 1, f"{len(found)} x {name}"
        return found[0]

    def has(self, name: str) -> bool:
        return next(self.body.iter(f"{{*}}{name}"), None) is not None


Scripted = HttpReply | CameraError | Callable[[Asked], "HttpReply | CameraError"]


@dataclass
class RecordedCamera:
    """Answers with the recording that is named like the operation, unless `script` has something else for it."""

    script: dict[str, Scripted | list[Scripted]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    refused_ports: set[int] = field(default_factory=set)

    def connect(self, target: PinnedTarget, _scheme: str) -> _Connection:
        return _Connection(self, target.port)

    def link(self, target: PinnedTarget, _scheme: str) -> _Link:
        return _Link(_Connection(self, target.port))

    @property
    def operations(self) -> list[str]:
        return [each.operation for each in self.asked]

    def last(self, operation: str) -> Asked:
        return next(each for each in reversed(self.asked) if each.operation == operation)

    def answer(self, asked: Asked) -> HttpReply:
        self.asked.append(asked)
        scripted = self.script.get(asked.operation)
        if isinstance(scripted, list):
            scripted = scripted.pop(0) if scripted else None
        if callable(scripted):
            scripted = scripted(asked)
        if isinstance(scripted, CameraError):
            raise scripted
        return scripted if scripted is not None else reply(asked.operation)

    def client(self, account: Account | None = None) -> OnvifClient:
        """A client that has reached the device service."""
        client = OnvifClient(DOCUMENTS, account or Account("operator", PASSWORD), self.connect)
        client.use(Service.DEVICE, REACHED)
        return client

    def lane(self, account: Account | None = None) -> Lane:
        """A lane to all services of the camera."""
        account = account or Account("operator", PASSWORD)
        lane = Lane(ENVELOPES, account, RequestMaker(ENVELOPES, account.token), self.link)
        for service in Service:
            lane.use(service, REACHED)
        return lane


@dataclass
class _Connection:
    camera: RecordedCamera
    port: int

    def post(self, path: str, body: bytes, headers: dict[str, str], budget: Budget, *, repeatable: bool) -> HttpReply:
        budget.left_s()
        root = etree.fromstring(body)
        content = root.find("{http://www.w3.org/2003/05/soap-envelope}Body")[0]
        return self.camera.answer(
            Asked(etree.QName(content).localname, path, self.port, root, dict(headers), repeatable)
        )

    def close(self) -> None:
        pass


@dataclass
class _Link:
    connection: _Connection

    async def post(
        self, path: str, body: bytes, headers: dict[str, str], budget: Budget, *, repeatable: bool
    ) -> HttpReply:
        return self.connection.post(path, body, headers, budget, repeatable=repeatable)

    async def open(self, budget: Budget) -> None:
        budget.left_s()

    def warm(self, budget: Budget) -> None:
        budget.left_s()

    def close(self) -> None:
        pass
