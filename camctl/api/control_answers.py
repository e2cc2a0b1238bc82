"""Answers to a control socket's messages: what became of each, in the client's own numbering."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from camctl.api import messages
from camctl.api.control_gate import Refused
from camctl.api.control_schemas import HolderOut
from camctl.api.problems import from_camera_error
from camctl.api.refusals import sentence
from camctl.control.client import RemoteCamera
from camctl.control.view import Outcome
from camctl.metrics import Metrics
from camctl.ptz.ports import CameraError

_log = logging.getLogger(__name__)

Say = Callable[[dict[str, Any]], None]  # sends one answer on the lane on which its message came


class Answers:
    """One socket's answers; counts every outcome."""

    def __init__(self, camera: RemoteCamera, sign_in_id: str, metrics: Metrics) -> None:
        self._camera = camera
        self._sign_in_id = sign_in_id
        self._commands = metrics.commands

    def unreadable(self, fault: messages.MessageError, say: Say) -> None:
        """The message could not be read."""
        self._not_done("unreadable", fault.seq, Refused("bad-input", fault.detail), say)

    def refused(self, message: messages.Message, refused: Refused, say: Say) -> None:
        """The message was not put to the arbiter."""
        self._not_done(message.type, message.seq, refused, say)

    def done(self, message: messages.Message, say: Say) -> None:
        """The message asked nothing of the arbiter and is done."""
        say(messages.ack(message, 0.0, None))

    def when_known(self, message: messages.Command, call: asyncio.Task[Outcome], started: float, say: Say) -> None:
        """Answer when the call's outcome is there; `started` is when the message came (time.perf_counter)."""
        call.add_done_callback(lambda ended: self._ended(message, ended, started, say))

    def _ended(self, message: messages.Command, call: asyncio.Task[Outcome], started: float, say: Say) -> None:
        error = None if call.cancelled() else call.exception()
        if isinstance(error, CameraError):
            failed = Refused(from_camera_error(error).kind.name, error.detail)
            self._not_done(message.type, message.seq, failed, say, error.fault.value)
            return
        if error is not None or call.cancelled():
            if error is not None:
                _log.error("a command of a control socket failed unexpectedly", exc_info=error)
            failed = Refused("camera-fault", "The service could not ask the camera; its log says why.")
            self._not_done(message.type, message.seq, failed, say)
            return
        outcome = call.result()
        if outcome.refusal is not None:
            why = sentence(outcome.refusal, self._holder())
            self._not_done(message.type, message.seq, Refused(outcome.refusal.value, why), say)
            return
        self._commands.labels(message.type, "done").inc()
        elapsed_s = time.perf_counter() - started
        say(messages.ack(message, elapsed_s - (outcome.camera_s or 0.0), outcome.camera_s))

    def _not_done(self, kind: str, seq: int | None, refused: Refused, say: Say, counted_as: str = "") -> None:
        self._commands.labels(kind, counted_as or refused.code).inc()
        say(messages.error(seq, refused.code, refused.detail, self._holder()))

    def _holder(self) -> HolderOut | None:
        return HolderOut.of(self._camera.control, self._sign_in_id, time.monotonic())
