"""The control process: sessions, arbiters and drivers of all cameras that can be steered, and nothing else.

It is told everything over its socket and ends with it: first every camera is stopped, then the process ends. Whatever
ends it otherwise, the stopper that it started sees and acts.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from camctl.audit.chain import CONTROL_CHAIN
from camctl.audit.spool import Spool
from camctl.cameras.model import CameraEntry, CameraPolicy
from camctl.cameras.registry import Camera, Cameras, Shared
from camctl.control import codec
from camctl.control.auditing import ControlAudit
from camctl.control.journal import Journal
from camctl.control.telling import Teller
from camctl.control.view import Outcome
from camctl.egress import EgressPolicy
from camctl.metrics import ControlMetrics
from camctl.onvif.driver import OnvifDrivers
from camctl.ptz import events as ev
from camctl.ptz.model import Preset
from camctl.ptz.ports import CameraDriver, CameraError, CameraFault
from camctl.ptz.rounds import Round
from camctl.stopper.handle import StopperHandle
from camctl.stopper.orders import StopOrder
from camctl.supervisor import Supervisor, running
from streams.wire import EventHandler, Handler, Payload, Peer, WireError

_log = logging.getLogger("camctl.control")

# Young objects are many and die at once; a full collection of what is here at the start holds everything up for 80 ms.
_GC_THRESHOLD = (5_000, 20, 100)
_FREEZE_AGAIN_S = (10.0, 60.0)  # by when most cameras are connected, and what describes them has been read
_DRIVERS_END_S = 2.0
STALE_S = 0.3  # a process that stood still finds what was said meanwhile; whoever said it may be long gone


@dataclass(slots=True)
class Orders:
    """What the parent told before `go`."""

    setup: codec.Setup | None = None
    entries: list[CameraEntry] = field(default_factory=list)
    fences: dict[str, int] = field(default_factory=dict)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def on_event(self, kind: str, payload: Payload, blob: bytes) -> None:
        """One message of the parent's."""
        if kind == codec.SETUP:
            self.setup = codec.decode(codec.Setup, blob)
        elif kind == codec.CAMERA:
            entry: CameraEntry = codec.decode(CameraEntry, blob)
            self.entries.append(entry)
            self.fences[entry.id] = int(payload["fence"])
        elif kind == codec.GO:
            self.complete.set()
        else:
            _log.error("a message before go was dropped: %s", kind)


class ControlProcess:
    """Answers the parent's messages with the cameras' sessions; `ended` is set when it was told to shut down."""

    def __init__(self, cameras: Cameras, metrics: ControlMetrics, peer: Peer, teller: Teller) -> None:
        self._cameras = cameras
        self._metrics = metrics
        self._peer = peer
        self._teller = teller
        self.ended = asyncio.Event()

    def serve(self) -> None:
        """Answer requests from now on."""
        self._peer.serve(
            {
                codec.STATUS: _guarded(self._status),
                codec.PRESETS: _guarded(self._presets),
                codec.EVENT: _guarded(self._show_event),
                codec.METRICS: self._text_metrics,
                codec.PING: self._ping,
                codec.SHUTDOWN: self._shut_down,
            }
        )

    def on_event(self, kind: str, payload: Payload, blob: bytes) -> None:
        """One message of the parent's."""
        if kind == codec.COMMAND:
            self._command(payload, blob)
        elif kind == codec.REVOKE:
            self._cameras.revoke(str(payload["sign_in"]))
        elif kind == codec.KEY_FRAME:
            self._camera(payload).session.want_key_frame("sub" if payload["stream"] == "sub" else "main")
        elif kind == codec.POLICY:
            self._camera(payload).set_policy(codec.decode(CameraPolicy, blob))
        elif kind == codec.PATROLS:
            self._camera(payload).rounds.set_patrols(codec.decode(tuple[Round, ...], blob))
        else:
            _log.error("an unknown message was dropped: %s", kind)

    # Commands -------------------------------------------------------------------------------------------------------

    def _command(self, payload: Payload, blob: bytes) -> None:
        arrived = time.monotonic()
        number = payload.get("id")
        try:
            event = codec.decode_event(str(payload["event"]), blob)
            if isinstance(event, ev.Move) and arrived - float(payload["at"]) > STALE_S:
                self._answer(number, codec.outcome_payload(Outcome(ev.Refusal.STALE)))
                return
            outcome = self._camera(payload).session.command(event)
        except Exception:
            # A bug of ours: the asker must hear of it, or it would wait; the log says more.
            self._answer(number, codec.fault_payload(CameraError(CameraFault.PROTOCOL, "the command failed")))
            raise
        if outcome.call is None or number is None:
            ours_s = time.monotonic() - arrived
            self._answer(number, codec.outcome_payload(Outcome(outcome.refusal, None, ours_s)))
        else:
            outcome.call.add_done_callback(partial(self._called, number, arrived))

    def _called(self, number: int, arrived: float, call: asyncio.Task[float]) -> None:
        """The camera answered the command: so do we, with its share of the time and ours."""
        error = CameraError(CameraFault.UNREACHABLE, "steering is ending") if call.cancelled() else call.exception()
        if error is None:
            ours_s = max(0.0, time.monotonic() - arrived - call.result())
            self._metrics.ours_s.observe(ours_s)
            self._answer(number, codec.outcome_payload(Outcome(None, call.result(), ours_s)))
        elif isinstance(error, CameraError):
            self._answer(number, codec.fault_payload(error))
        else:
            self._answer(number, codec.fault_payload(CameraError(CameraFault.PROTOCOL, "the command failed")))

    def _answer(self, number: object, payload: Payload) -> None:
        if number is not None and not self._peer.closed.is_set():
            self._teller.flush()  # who reads the answer sees what the command changed
            self._peer.event(codec.ANSWER, {"id": number, **payload})

    # Questions ------------------------------------------------------------------------------------------------------

    def _camera(self, payload: Payload) -> Camera:
        camera = self._cameras.get(str(payload["camera"]))
        if camera is None:
            raise CameraError(CameraFault.UNSUPPORTED, "control does not know this camera")
        return camera

    async def _status(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        return {}, codec.encode(await self._camera(payload).session.status())

    async def _presets(self, payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        return {}, codec.encode(await self._camera(payload).session.presets(), list[Preset])

    async def _show_event(self, payload: Payload, blob: bytes) -> tuple[Payload, bytes]:
        self._camera(payload).rounds.show_event(codec.decode(Round, blob))
        return {}, b""

    async def _text_metrics(self, _payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        return {}, self._metrics.text().encode()

    async def _ping(self, _payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        return {}, b""

    async def _shut_down(self, _payload: Payload, _: bytes) -> tuple[Payload, bytes]:
        unconfirmed = await self._cameras.stand()
        asyncio.get_running_loop().call_soon(self.ended.set)  # after the answer
        return {"unconfirmed": unconfirmed}, b""


def _guarded(handler: Handler) -> Handler:
    """Let a camera's errors cross the wire as what they are."""

    async def guarded(payload: Payload, blob: bytes) -> tuple[Payload, bytes]:
        try:
            return await handler(payload, blob)
        except CameraError as error:
            raise WireError(error.fault.value, error.detail) from error

    return guarded


async def run(connection: socket.socket) -> int:
    """Serve until the parent is gone or says so; the exit code."""
    orders = Orders()
    inbox = _Inbox(orders.on_event)
    peer = Peer(connection, on_event=inbox.on_event)
    await peer.start()
    codec.warm_up()
    gone = asyncio.create_task(peer.closed.wait(), name="parent")
    ready = asyncio.create_task(orders.complete.wait(), name="orders")
    await asyncio.wait({gone, ready}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    gone.cancel()
    if orders.setup is None or not orders.complete.is_set():
        return 1
    await _serve(peer, inbox, orders, orders.setup)
    await peer.close()
    return 0


class _Inbox:
    """Where the parent's events go: first to the orders, then to the process."""

    def __init__(self, on_event: EventHandler) -> None:
        self.take = on_event

    def on_event(self, kind: str, payload: Payload, blob: bytes) -> None:
        self.take(kind, payload, blob)


async def _serve(peer: Peer, inbox: _Inbox, orders: Orders, setup: codec.Setup) -> None:
    supervisor = Supervisor()
    metrics = ControlMetrics()
    journal, spool = await _open_files(setup)
    files = [file for file in (journal, spool) if file is not None]
    teller = Teller(peer, files)
    stopper = StopperHandle(supervisor, teller.tell_state)
    drivers = OnvifDrivers(EgressPolicy.of(setup.networks, setup.own))
    shared = Shared(
        rules=setup.rules,
        metrics=metrics,
        supervisor=supervisor,
        make_driver=partial(_driver, drivers),
        guard=stopper,
        records=journal,
        history=ControlAudit(spool, problem=lambda: spool.problem) if spool is not None else None,
        on_steerable=partial(_teach, stopper, setup),
        stop_on_start=setup.stop_on_start,
        patrol_idle_s=setup.patrol_idle_s,
        time_zone=setup.time_zone,
    )
    cameras = Cameras(orders.entries, shared)
    cameras.restore(journal.newest if journal is not None else {}, orders.fences)
    if spool is not None:
        spool.on_change(cameras.record_changed)
    process = ControlProcess(cameras, metrics, peer, teller)
    try:
        # Closed in reverse: every camera still, then the one who would stop them.
        async with running(stopper, cameras):
            process.serve()
            inbox.take = process.on_event
            _be_quick()
            peer.event(codec.READY, {"pid": os.getpid()})
            teller.start(cameras, stopper)
            await _until_end(peer, process.ended, supervisor)
            _log.info("ending")
    finally:
        await supervisor.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRIVERS_END_S):
                await drivers.close()
        for file in files:
            await file.close()


async def _open_files(setup: codec.Setup) -> tuple[Journal | None, Spool | None]:
    """The files without which nobody steers; what is wrong with them they say themselves."""
    journal = Journal(Path(setup.journal)) if setup.journal is not None else None
    spool = Spool(Path(setup.audit), CONTROL_CHAIN) if setup.audit is not None else None
    if journal is not None:
        await journal.open()
    if spool is not None:
        await spool.start()
    return journal, spool


def _driver(drivers: OnvifDrivers, entry: CameraEntry) -> CameraDriver:
    return drivers.create(
        entry.onvif_url or "",
        entry.username,
        entry.password,
        owner_accepts_no_net=entry.steer_without_timeout,
        site=entry.site,
    )


def _teach(stopper: StopperHandle, setup: codec.Setup, entry: CameraEntry) -> None:
    url = entry.onvif_url or ""
    stopper.know(StopOrder(entry.id, url, entry.username, entry.password, setup.networks, setup.own, entry.site))


def _be_quick() -> None:
    """What is there now stays: collections need not look at it again; and they are made rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLD)
    for pause_s in _FREEZE_AGAIN_S:
        asyncio.get_running_loop().call_later(pause_s, gc.freeze)


async def _until_end(peer: Peer, ended: asyncio.Event, supervisor: Supervisor) -> None:
    """Until the parent is gone, tells us to end, or somebody sends SIGTERM; raises what a part failed with."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    gone = asyncio.create_task(peer.closed.wait(), name="parent")
    gone.add_done_callback(lambda _task: ended.set())
    try:
        await supervisor.wait(ended)
    finally:
        gone.cancel()
