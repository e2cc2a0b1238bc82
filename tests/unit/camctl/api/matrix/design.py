"""What the design promises of permissions, in plain words: written down here, and read from nothing that decides.

A cell is one question: may somebody of this role, in this situation, do what a row asks? The answer is computed from
the tables below alone and compared with what the application says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

HOME, AWAY, CITY = "31.71.07", "31.74.01", "31"
OURS, THEIRS = "PT Contoh", "PT Lain"  # everybody who asks works for the first

WATCHING = {"see", "live", "snapshot"}
STEERING = WATCHING | {"control", "presets"}
ROLES: dict[str, set[str]] = {
    "admin": STEERING
    | {"patrols", "events", "break_reservation", "emergency", "export", "share", "review", "audit"}
    | {"manage_people", "metrics"},
    "auditor": {"see", "audit", "export"},
    "official": STEERING | {"emergency"},
    "operator": STEERING | {"patrols", "events", "emergency"},
    "partner": WATCHING | {"share", "audit"},
}
ONLY_OWN = {"partner"}  # at cameras of their own organisation alone
OFFICES = {"manage_people", "review", "metrics"}  # held in areas; a single camera brings none
IN_EMERGENCIES_TOO = {"see", "emergency", "audit", "export"}  # what "in emergencies only" leaves to the city


class Situation(StrEnum):
    """How the one who asks stands to the camera, or to the person, that they ask about."""

    OWN_AREA = "own area"
    OTHER_AREA = "other area"
    OWN_CAMERA = "own camera"  # granted by its name; of a person: elsewhere
    OTHERS_CAMERA = (
        "another's camera"  # another organisation's, in one's own area; of a person: with a single camera there
    )
    EMERGENCIES_ONLY = "camera for emergencies only"  # of one's own organisation, in one's own area
    WHOLE_CITY = "whole city"
    NO_GRANT = "no grant"
    EXPIRED = "expired grant"
    DENIED = "denied everything"
    DENIED_THIS = "denied this"


EMPTY = {Situation.NO_GRANT, Situation.EXPIRED, Situation.DENIED}

# Which camera is asked about: its id, area and owner. The names have nothing in common with what is unknown.
CAMERAS: dict[Situation, tuple[str, str, str]] = {
    Situation.OTHER_AREA: ("cam-away", AWAY, OURS),
    Situation.OWN_CAMERA: ("cam-single", AWAY, OURS),
    Situation.OTHERS_CAMERA: ("cam-theirs", HOME, THEIRS),
    Situation.EMERGENCIES_ONLY: ("cam-flood", HOME, OURS),
    Situation.WHOLE_CITY: ("cam-away", AWAY, OURS),
}
USUAL_CAMERA = ("cam-home", HOME, OURS)
# And which person; they begin with "a" so that they are on a list's first page.
PEOPLE: dict[Situation, str] = {
    Situation.OTHER_AREA: "a-away",
    Situation.OWN_CAMERA: "a-away",
    Situation.OTHERS_CAMERA: "a-single",
    Situation.WHOLE_CITY: "a-away",
}
USUAL_PERSON = "a-home"
# Whom an area's administrator looks after: who was granted something there, a single camera too.
MANAGEABLE = {Situation.OWN_AREA, Situation.OTHERS_CAMERA, Situation.EMERGENCIES_ONLY, Situation.WHOLE_CITY}


class Outcome(StrEnum):
    """How the application has to answer."""

    DONE = "done"
    FORBIDDEN = "forbidden"  # 403 with the reason; never for what must not be known
    UNKNOWN = "unknown"  # exactly as for something that does not exist
    SIGN_IN = "sign in"  # 401


@dataclass(frozen=True, slots=True)
class Cell:
    """One question. `role` None: nobody is signed in. `capability` is what `DENIED_THIS` takes."""

    role: str | None
    situation: Situation
    capability: str = ""

    @property
    def username(self) -> str:
        """Who asks; for nobody, somebody whose things can stand where one's own would."""
        if self.role is None:
            return username("official", Situation.OWN_AREA)
        return username(self.role, self.situation, self.capability)

    @property
    def camera(self) -> str:
        """The camera that is asked about."""
        return CAMERAS.get(self.situation, USUAL_CAMERA)[0]

    @property
    def area(self) -> str:
        """Where that camera is."""
        return CAMERAS.get(self.situation, USUAL_CAMERA)[1]

    @property
    def person(self) -> str:
        """The person who is asked about."""
        return PEOPLE.get(self.situation, USUAL_PERSON)

    def at_the_camera(self) -> set[str]:
        """What they may do with that camera."""
        if self.role is None or self.situation in EMPTY | {Situation.OTHER_AREA}:
            return set()
        if self.situation is Situation.OTHERS_CAMERA and self.role in ONLY_OWN:
            return set()
        held = ROLES[self.role]
        match self.situation:
            case Situation.OWN_CAMERA:
                return held - OFFICES
            case Situation.EMERGENCIES_ONLY if self.role not in ONLY_OWN:
                return held & IN_EMERGENCIES_TOO
            case Situation.DENIED_THIS:
                return set() if self.capability == "see" else held - {self.capability}
        return held

    def anywhere(self) -> set[str]:
        """What they may do somewhere at all."""
        if self.role is None or self.situation in EMPTY:
            return set()
        held = ROLES[self.role]
        match self.situation:
            case Situation.OWN_CAMERA:
                return held - OFFICES
            case Situation.DENIED_THIS:
                return held - {self.capability}
        return held


def username(role: str, situation: Situation, capability: str = "") -> str:
    """The person of this role who is in this situation."""
    last = f"-{capability}" if situation is Situation.DENIED_THIS else ""
    return f"{role}-{situation}{last}".translate({ord(" "): "-", ord("'"): None})


class Need(Protocol):
    """What a route depends on. `capability`: the one that counts. `stranger`: what an unknown object stands in for."""

    @property
    def capability(self) -> str: ...

    @property
    def stranger(self) -> str: ...

    def expects(self, cell: Cell, /) -> Outcome:
        """The answer that the design promises."""


@dataclass(frozen=True, slots=True)
class Public:
    """Everybody, signed in or not."""

    capability: str = ""
    stranger: str = ""

    def expects(self, _cell: Cell) -> Outcome:
        return Outcome.DONE


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Everybody who is signed in, for what is their own."""

    capability: str = ""
    stranger: str = ""

    def expects(self, cell: Cell) -> Outcome:
        return Outcome.SIGN_IN if cell.role is None else Outcome.DONE


@dataclass(frozen=True, slots=True)
class At:
    """Who holds this at the camera `{camera_id}`."""

    capability: str
    stranger: str = "camera_id"

    def expects(self, cell: Cell) -> Outcome:
        if cell.role is None:
            return Outcome.SIGN_IN
        held = cell.at_the_camera()
        if "see" not in held:
            return Outcome.UNKNOWN
        return Outcome.DONE if self.capability in held else Outcome.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Anywhere:
    """Who holds this anywhere."""

    capability: str
    stranger: str = ""

    def expects(self, cell: Cell) -> Outcome:
        if cell.role is None:
            return Outcome.SIGN_IN
        return Outcome.DONE if self.capability in cell.anywhere() else Outcome.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Over:
    """Who holds this over the person `{username}`: in all places where that person was granted something."""

    capability: str = "manage_people"
    stranger: str = "username"

    def expects(self, cell: Cell) -> Outcome:
        if cell.role is None:
            return Outcome.SIGN_IN
        if self.capability not in cell.anywhere():
            return Outcome.FORBIDDEN
        return Outcome.DONE if cell.situation in MANAGEABLE else Outcome.UNKNOWN


@dataclass(frozen=True, slots=True)
class Everywhere:
    """Who holds this in the whole city."""

    capability: str
    stranger: str = ""

    def expects(self, cell: Cell) -> Outcome:
        if cell.role is None:
            return Outcome.SIGN_IN
        is_whole = cell.situation is Situation.WHOLE_CITY and self.capability in cell.anywhere()
        return Outcome.DONE if is_whole else Outcome.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Hidden:
    """As `at`, but whom that would let in gets UNKNOWN: the `stranger` is another person's and none of theirs."""

    at: Need
    stranger: str

    @property
    def capability(self) -> str:
        return self.at.capability

    def expects(self, cell: Cell) -> Outcome:
        outcome = self.at.expects(cell)
        return Outcome.UNKNOWN if outcome is Outcome.DONE else outcome


@dataclass(frozen=True, slots=True)
class Softly:
    """As `over`, but a refusal never says more than that there is no such thing (the `stranger`)."""

    over: Need
    stranger: str

    @property
    def capability(self) -> str:
        return self.over.capability

    def expects(self, cell: Cell) -> Outcome:
        outcome = self.over.expects(cell)
        return Outcome.UNKNOWN if outcome is Outcome.FORBIDDEN else outcome
