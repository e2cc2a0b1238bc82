"""Everything that goes between API and control comes out as it went in."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camctl.cameras.model import CameraEntry, CameraState, Health
from camctl.control import codec
from camctl.control.view import CameraView, Outcome
from camctl.egress import OwnMachine, Site
from camctl.ptz import events as ev
from camctl.ptz.limits import Hidden, Limits, Sector
from camctl.ptz.model import Position, PtzAbilities, SafetyNet, Velocity
from camctl.ptz.ports import CameraError, CameraFacts, CameraFault, StreamUris
from camctl.ptz.rounds import Round, RoundStop, RoundView, Window
from camctl.ptz.rules import Rules
from camctl.ptz.view import ControlView, HolderView, WaiterView

finite = st.floats(allow_nan=False, allow_infinity=False)
unit = st.floats(-1, 1)
text = st.text(max_size=20)
st.register_type_strategy(Velocity, st.builds(Velocity, unit, unit, unit))
st.register_type_strategy(float, finite)
st.register_type_strategy(str, text)


def views() -> st.SearchStrategy[CameraView]:
    facts = CameraFacts(
        "maker", "model", "1.2", PtzAbilities(pan_tilt=True, safety_net=SafetyNet.STEPS), StreamUris("rtsp://a/"), -0.25
    )
    return st.builds(CameraView, health=st.from_type(Health), facts=st.sampled_from([None, facts]))


@given(st.sampled_from(get_args(ev.Event)).flatmap(st.from_type))
@settings(max_examples=300, deadline=None)
def test_every_event_survives(event: ev.Event) -> None:
    assert codec.decode_event(type(event).__name__, codec.encode(event)) == event


@given(views(), views())
@settings(max_examples=150, deadline=None)
def test_a_mirror_that_takes_every_change_shows_what_control_has(first: CameraView, second: CameraView) -> None:
    mirror, told = CameraView(Health(CameraState.CONNECTING)), None
    for now in (first, second):
        change = codec.ViewChange.between("cam", told, now)
        if change is not None:
            [heard] = codec.decode(tuple[codec.ViewChange, ...], codec.encode((change,), tuple[codec.ViewChange, ...]))
            mirror = heard.onto(mirror)
        told = now
        assert mirror == (now if now.facts or not first.facts else CameraView(**_with(now, facts=first.facts)))


def _with(view: CameraView, **changed: object) -> dict[str, object]:
    return {name: getattr(view, name) for name in codec.FIELDS} | changed


def test_a_view_with_everything_in_it_survives_and_an_unchanged_one_is_not_told() -> None:
    source = ev.Source("s", "p", "Ibu Lurah", "official", 50, "s:ws-1", may_break=True)
    view = CameraView(
        Health(CameraState.OFFLINE, "no answer", "timeout"),
        control=ControlView(
            HolderView(source, 7, since=1.5, ends_at=2.5, reason="accident", reserved_until=3.5, capped_at=4.5),
            (WaiterView(3, source, 1.0, "mine"),),
            True,
            False,
        ),
        position=Position(0.1, None, 0.3),
        hidden=Hidden.SECTOR,
        round=RoundView("r", "night", ev.SourceKind.PATROL, "resting", 1, 4, 99.5, "refused"),
    )
    assert codec.decode(CameraView, codec.encode(view)) == view
    assert codec.ViewChange.between("cam", view, view) is None


def test_the_whole_configuration_survives() -> None:
    entry = CameraEntry(
        "cam", "Cam", "31.71", onvif_url="http://192.0.2.7/", username="u", password="geheim \u2603",
        limits=Limits((-0.5, 0.5), None, (Sector((0.1, 0.2), (-1.0, 1.0)),)),
        site=Site(("10.30.0.0/16",), "cameras.sites[0].networks"),
    )  # fmt: skip
    patrol = Round(
        "1", "night", ev.SourceKind.PATROL, 10, (RoundStop("7", 5.0, 0.5),), (Window(frozenset({0, 6}), 1320, 300),)
    )
    setup = codec.Setup((), Rules(lease_idle_s=3.0), ("192.0.2.0/24",), False, 5.0, "Asia/Jayapura", "var/j",
                        "var/audit", OwnMachine(("10.1.2.3",), (8080,)))  # fmt: skip
    assert codec.decode(CameraEntry, codec.encode(entry)) == entry
    assert codec.decode(Round, codec.encode(patrol)) == patrol
    assert codec.decode(codec.Setup, codec.encode(setup)) == setup


def test_facts_stay_known_when_a_new_control_process_has_none_yet() -> None:
    facts = CameraFacts("m", "m", "1", PtzAbilities(), StreamUris("rtsp://a/"), 0.0)
    known = CameraView(Health(CameraState.LIVE), facts=facts)
    change = codec.ViewChange.between("cam", None, CameraView(Health(CameraState.CONNECTING)))
    assert change is not None
    assert change.onto(known).facts is facts
    assert change.onto(known).health.state is CameraState.CONNECTING


def test_answers_are_outcomes_or_the_cameras_fault() -> None:
    for outcome in (Outcome(), Outcome(ev.Refusal.HELD), Outcome(None, 0.25, 0.001)):
        assert codec.read_answer(codec.outcome_payload(outcome)) == outcome
    with pytest.raises(CameraError, match="no answer") as failure:
        codec.read_answer(codec.fault_payload(CameraError(CameraFault.TIMEOUT, "no answer")))
    assert failure.value.fault is CameraFault.TIMEOUT


def test_what_is_no_message_of_ours_is_refused_without_showing_it() -> None:
    with pytest.raises(codec.CodecError, match="no event 'Reboot'"):
        codec.decode_event("Reboot", b"{}")
    with pytest.raises(codec.CodecError) as failure:
        codec.decode(CameraEntry, b'{"id": "cam", "password": "geheim", "limits": 3}')
    assert "geheim" not in str(failure.value)
