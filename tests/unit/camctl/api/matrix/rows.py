"""One row for each route, and one for each kind of message of the control socket. THIS IS WHERE A NEW ROUTE IS ADDED.

    Route("GET /api/v1/cameras/{camera_id}/weather", At("see")),
    Route("POST /api/v1/people/{username}/greeting", Over("manage_people"), body={"text": "halo"}, done=201),
    Route("DELETE /api/v1/me/tokens/{token_id}", SignedIn(), path={"token_id": World.own_token}, done=204),

Of what a route depends on there are (design.py): `Public`, `SignedIn`, `At` a camera, `Anywhere`, `Over` a person,
`Everywhere`; `Hidden` and `Softly` for what belongs to somebody else. `{camera_id}` and `{username}` are filled with
the cell's; every other parameter needs a maker of world.py, which is called afresh for every cell, so that cells do
not disturb each other. A route may have several rows.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.unit.camctl.api.conftest import PASSWORD
from tests.unit.camctl.api.matrix.design import (
    HOME,
    Anywhere,
    At,
    Cell,
    Everywhere,
    Hidden,
    Need,
    Over,
    Public,
    SignedIn,
    Softly,
)
from tests.unit.camctl.api.matrix.world import World

Maker = Callable[[World, Cell], Awaitable[str]]
Body = str | Mapping[str, Any] | Callable[[Cell], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """How a route is asked and what it depends on.

    `asked`: method and path as in the application's table ("SOCKET" and "MOUNT" for those). `done`: the status, or
    statuses, of an answer to whom it is allowed; 101 for an accepted socket. `body`: JSON, or text of the type
    `media_type`; `{made}` in text is what `before` gave. `path`: what fills the path's other parameters. `before`: what
    has to be the case first. `shows`: of a list, who is shown in it the cell's camera or person; others are not.
    """

    asked: str
    needs: Need
    done: int | tuple[int, ...] = 200
    body: Body | None = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, Maker] = field(default_factory=dict)
    before: Maker | None = None
    shows: Need | None = None
    note: str = ""  # tells rows of one route apart

    def __str__(self) -> str:
        return " ".join(filter(None, (self.asked, self.note)))

    @property
    def statuses(self) -> tuple[int, ...]:
        return self.done if isinstance(self.done, tuple) else (self.done,)

    def content(self, cell: Cell, made: str) -> tuple[bytes, dict[str, str]]:
        """The body and the headers."""
        body = self.body(cell) if callable(self.body) else self.body
        if body is None:
            return b"", dict(self.headers)
        text = body if isinstance(body, str) else json.dumps(body).replace('"{made}"', made)
        return text.encode(), {"content-type": self.media_type, **self.headers}


@dataclass(frozen=True, slots=True)
class Message:
    """How a message of the control socket is sent, what it depends on there, and the answer to whom it is allowed."""

    type: str
    needs: At
    fields: Mapping[str, Any] = field(default_factory=dict)
    before: Maker | None = None
    done: str = "ack"  # or the error's code

    def __str__(self) -> str:
        return f"message {self.type}"


API, CAMERA, PERSON = "/api/v1", "/api/v1/cameras/{camera_id}", "/api/v1/people/{username}"
SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
VIDEO, VIDEO_OF_ANOTHER = {"session_id": World.video}, {"session_id": World.video_of_another}
PATROL = {"name": "Keliling", "stops": [{"preset": "1", "dwell_s": 5}]}
ONE_PATROL = {"patrol_id": World.patrol}
REASON, RESERVATION = {"reason": "a test"}, {"reason": "a test", "limit_s": 600}
GRANT = {"role": "official", "areas": [HOME], "reason": "a test"}
EMERGENCY = {"category": "flood", "incident": "112-0881", "reason": "a test"}
REVIEW = {"justified": True, "words": "a test"}
NO_LINK = {"secret": "x" * 43}
SETUP = {"code": "x", "username": "x", "display_name": "x", "password": PASSWORD}
TOKEN = {"name": "wall", "scopes": ["see"], "days": 1}
INVITATION = {"role": "official", "areas": [HOME], "display_name": "Pak Budi"}
ROLE = {"capabilities": ["see"], "priority": 30}


async def new_role(_world: World, _cell: Cell) -> str:
    return "pos-jaga"


async def no_file(_world: World, _cell: Cell) -> str:
    return "nothing.txt"


async def a_chain(_world: World, _cell: Cell) -> str:
    return "control"


async def a_number(_world: World, _cell: Cell) -> str:
    return "999"


async def nothing_with_this_id(_world: World, _cell: Cell) -> str:
    return "0" * 32


NO_PASSKEY, NO_OPENING = {"passkey_id": nothing_with_this_id}, {"opening_id": nothing_with_this_id}


def login(cell: Cell) -> Mapping[str, Any]:
    return {"username": cell.username, "password": PASSWORD}


def _another_s_video(method: str, end: str = "", **more: Any) -> Route:
    needs = Hidden(At("live"), "session_id")
    return Route(f"{method} {CAMERA}/whep/{{session_id}}{end}", needs, path=VIDEO_OF_ANOTHER, note="of another", **more)


ROUTES: tuple[Route, ...] = (
    # Open to everybody
    Route("POST /api/v1/auth/login", Public(), body=login),
    Route("POST /api/v1/auth/second-factor", Public(), body={"pending": "x", "code": "123456"}, done=401),
    Route("POST /api/v1/auth/passkey/begin", Public(), done=409),  # there are none at a plain http address
    Route("POST /api/v1/auth/passkey/finish", Public(), body={}, done=422),
    Route("POST /api/v1/invitations/look", Public(), body=NO_LINK, done=(404, 429)),
    Route("POST /api/v1/invitations/accept", Public(), body={**NO_LINK, "password": PASSWORD}, done=(404, 429)),
    Route("POST /api/v1/setup", Public(), body=SETUP, done=404),  # there is an administrator
    Route("GET /api/v1/auth/oidc", Public()),
    Route("GET /api/v1/auth/oidc/start", Public(), done=404),  # there is no directory
    Route("GET /api/v1/auth/oidc/callback", Public(), done=404),
    Route("GET /api/v1/openapi.json", Public()),
    Route("HEAD /api/v1/openapi.json", Public()),
    Route("GET /healthz", Public()),
    Route("HEAD /healthz", Public()),
    Route("GET /readyz", Public()),
    Route("HEAD /readyz", Public()),
    Route("GET /", Public(), done=(200, 503)),  # 503: the page was not built
    Route("HEAD /", Public(), done=(200, 503)),
    Route("GET /{name}", Public(), path={"name": no_file}, done=404),
    Route("MOUNT /assets", Public(), done=404),
    # One's own
    Route("POST /api/v1/auth/logout", SignedIn(), before=World.new_sign_in, done=204),
    Route("GET /api/v1/me", SignedIn()),
    Route("GET /api/v1/me/grants", SignedIn()),
    Route("DELETE /api/v1/me/notices/{notice_id}", SignedIn(), path={"notice_id": nothing_with_this_id}, done=204),
    Route("GET /api/v1/me/sessions", SignedIn()),
    Route("DELETE /api/v1/me/sessions", SignedIn(), done=204),
    Route("DELETE /api/v1/me/sessions/{session_id}", SignedIn(), path={"session_id": nothing_with_this_id}, done=404),
    Route("GET /api/v1/me/tokens", SignedIn()),
    Route("POST /api/v1/me/tokens", SignedIn(), body=TOKEN, done=(201, 422)),  # 422: who may not see has no such scope
    Route("DELETE /api/v1/me/tokens/{token_id}", SignedIn(), path={"token_id": World.own_token}, done=204),
    Route("GET /api/v1/account", SignedIn()),
    Route("POST /api/v1/account/passkeys/begin", SignedIn(), done=409),
    Route("POST /api/v1/account/passkeys", SignedIn(), body={}, done=422),
    Route("PATCH /api/v1/account/passkeys/{passkey_id}", SignedIn(), path=NO_PASSKEY, body={"name": "x"}, done=404),
    Route("DELETE /api/v1/account/passkeys/{passkey_id}", SignedIn(), path=NO_PASSKEY, done=404),
    Route("POST /api/v1/account/totp/begin", SignedIn()),
    Route("POST /api/v1/account/totp", SignedIn(), body={"code": "123456"}, done=409),  # nothing was begun
    Route("DELETE /api/v1/account/totp", SignedIn(), done=409),
    Route("POST /api/v1/account/recovery-codes", SignedIn(), done=409),
    Route("PUT /api/v1/account/password", SignedIn(), body={"old": PASSWORD, "new": "gedung biru Monas 11"}, done=204),
    Route("POST /api/v1/auth/step-up/begin", SignedIn()),
    Route("POST /api/v1/auth/step-up/finish", SignedIn(), body={"proof": {"way": "password", "password": PASSWORD}}),
    Route("GET /api/v1/restream/accounts", SignedIn(), before=World.account, shows=Over()),
    Route("POST /api/v1/restream/accounts", Anywhere("live"), body=lambda cell: {"name": f"nvr-{cell.username}"[:32]},
          done=201),
    Route("DELETE /api/v1/restream/accounts/{name}", SignedIn(), path={"name": World.own_account}, done=204),
    Route("DELETE /api/v1/restream/accounts/{name}", Softly(Over(), "name"), path={"name": World.account}, done=204,
          note="of another"),
    # A camera
    Route("GET /api/v1/cameras", SignedIn(), shows=At("see")),
    Route(f"GET {CAMERA}", At("see")),
    Route(f"GET {CAMERA}/permissions", At("see")),
    Route(f"GET {CAMERA}/snapshot.jpg", At("snapshot")),
    Route(f"GET {CAMERA}/jpegs", At("live")),
    Route(f"SOCKET {CAMERA}/feed", At("live"), done=101),
    Route(f"OPTIONS {CAMERA}/whep", At("live"), done=204),
    Route(f"POST {CAMERA}/whep", At("live"), body="v=0", media_type=SDP, done=201),
    Route(f"PATCH {CAMERA}/whep/{{session_id}}", At("live"), path=VIDEO, body="a=x", media_type=FRAGMENT, done=204),
    Route(f"GET {CAMERA}/whep/{{session_id}}", At("live"), path=VIDEO),
    Route(f"PUT {CAMERA}/whep/{{session_id}}/quality", At("live"), path=VIDEO, body={"quality": "sub"}),
    Route(f"DELETE {CAMERA}/whep/{{session_id}}", At("live"), path=VIDEO),
    _another_s_video("PATCH", body="a=x", media_type=FRAGMENT),
    _another_s_video("GET"),
    _another_s_video("PUT", "/quality", body={"quality": "sub"}),
    _another_s_video("DELETE"),
    Route(f"POST {CAMERA}/emergency", At("emergency"), body=EMERGENCY, done=(201, 409)),  # 409: it needs none
    # Its motors
    Route(f"GET {CAMERA}/ptz/status", At("see")),
    Route(f"GET {CAMERA}/presets", At("presets")),
    Route(f"POST {CAMERA}/ptz/move", At("control"), body={"pan": 0.5}, done=202),
    Route(f"POST {CAMERA}/ptz/stop", At("control"), done=202),
    Route(f"POST {CAMERA}/ptz/stop", At("control"), before=World.holding, done=202, note="by the holder"),
    Route(f"POST {CAMERA}/ptz/goto", At("control"), body={"preset": "1"}, done=202),
    Route(f"SOCKET {CAMERA}/control", At("live"), done=101),
    Route(f"GET {CAMERA}/control", At("live")),
    Route(f"POST {CAMERA}/control/take", At("control")),
    Route(f"POST {CAMERA}/control/take-over", At("control"), body=REASON, before=World.held_by_a_weaker_one),
    Route(f"POST {CAMERA}/control/release", At("control"), before=World.holding),
    Route(f"POST {CAMERA}/control/request", At("control"), body=REASON),
    Route(f"POST {CAMERA}/control/withdraw", At("control"), before=World.waiting),
    Route(f"POST {CAMERA}/control/hand-over", At("control"), body={"ticket": "{made}"}, before=World.awaited),
    Route(f"POST {CAMERA}/control/reserve", At("control"), body=RESERVATION),
    Route(f"POST {CAMERA}/control/unreserve", At("control"), before=World.reserved),
    # Its patrols and events
    Route(f"GET {CAMERA}/patrols", At("see")),
    Route(f"POST {CAMERA}/patrols", At("patrols"), body=PATROL, done=201),
    Route(f"GET {CAMERA}/patrols/{{patrol_id}}", At("see"), path=ONE_PATROL),
    Route(f"PUT {CAMERA}/patrols/{{patrol_id}}", At("patrols"), path=ONE_PATROL, body=PATROL),
    Route(f"DELETE {CAMERA}/patrols/{{patrol_id}}", At("patrols"), path=ONE_PATROL, done=204),
    Route(f"POST {CAMERA}/patrols/{{patrol_id}}/start", At("patrols"), path=ONE_PATROL),
    Route(f"POST {CAMERA}/patrols/{{patrol_id}}/stop", At("patrols"), path=ONE_PATROL),
    Route(f"POST {CAMERA}/events", At("events"), body={"preset": "1", "hold_s": 5, "reason": "a test"}, done=202),
    # People
    Route("GET /api/v1/people", Anywhere("manage_people"), shows=Over()),
    Route("GET /api/v1/approvals", Anywhere("manage_people"), before=World.waiting_grant, shows=Over()),
    Route(f"GET {PERSON}/grants", Over()),
    Route(f"POST {PERSON}/grants", Over(), body=GRANT, done=201),
    Route(f"POST {PERSON}/grants/{{grant_id}}/approve", Over(), path={"grant_id": World.grant}),
    Route(f"DELETE {PERSON}/grants/{{grant_id}}", Over(), path={"grant_id": World.grant}, done=204),
    Route(f"POST {PERSON}/recovery", Over(), body={}, done=201),
    Route(f"GET {PERSON}/tokens", Over()),
    Route(f"DELETE {PERSON}/tokens/{{token_id}}", Over(), path={"token_id": World.token}, done=204),
    Route("POST /api/v1/invitations", Anywhere("manage_people"), body=INVITATION, done=201),
    Route("GET /api/v1/invitations", Anywhere("manage_people")),
    Route("DELETE /api/v1/invitations/{invitation_id}", Anywhere("manage_people"),
          path={"invitation_id": nothing_with_this_id}, done=404),
    Route("GET /api/v1/roles", Anywhere("manage_people")),
    Route("PUT /api/v1/roles/{name}", Everywhere("manage_people"), path={"name": new_role}, body=ROLE),
    # Where things are, what was opened in emergencies, what is on record
    Route("GET /api/v1/areas", SignedIn()),
    Route("GET /api/v1/areas/at", SignedIn(), done=422),  # of no place
    Route("GET /api/v1/emergencies", SignedIn()),
    Route("DELETE /api/v1/emergencies/{opening_id}", SignedIn(), path=NO_OPENING, done=404),
    Route("POST /api/v1/emergencies/{opening_id}/review", SignedIn(), path=NO_OPENING, body=REVIEW, done=404),
    Route("GET /api/v1/audit", Anywhere("audit")),
    Route("GET /api/v1/audit/export", Anywhere("export")),
    Route("POST /api/v1/audit/{chain}/{seq}/notes", Anywhere("audit"), path={"chain": a_chain, "seq": a_number},
          body={"text": "a test"}, done=404),
    # The service
    Route("GET /metrics", Anywhere("metrics")),
)  # fmt: skip

MESSAGES: tuple[Message, ...] = (
    Message("ping", At("live")),
    Message("datagrams", At("live"), {"video": "{made}"}, before=World.video),
    Message("move", At("control"), {"pan": 0.5}),
    Message("stop", At("control")),
    Message("take", At("control")),
    Message("take_over", At("control"), {"reason": "a test"}, before=World.held_by_a_weaker_one),
    Message("release", At("control"), before=World.holding),
    Message("request", At("control"), {"reason": "a test"}),
    Message("withdraw", At("control"), before=World.waiting),
    Message("hand_over", At("control"), {"ticket": "{made}"}, before=World.awaited),
    Message("reserve", At("control"), RESERVATION),
    Message("unreserve", At("control"), before=World.reserved),
    Message("goto", At("control"), {"preset": "1"}),
    Message("home", At("control")),
)

CAPABILITIES = ({row.needs.capability for row in ROUTES} | {row.needs.capability for row in MESSAGES}) - {""}
