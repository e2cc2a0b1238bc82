"""Whatever dies, the camera stops: trials over real sockets, row by row of the table of what may die.

Every trial has a camera of its own; many run side by side, in waves. The verdict is the simulated motors' log alone
(tests/support/verdict.py). The figures of all rows are printed as one table at the end of the run.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from simulators.quirks import QUIRKS
from tests.support.link_box import LinkBox, link_box, why_no_link_box
from tests.support.trials import PhoneProcess, Town, town
from tests.support.verdict import Row, Trial, Until, judge, table

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

FINGER_S, SILENT_S, KILLED_S = 0.3, 0.9, 1.5
SOAP_S = 0.1  # for a Stop's way to a camera on a machine that does a hundred other things
NET_S = 1.0 + 0.15  # the camera's own Timeout, its motors' ramp, and a renewal that was under way
STOP, STILL = Until.STOP, Until.STILL

LIFTED = Row("finger lifted", FINGER_S, STOP, "at once: 300 ms")
CLOSED = Row("socket closed", FINGER_S, STOP, "at once: 300 ms")
KILLED = Row("phone's program killed (SIGKILL)", FINGER_S, STOP, "as a closed socket: 300 ms")
FROZEN = Row("phone frozen (SIGSTOP), socket open", SILENT_S + SOAP_S, STOP, "a command's life: 900 ms, + 100 to send")
HALF_OPEN = Row(
    "phone's link gone, socket half open", SILENT_S + SOAP_S, STOP, "a command's life: 900 ms, + 100 to send"
)
BLACK_HOLE = Row("camera's packets vanish", NET_S, STILL, "its Timeout: 1 s, + 150 for ramp and renewal")
SLOW = Row(
    "camera does everything 2 s late, finger lifted", 2.0 + FINGER_S, STILL, "its 2 s, + 300 ms", must_turn=False
)
LATE = Row("camera answers 2 s late, finger lifted", FINGER_S, STOP, "at once: 300 ms")
UNANSWERED = Row("camera never answers, finger lifted", FINGER_S, STOP, "at once: 300 ms")
SWALLOWED = Row("camera accepts the first Stop and turns on", 2.0, STILL, "seen by its position and said again: 2 s")
WORKER = Row("media worker killed, then finger lifted", FINGER_S, STOP, "at once: 300 ms")
# Another worker starts in the same moment and takes a core for itself.
WORKER_LANE = Row(
    "media worker killed under a data channel", SILENT_S + 2 * SOAP_S, STOP, "a command's life: 900 ms, + 200"
)
CONTROL = Row("control process killed, Timeout 10 s", KILLED_S, STILL, "the stopper: 1.5 s", may_resume=True)
CONTROL_NET = Row("control process killed, Timeout 1 s", KILLED_S, STILL, "the stopper: 1.5 s", may_resume=True)
CONTROL_FROZEN = Row("control process frozen (SIGSTOP)", NET_S, STILL, "its Timeout: 1 s, + 150 for ramp and renewal")
WOKEN = Row("phone and control frozen, control woken", 0.0, STILL, "nothing turns again", must_turn=False)
API = Row("API process killed, Timeout 10 s", KILLED_S, STILL, "control sees its end: 1.5 s")
EVERYTHING = Row("everything killed at once", NET_S, STILL, "its Timeout: 1 s, + 150 for ramp and renewal")
EVERYTHING_STEPS = Row(
    "everything killed, camera ignores Timeout", NET_S, STILL, "the end of its last step: as a Timeout", must_turn=False
)

# Every way in which cameras get stopping wrong; two cameras each. With `service`: what their owner had to accept.
STOP_QUIRKS: tuple[tuple[str, ...], ...] = (
    ("ignores-timeout",),
    ("timeout-rejected",),
    ("timeout-range-zero",),
    ("fractional-timeout-crash",),
    ("stop-unimplemented",),
    ("stop-needs-axes",),
    ("stop-refuses-both",),
    ("stop-refuses-addressing",),
    ("zero-velocity-ignored",),
    ("omitted-axis-stops",),
    ("stop-unimplemented", "pantilt-zoom-together-refused"),
)
# Those that accept every way of saying Stop and honour one; how many are tried before it. Their Timeout is 10 s.
DEAF = {"stop-per-axis-only": 1, "stop-zero-velocity-only": 3, "stop-relative-zero-only": 4}
IN_VAIN_S = 1.5  # to see by the positions that a Stop did nothing
NO_TROUBLE = {"reply_delay_s": 0.0, "drop_replies": False, "delay_s": 0.0, "ignore_stops": 0, "black_hole": False}
OWNER_ACCEPTS = {"steer_without_timeout": True}

PLAIN = [f"plain-{number}" for number in range(24)]
PATIENT = [f"patient-{number}" for number in range(12)]  # their shortest Timeout is 10 s: it is not what stops them
QUIRKY = {f"quirk-{quirks[0]}-{len(quirks)}-{number}": quirks for quirks in STOP_QUIRKS for number in range(2)}
STEPPING = [f"stepping-{number}" for number in range(4)]  # known to ignore Timeout, so driven in relative steps
HARD_OF_HEARING = {f"deaf-{quirk}-{number}": quirk for quirk in DEAF for number in range(2)}


def cameras() -> dict[str, dict[str, Any]]:
    patient: dict[str, Any] = {"ptz_timeout_range_s": [10.0, 60.0]}
    known = {"quirks": ["ignores-timeout"], "manufacturer": "ONVIF_ICAMERA", "model": "JM800S5"}
    return (
        {name: {} for name in PLAIN}
        | dict.fromkeys(PATIENT, patient)
        | dict.fromkeys(STEPPING, known)
        | {name: {"quirks": list(quirks), "service": OWNER_ACCEPTS} for name, quirks in QUIRKY.items()}
        | {name: patient | {"quirks": [quirk]} for name, quirk in HARD_OF_HEARING.items()}
    )


class Place:
    """The town, its link if this machine can have one, and all trials up to now."""

    def __init__(self, running: Town, link: LinkBox | None) -> None:
        self.town = running
        self.link = link
        self.trials: list[Trial] = []

    def judge(self, row: Row, died_s: Mapping[str, float], since_s: float) -> list[Trial]:
        """One trial for each camera that was in it, from its motors' log."""
        found = [judge(row, name, at_s, self.town.motor_log(name, since_s)) for name, at_s in died_s.items()]
        self.trials += found
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with ExitStack() as stack:
        link = None if why_no_link_box() else stack.enter_context(link_box("lte"))
        host = link.host if link else "127.0.0.1"
        media = {"udp_host": host, "advertise": [host]}
        folder = tmp_path_factory.mktemp("town")
        running = stack.enter_context(town(folder, cameras(), server={"host": "0.0.0.0"}, media=media))
        running.start()
        yield Place(running, link)


def check(*groups: Sequence[Trial]) -> None:
    """All trials kept their promise; the stories of those that did not are the message."""
    bad = [trial.story() for trials in groups for trial in trials if not trial.is_good]
    assert not bad, "\n".join(["these cameras were stopped too late, or never:", *bad])


Deed = Callable[[PhoneProcess], Mapping[str, float]]  # what happens to phones, or around them; when, camera by camera


class Wave:
    """One wave of trials: fingers down on many cameras, then one deed after the other, then what the motors say."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._stack = ExitStack()
        self._groups: list[tuple[Row, PhoneProcess, Deed]] = []
        self._troubled: list[str] = []
        self._began_s = time.monotonic()
        # To and fro from wave to wave, so that nobody meets an end stop.
        self._pan = 0.1 * (-1) ** len({trial.died_s // 1 for trial in place.trials})

    def __enter__(self) -> Wave:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()
        if self._troubled:
            self._place.town.faults(self._troubled, **NO_TROUBLE)
            self._place.town.wait_live()

    def trouble(self, cameras: Sequence[str], **faults: object) -> Mapping[str, float]:
        """These cameras are in trouble until the wave's end; since when."""
        self._troubled += cameras
        return self._place.town.faults(cameras, **faults)

    def add(
        self, row: Row, cameras: Sequence[str], deed: Deed, *, behind: LinkBox | None = None, lane: str = "socket"
    ) -> None:
        """Phones in a process of their own, their fingers on these cameras, and what will happen."""
        ways = (behind.command, behind.host) if behind else ()
        phones = self._stack.enter_context(self._place.town.phones(*ways))
        phones.open(cameras, lane)
        self._groups.append((row, phones, deed))

    def run(self, *, hold_s: float = 1.2, watch_s: float = 2.0) -> list[Trial]:
        """Fingers down, let them turn, let it happen, watch, judge."""
        for _, phones, _ in self._groups:
            phones.ask("hold", pan=self._pan)
        self._place.town.wait_moving(
            [name for row, phones, _ in self._groups if row.must_turn for name in phones.names]
        )
        time.sleep(hold_s)
        died_s = [(row, deed(phones)) for row, phones, deed in self._groups]
        time.sleep(watch_s)
        return [trial for row, died in died_s for trial in self._place.judge(row, died, self._began_s)]


def one_by_one(do: str) -> Deed:
    """Something that each phone does, a little after the one before: "lift" or "close"."""

    def deed(phones: PhoneProcess) -> dict[str, float]:
        died_s: dict[str, float] = {}
        for name in phones.names:
            died_s |= phones.ask(do, names=[name])["at_s"]
            time.sleep(0.05)
        return died_s

    return deed


def freeze(phones: PhoneProcess) -> dict[str, float]:
    """SIGSTOP to all of them."""
    return dict.fromkeys(phones.names, phones.freeze())


def kill(phones: PhoneProcess) -> dict[str, float]:
    """SIGKILL to all of them."""
    return dict.fromkeys(phones.names, phones.kill())


def all_at(deed: Callable[[], float]) -> Deed:
    """Something that happens once, to all groups that share the result."""
    once = functools.cache(deed)
    return lambda phones: dict.fromkeys(phones.names, once())


def then_lift(deed: Callable[[], object]) -> Deed:
    """Something happens, and then the fingers are lifted."""

    def both(phones: PhoneProcess) -> dict[str, float]:
        deed()
        return dict(phones.ask("lift")["at_s"])

    return both


# The trials ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("round_", range(2))
def test_whoever_lets_go_or_is_gone_stops_the_camera(place: Place, round_: int) -> None:
    with Wave(place) as wave:
        wave.add(LIFTED, PLAIN[:8], one_by_one("lift"))
        wave.add(CLOSED, PLAIN[8:16], one_by_one("close"))
        wave.add(KILLED, PLAIN[16:20], kill)
        wave.add(KILLED, PLAIN[20:24], kill)
        check(wave.run())


@pytest.mark.parametrize("round_", range(2))
def test_whoever_falls_silent_with_an_open_socket_stops_the_camera(place: Place, round_: int) -> None:
    with Wave(place) as wave:
        for first in range(0, 12, 4):
            wave.add(FROZEN, PLAIN[first : first + 4], freeze)
        check(wave.run())


@pytest.mark.parametrize("round_", range(2))
def test_a_phone_whose_link_is_gone_stops_the_camera(place: Place, round_: int) -> None:
    if place.link is None:
        pytest.skip(str(why_no_link_box()))
    link = place.link
    link.use("lte", seed=round_ + 1)

    def cut() -> float:
        at_s = time.monotonic()
        link.use("gone")
        return at_s

    with Wave(place) as wave:
        wave.add(HALF_OPEN, PLAIN[12:20], all_at(cut), behind=link)
        check(wave.run())


@pytest.mark.parametrize("round_", range(2))
def test_every_way_of_getting_stop_wrong_is_known(place: Place, round_: int) -> None:
    stopping = {name for name in QUIRKS if name.startswith("stop-") or "timeout" in name or "stops" in name}
    assert stopping <= {name for quirks in (*STOP_QUIRKS, DEAF) for name in quirks}, "a quirk without a trial"
    with Wave(place) as wave:
        for quirks in STOP_QUIRKS:
            # What refuses a Timeout is driven in steps, and may stand between two of them.
            must_turn = not any("timeout" in name for name in quirks)
            row = Row(f"finger lifted, {' and '.join(quirks)}", FINGER_S, STOP, "at once: 300 ms", must_turn=must_turn)
            wave.add(row, [name for name, its in QUIRKY.items() if its == quirks], one_by_one("lift"))
        check(wave.run())


@pytest.mark.parametrize("press", ["first", "second"])
def test_a_camera_that_accepts_stop_and_turns_on_is_told_in_other_ways_and_that_is_remembered(
    place: Place, press: str
) -> None:
    with Wave(place) as wave:
        for quirk, in_vain in DEAF.items():
            name = f"finger lifted, {quirk}, {press} time"
            if press == "first":
                row = Row(name, FINGER_S + in_vain * IN_VAIN_S, STILL, f"{in_vain} ways in vain, 1.5 s each, + 300 ms")
            else:
                row = Row(name, FINGER_S, STOP, "at once: 300 ms")
            wave.add(row, [each for each, its in HARD_OF_HEARING.items() if its == quirk], one_by_one("lift"))
        check(wave.run(watch_s=8.0 if press == "first" else 2.0))


def test_a_camera_that_answers_late_or_never_stops_when_the_finger_is_lifted(place: Place) -> None:
    with Wave(place) as wave:
        wave.trouble(PATIENT[:6], reply_delay_s=2.0)
        wave.add(LATE, PATIENT[:6], one_by_one("lift"))
        wave.trouble(PATIENT[6:], drop_replies=True)
        wave.add(UNANSWERED, PATIENT[6:], one_by_one("lift"))
        # One move at a time, so the next waits for the answer: only a patient camera turns on meanwhile.
        check(wave.run(watch_s=4.0))


def test_a_camera_that_does_everything_late_stops_when_the_finger_is_lifted(place: Place) -> None:
    with Wave(place) as wave:
        wave.trouble(PLAIN[16:], delay_s=2.0)
        wave.add(SLOW, PLAIN[16:], one_by_one("lift"))
        check(wave.run(hold_s=5.0, watch_s=5.0))


def test_a_stop_that_was_accepted_and_ignored_is_said_again(place: Place) -> None:
    with Wave(place) as wave:
        wave.trouble(PATIENT, ignore_stops=1)
        wave.add(SWALLOWED, PATIENT, one_by_one("lift"))
        check(wave.run(watch_s=3.0))


def test_a_camera_whose_packets_vanish_stops_by_itself(place: Place) -> None:
    with Wave(place) as wave:
        wave.add(BLACK_HOLE, PLAIN[:16], lambda phones: wave.trouble(phones.names, black_hole=True))
        check(wave.run())


def test_a_media_worker_that_dies_delays_no_stop(place: Place) -> None:
    with Wave(place) as wave:
        wave.add(WORKER, PLAIN[:12], then_lift(place.town.kill_media_worker))
        check(wave.run())
    place.town.wait_live()


def test_a_data_channel_that_dies_with_its_worker_stops_the_camera(place: Place) -> None:
    if place.link is not None:
        place.link.use("clean")
    deed = all_at(place.town.kill_media_worker)
    with Wave(place) as wave:
        wave.add(WORKER_LANE, PLAIN[:4], deed, behind=place.link, lane="datagrams")
        check(wave.run())
    place.town.wait_live()


@pytest.mark.parametrize("round_", range(2))
def test_the_stopper_stops_what_the_control_process_left_turning(place: Place, round_: int) -> None:
    deed = all_at(lambda: place.town.kill("camctl.control"))
    with Wave(place) as wave:
        wave.add(CONTROL, PATIENT, deed)
        wave.add(CONTROL_NET, PLAIN[:12], deed)
        check(wave.run())
    place.town.wait_live()


def test_a_frozen_control_process_leaves_nothing_turning(place: Place) -> None:
    [control] = place.town.children("camctl.control")

    def suspend() -> float:
        control.suspend()
        return time.monotonic()

    with Wave(place) as wave:
        wave.add(CONTROL_FROZEN, PLAIN[12:24], all_at(suspend))
        try:
            trials = wave.run()
        finally:
            control.resume()
    check(trials)
    place.town.wait_live()


def test_what_a_frozen_control_process_was_told_moves_nothing_when_it_wakes(place: Place) -> None:
    [control] = place.town.children("camctl.control")

    def deed(phones: PhoneProcess) -> dict[str, float]:
        control.suspend()
        time.sleep(0.8)
        phones.freeze()
        time.sleep(2.2)
        control.resume()
        return dict.fromkeys(phones.names, time.monotonic())

    with Wave(place) as wave:
        wave.add(WOKEN, PLAIN[:12], deed)
        check(wave.run())
    place.town.wait_live()


def test_the_control_process_stops_what_the_api_left_turning(place: Place) -> None:
    with Wave(place) as wave:
        wave.add(API, PATIENT, all_at(place.town.kill_api))
        check(wave.run())
    place.town.start()


def test_with_everything_dead_the_cameras_stop_by_themselves(place: Place) -> None:
    deed = all_at(place.town.kill_everything)
    with Wave(place) as wave:
        wave.add(EVERYTHING, PLAIN, deed)
        wave.add(EVERYTHING_STEPS, STEPPING, deed)
        check(wave.run(hold_s=4.0))  # steps are short until it is known how fast the camera turns
    place.town.start()


def test_two_hundred_trials_were_made_and_this_is_their_table(
    place: Place, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    if not place.trials:
        pytest.skip("the trials themselves were not asked for")
    record_property("figures", table(place.trials))
    is_whole = request.session.testscollected > 1 and not request.config.option.keyword
    assert len(place.trials) >= 200 or not is_whole or place.link is None, f"only {len(place.trials)} trials"
