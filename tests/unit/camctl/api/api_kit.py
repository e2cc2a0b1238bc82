"""The application with a fake control process, a fake media pool and a people's database that can be broken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from auth.model import Person, SignIn, SignInKind
from auth.service import AuthService
from camctl.admission import Places
from camctl.api.services import Services
from camctl.audit.chain import AuditRow, Head, seal
from camctl.audit.entry import Action, AuditEntry
from camctl.audit.log import AuditLog
from camctl.cameras.model import CameraEntry
from camctl.config import Config
from camctl.store import Store
from streams.errors import StreamError
from streams.feed_relay import FeedViewer
from streams.pool import PatchResult, Placing, SessionAnswer, StreamSource
from streams.quality import Demand
from tests.support.fake_control import FakeControl
from tests.support.people import grant

FIRST, SECOND, FEED = "bundaran", "thamrin", "feed"
ENTRIES = (
    CameraEntry(FIRST, "Bundaran HI", "31.71.07", "PT Contoh", onvif_url="http://127.0.0.1/onvif"),
    CameraEntry(SECOND, "Jl. Thamrin", "31.74.01", "PT Contoh", onvif_url="http://127.0.0.1/onvif"),
    CameraEntry(FEED, "Jl. Sabang", "31.71.07", "PT Contoh", rtsp_main="rtsp://127.0.0.1/feed"),
)
PLACES = Places(per_person=4, per_camera=100, per_worker=100)
PEOPLE: Mapping[str, tuple[str, str]] = {
    "walikota": ("official", "31.71"), "camat": ("official", "31.71.07"), "operator": ("operator", "31"),
    "operator2": ("operator", "31"), "admin": ("admin", "31"), "partner": ("partner", "31"),
}  # fmt: skip


class BreakableStore:
    """Sessions of a store that can be told to fail, as when the database's machine is gone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_broken = False

    def __call__(self, **options: Any) -> Session:
        if self.is_broken:
            raise OperationalError("SELECT", {}, RuntimeError("no database"))
        return self._store.sessions(**options)


@dataclass
class FakePool:
    """Opens everything; remembers what was hidden and sent."""

    hidden: list[tuple[str, bool]] = field(default_factory=list)
    datagrams: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    opened: list[tuple[StreamSource, StreamSource | None, Demand]] = field(default_factory=list)
    asked: list[tuple[str, Demand]] = field(default_factory=list)
    before_snapshot: Any = None
    patch: PatchResult | Exception = field(default_factory=lambda: PatchResult('"1"'))
    refuses: Exception | None = None
    before_answer: Any = None
    lag_s: float = 0.0
    pictures: list[bytes] = field(default_factory=lambda: [b"\xff\xd8"])
    feeds: list[FeedViewer] = field(default_factory=list)
    fault: StreamError | None = None

    async def open_session(
        self, session_id: str, source: StreamSource, offer_sdp: str, *, sub: StreamSource | None, demand: Demand
    ) -> SessionAnswer:
        self.opened.append((source, sub, demand))
        if self.before_answer is not None:
            await self.before_answer()
        if self.refuses is not None:
            raise self.refuses
        return SessionAnswer("v=0", '"1"')

    async def patch_session(self, session_id: str, fragment: str, if_match: str | None) -> PatchResult:
        if isinstance(self.patch, Exception):
            raise self.patch
        return self.patch

    async def ask_quality(self, session_id: str, demand: Demand) -> None:
        self.asked.append((session_id, demand))

    async def close_session(self, session_id: str) -> None:
        self.closed.append(session_id)

    async def snapshot(self, source: StreamSource, *, small: bool = False) -> bytes:
        if self.before_snapshot is not None:
            self.before_snapshot()
        if self.fault is not None:
            raise self.fault.again()
        return self.pictures[0] if len(self.pictures) == 1 else self.pictures.pop(0)

    async def open_feed(self, source: StreamSource) -> FeedViewer:
        if self.fault is not None:
            raise self.fault.again()
        viewer = FeedViewer(self._feed_closed, asyncio.get_running_loop().time)
        self.feeds.append(viewer)
        return viewer

    def _feed_closed(self, viewer: FeedViewer) -> None:
        if viewer in self.feeds:
            self.feeds.remove(viewer)

    def send_datagram(self, session_id: str, text: str) -> None:
        self.datagrams.append((session_id, json.loads(text)))

    def placing(self, stream_key: str) -> Placing:
        return Placing(0, self.lag_s)

    def hide(self, stream_key_prefix: str, hidden: bool) -> None:
        self.hidden.append((stream_key_prefix, hidden))


class ListRecorder:
    """Keeps what was recorded; `broken` refuses what has to be durable."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.broken = False

    def append(self, entry: AuditEntry) -> asyncio.Future[AuditRow]:
        future: asyncio.Future[AuditRow] = asyncio.get_running_loop().create_future()
        if self.broken:
            future.set_exception(OSError("no space left"))
            return future
        self.entries.append(entry)
        future.set_result(seal(entry, "service", Head(len(self.entries) - 1)))
        return future

    def note(self, entry: AuditEntry) -> None:
        self.entries.append(entry)

    def of(self, action: Action) -> list[AuditEntry]:
        return [entry for entry in self.entries if entry.action is action]


class TlsEnded(httpx.ASGITransport):
    """A reverse proxy that ends TLS: whatever the client speaks, the service is asked by plain HTTP."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http")
        inner = httpx.Request(request.method, url, headers=request.headers, stream=request.stream)
        return await super().handle_async_request(inner)


@dataclass
class House:
    """Everything behind the API, and clients of its people."""

    config: Config
    app: FastAPI
    services: Services
    control: FakeControl
    pool: FakePool
    people: BreakableStore
    auth: AuthService
    tokens: dict[str, str]
    recorder: ListRecorder
    log: AuditLog

    def client(self, username: str | None = None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.tokens[username]}"} if username else {}
        scheme = "https" if (self.config.server.public_url or "").startswith("https:") else "http"
        transport = TlsEnded(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=f"{scheme}://camctl/api/v1", headers=headers)

    async def sign_in(self, username: str) -> SignIn:
        sign_in = await self.auth.authenticate(self.tokens[username])
        assert sign_in is not None
        return sign_in


def sign_in_of(role: str, area: str = "31.71", *, name: str = "sari", device: str = "1", **more: Any) -> SignIn:
    person = Person(name, name, name.title(), (grant(role, (area,)),), **more)
    return SignIn(person, f"{name}-{device}", datetime.now(UTC) + timedelta(hours=1), SignInKind.BROWSER)


class FakeWebSocket:
    """The server's end of a WebSocket whose client is the test."""

    def __init__(self) -> None:
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.said: list[dict[str, Any]] = []
        self.data: list[bytes] = []
        self.code: int | None = None
        self._spoke = asyncio.Event()

    def hears(self, kind: str, seq: int, **fields: Any) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps({"type": kind, "seq": seq, **fields})})

    def hears_text(self, text: str) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": text})

    def leaves(self) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def receive(self) -> dict[str, Any]:
        return await self._in.get()

    async def send_text(self, text: str) -> None:
        self.said.append(json.loads(text))
        self._spoke.set()

    async def accept(self) -> None:
        """Nothing to shake."""

    async def send_bytes(self, data: bytes) -> None:
        self.data.append(data)
        self._spoke.set()

    async def close(self, code: int, reason: str) -> None:
        self.code = code

    async def until(self, condition: Any, within_s: float = 2.0) -> dict[str, Any]:
        """The first message said, from the beginning, for which `condition` is true."""
        async with asyncio.timeout(within_s):
            while True:
                for message in self.said:
                    if condition(message):
                        return message
                self._spoke.clear()
                await self._spoke.wait()

    async def answer(self, seq: int) -> dict[str, Any]:
        return await self.until(lambda message: message["type"] in {"ack", "error"} and message["seq"] == seq)

    async def state(self, condition: Any = lambda _state: True) -> dict[str, Any]:
        return await self.until(lambda message: message["type"] == "state" and condition(message))


async def within_a_second(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(1.0):
        while not condition():  # noqa: ASYNC110  the mirror of another process has no event to wait for
            await asyncio.sleep(0.01)
