"""What an audit row says: who did what, where, with what outcome and why. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

Detail = str | int | float | bool | None

MAX_NAME_CHARS = 120
MAX_TEXT_CHARS = 500
MAX_DETAILS = 16
MAX_DETAIL_CHARS = 200


class Action(StrEnum):
    """What was done; the values are stable, they are in rows that last for years."""

    VIEW_START = "view-start"
    VIEW_END = "view-end"
    SNAPSHOT = "snapshot"
    CONTROL_TAKE = "control-take"
    CONTROL_RESUME = "control-resume"  # a lease that an earlier life of the control process left
    CONTROL_RELEASE = "control-release"
    CONTROL_TAKE_OVER = "control-take-over"
    CONTROL_HAND_OVER = "control-hand-over"
    CONTROL_RESERVE = "control-reserve"
    CONTROL_UNRESERVE = "control-unreserve"
    CONTROL_BREAK = "control-break"  # a reservation was broken
    GESTURE = "gesture"  # one press of the finger, however many moves
    TRAVEL = "travel"  # to a preset or home
    PRESET_CHANGE = "preset-change"
    PATROL_CHANGE = "patrol-change"
    EVENT_SHOW = "event-show"
    SHARE = "share"
    REVOKE = "revoke"  # a grant was taken away
    GRANT = "grant"  # given, or approved by a second person
    ROLE_CHANGE = "role-change"
    EMERGENCY_OPEN = "emergency-open"
    EMERGENCY_CLOSE = "emergency-close"  # before its time
    EMERGENCY_REVIEW = "emergency-review"
    PERSON_CHANGE = "person-change"
    RESTREAM_CHANGE = "restream-change"
    CAMERA_CHANGE = "camera-change"  # its name, area, owner, or whether it is shared in emergencies only
    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"
    REFUSAL = "refusal"
    EXPORT = "export"
    PURGE = "purge"  # rows were dropped for their age by hand
    BOUNDARIES_CHANGE = "boundaries-change"
    KEY_CHANGE = "key-change"  # of what seals secrets
    NOTE = "note"  # about an earlier entry, which `target` names as chain/seq
    SPOOL_FAILED = "spool-failed"  # from then on no row could be written; this one waited until it could
    ROWS_LOST = "rows-lost"  # the spool could not be written for longer than rows can wait in memory


class Outcome(StrEnum):
    """What became of it."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class ReasonCategory(StrEnum):
    """Who or what the reason comes from."""

    NONE = ""
    STATED = "stated"  # a person's own words
    RULE = "rule"  # a rule of the policy or the arbiter; the text is its stable word
    LINK = "link"  # a connection ended or fell silent
    SYSTEM = "system"  # the service itself: start, end, a fault


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the category to count by, the text to read."""

    category: ReasonCategory = ReasonCategory.NONE
    text: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as they were called then. Of a patrol or event `id` is "patrol:ID" or "event:ID"."""

    id: str = ""
    name: str = ""
    role: str = ""
    organisation: str = ""


SERVICE = Actor("service", "camctl", "service")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that happened, not yet in a chain. `at` is aware; `area` is the camera's, or the person's."""

    at: datetime
    actor: Actor
    action: Action
    camera: str = ""
    area: str = ""
    target: str = ""  # what it was done to, when that is no camera: a preset, a username, chain/seq
    outcome: Outcome = Outcome.DONE
    reason: Reason = Reason()
    details: Mapping[str, Detail] = field(default_factory=dict)


def plain(text: str, most: int = MAX_NAME_CHARS) -> str:
    """The text as every database can hold it: NFC, no control characters or lone surrogates, at most `most` long.

    A record must not fail because of what somebody typed, so it is mended, not refused.
    """
    mended = "".join(" " if unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} else sign for sign in text[:most])
    return unicodedata.normalize("NFC", mended)[:most].strip()


def stamp(at: datetime) -> str:
    """A time as rows hold it: UTC, microseconds, so that the order of texts is that of times; naive is a mistake."""
    if at.tzinfo is None:
        raise ValueError("a time without zone must not be recorded")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def time_of(text: str) -> datetime:
    """The time of a `stamp`; ValueError when it is none."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
