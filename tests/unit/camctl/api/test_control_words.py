"""Every refusal has its words, and the reference names all that goes over the control socket."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from camctl.api import messages
from camctl.api.control_schemas import ControlOut, HolderOut, RoundOut, WaiterOut
from camctl.api.problems import from_stream_error, to_problem
from camctl.api.refusals import problem, sentence
from camctl.ptz.events import Refusal
from camctl.ptz.limits import Hidden
from camctl.video import PictureHiddenError
from streams.errors import StreamError, StreamFault

REFERENCE = (Path(__file__).parents[4] / "docs/reference/control-socket.md").read_text()
NAMED = set(re.findall(r"`([a-z_-]+)`", REFERENCE))
BUDI = HolderOut(
    name="Budi", role="operator", priority=40, kind="person", you=False, reason="apel", reserved=True,
    expires_in_ms=9000, reserved_in_ms=None, capped_in_ms=None, since_ms=10,
)  # fmt: skip


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_has_a_sentence_and_a_problem(refusal: Refusal) -> None:
    for holder in (None, BUDI, BUDI.model_copy(update={"you": True, "reason": ""})):
        assert re.fullmatch(r"[A-Z].*", sentence(refusal, holder))
        answer = problem(refusal, holder)
        assert answer.kind.status in {403, 409, 503}
        assert answer.extras["code"] == refusal.value
    assert refusal.value in NAMED


@pytest.mark.parametrize("kind", [*get_args(messages.Wish), messages.MoveMessage, messages.DatagramsMessage])
def test_the_reference_names_every_message_and_its_members(kind: type[messages.StopMessage]) -> None:
    (name,) = get_args(kind.model_fields["type"].annotation)
    assert {name, *kind.model_fields} <= NAMED


@pytest.mark.parametrize("part", [ControlOut, HolderOut, WaiterOut, RoundOut])
def test_the_reference_names_every_member_of_a_state(part: type[ControlOut]) -> None:
    assert set(part.model_fields) <= NAMED


@pytest.mark.parametrize("why", list(Hidden))
def test_a_hidden_picture_is_told_the_same_whoever_noticed(why: Hidden) -> None:
    ours = to_problem(PictureHiddenError(why))
    workers = from_stream_error(StreamError(StreamFault.HIDDEN, "hidden"))
    assert ours.kind == workers.kind
    assert ours.extras == {"hidden": why.value}
    assert f'"{why.value}"' in REFERENCE
