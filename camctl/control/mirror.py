"""One camera as the API process knows it: the newest view that control told, and how to reach it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from camctl.cameras.model import CameraEntry, CameraPolicy, CameraState, Health
from camctl.control import codec
from camctl.control.view import CameraView, Outcome
from camctl.ptz import events as ev
from camctl.ptz.limits import Hidden, hides
from camctl.ptz.model import Position, Preset, PtzAbilities, PtzStatus
from camctl.ptz.ports import CameraFacts, StreamName
from camctl.ptz.rounds import Round
from camctl.ptz.view import ControlView
from streams.wire import Payload

RESTARTING = "steering is being restarted; try again in a second"


class Link(Protocol):
    """What a mirror needs of the client."""

    def command(self, camera: RemoteCamera, event: ev.Event) -> asyncio.Task[Outcome]:
        """Send a command, in order."""

    def tell(self, camera: RemoteCamera, event: ev.Event) -> None:
        """Send a command whose outcome nobody wants."""

    def say(self, kind: str, payload: Payload, blob: bytes = b"") -> bool:
        """Send something; whether there was somebody to tell."""

    def say_surely(self, kind: str, payload: Payload, blob: bytes = b"") -> None:
        """Send something; when there is nobody to tell, as soon as there is."""

    async def ask(self, kind: str, camera_id: str, blob: bytes = b"") -> bytes:
        """Ask about one camera; raises CameraError."""


class RemoteCamera:
    """What the API process has of a camera. Made by ControlClient; used on its event loop only."""

    def __init__(self, entry: CameraEntry, link: Link) -> None:
        self.entry = entry
        self._link = link
        self._watchers: set[Callable[[], None]] = set()
        self._patrols: tuple[Round, ...] = ()
        self._are_patrols_told = True
        self.newest_fence = 0
        self.video_note = ""
        state = CameraState.CONNECTING if self.is_steered else CameraState.UNKNOWN
        self.view = CameraView(Health(state), hidden=self._hidden_unseen())

    # Reading it -----------------------------------------------------------------------------------------------------

    @property
    def is_steered(self) -> bool:
        """Whether it has an ONVIF address, so that it may be possible to steer it; a plain feed has none."""
        return self.entry.onvif_url is not None

    @property
    def health(self) -> Health:
        """Whether the camera answers."""
        return self.view.health

    @property
    def facts(self) -> CameraFacts | None:
        """What connecting found out; None before the camera was reached once."""
        return self.view.facts

    @property
    def abilities(self) -> PtzAbilities:
        """What the camera proved; nothing before it was reached."""
        return self.view.facts.abilities if self.view.facts else PtzAbilities()

    @property
    def position(self) -> Position | None:
        """Where it last said that it looks."""
        return self.view.position

    @property
    def hidden(self) -> Hidden | None:
        """Why viewers get a card instead of the picture; None when they get the picture."""
        return self.view.hidden

    @property
    def control(self) -> ControlView:
        """Holder, queue, motion."""
        return self.view.control

    def subscribe(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` after every change of the view; returns what ends that."""
        self._watchers.add(watcher)
        return lambda: self._watchers.discard(watcher)

    # Commanding it --------------------------------------------------------------------------------------------------

    def command(self, event: ev.Event) -> asyncio.Task[Outcome]:
        """Put `event` to the camera's arbiter. Commands reach it in the order of these calls.

        It is sent before this returns; the task ends at once for a refusal and when the camera has answered otherwise.
        While the control process is being restarted a Stop waits for it up to client.STOP_WAITS_S. The task raises
        CameraError when the camera or the control process failed; one that nobody awaits is no fault.
        """
        return self._link.command(self, event)

    def tell(self, event: ev.Event) -> None:
        """Put `event` to the arbiter without wanting to know what becomes of it (ChannelClosed)."""
        self._link.tell(self, event)
        if isinstance(event, ev.ChannelClosed):
            self._forget_waiters(lambda source: source.channel == event.channel)

    def revoke(self, sign_in: str) -> None:
        """End the lease and the place in the queue of a sign-in that lost its right; survives a restart of control."""
        self._link.tell(self, ev.Revoke(sign_in))
        self.forget_waiter(sign_in)

    async def status(self) -> PtzStatus:
        """Ask the camera where it looks; raises CameraError."""
        answer: PtzStatus = codec.decode(PtzStatus, await self._link.ask(codec.STATUS, self.entry.id))
        return answer

    async def presets(self) -> list[Preset]:
        """Ask the camera for its stored views; raises CameraError."""
        answer: list[Preset] = codec.decode(list[Preset], await self._link.ask(codec.PRESETS, self.entry.id))
        return answer

    def want_key_frame(self, stream: StreamName) -> None:
        """Ask the camera for a key frame of this stream, if it can be asked."""
        if self.is_steered:
            self._link.say(codec.KEY_FRAME, {"camera": self.entry.id, "stream": stream})

    def set_health(self, health: Health) -> None:
        """For plain feeds, which have nothing but their stream to say whether they are there."""
        if not self.is_steered:
            self._see(replace(self.view, health=health))

    def note_video(self, note: str) -> None:
        """What its owner should change so that its picture is good, in a sentence; empty for nothing."""
        self.video_note = note

    async def show_event(self, event: Round) -> None:
        """Show an event's preset (a Round of kind EVENT); raises CameraError when control cannot be reached."""
        await self._link.ask(codec.EVENT, self.entry.id, codec.encode(event))

    def set_patrols(self, patrols: Sequence[Round]) -> None:
        """The camera's patrols from now on, in running order; kept and told again to a new control process."""
        self._patrols = tuple(patrols)
        self._are_patrols_told = False
        self.tell_patrols()

    def set_policy(self, policy: CameraPolicy) -> None:
        """What may be done with it follows from this from now on; what runs already is the caller's to cut."""
        was, self.entry = self.entry, self.entry.under(policy)
        if self.is_steered:
            self._link.say_surely(codec.POLICY, {"camera": self.entry.id}, codec.encode(policy))
        if was.emergency_only is not policy.emergency_only:
            self._are_patrols_told = False
            self.tell_patrols()

    # For the client -------------------------------------------------------------------------------------------------

    def tell_patrols(self) -> None:
        """Tell control what is to run, unless it knows, or there is nobody to tell."""
        if self.is_steered and not self._are_patrols_told:
            # No patrol is an emergency; they wait for the day on which the camera is shared otherwise.
            patrols = () if self.entry.emergency_only else self._patrols
            blob = codec.encode(patrols, tuple[Round, ...])
            self._are_patrols_told = self._link.say(codec.PATROLS, {"camera": self.entry.id}, blob)

    def learn(self, change: codec.ViewChange) -> None:
        """Take what control told."""
        view = change.onto(self.view)
        if view.control.holder is not None:
            self.newest_fence = max(self.newest_fence, view.control.holder.fence)
        self._see(view)

    def lost(self) -> None:
        """Control is gone: what is known stays, what moves is not confirmed to stand, and who waited asks again."""
        control = self.view.control
        self._are_patrols_told = not self._patrols
        if not self.is_steered:
            return
        control = replace(control, stop_confirmed=False if control.is_moving else control.stop_confirmed)
        health = Health(CameraState.CONNECTING, RESTARTING)
        self._see(replace(self.view, health=health, control=control, hidden=self._hidden_unseen()))

    def requests_again(self) -> tuple[ev.Request, ...]:
        """What those who waited when control was lost, and still do, have to ask a new one; in order."""
        return tuple(ev.Request(waiter.source, waiter.reason) for waiter in self.view.control.queue)

    def forget_waiter(self, sign_in: str) -> None:
        """This sign-in does not wait any more."""
        self._forget_waiters(lambda source: source.sign_in == sign_in)

    def _forget_waiters(self, is_gone: Callable[[ev.Source], bool]) -> None:
        # Control does so too, but there may be none just now, and its successor asks us.
        queue = tuple(waiter for waiter in self.view.control.queue if not is_gone(waiter.source))
        self._see(replace(self.view, control=replace(self.view.control, queue=queue)))

    def _hidden_unseen(self) -> Hidden | None:
        return hides(None, math.inf, False, self.entry.limits)

    def _see(self, view: CameraView) -> None:
        if view != self.view:
            self.view = view
            for watcher in tuple(self._watchers):
                watcher()
