"""Permissions for what a person does themselves, at a browser: no token of theirs may do it for them.

What needs a fresh proof besides (`camctl.api.step_up`) refuses tokens by that.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from auth.model import SignIn, SignInKind
from auth.roles import Capability
from camctl.api.access import AtCamera, Holding, SignedIn, Visit
from camctl.api.problems import FORBIDDEN, ProblemError


def _refuse_token(sign_in: SignIn) -> SignIn:
    if sign_in.kind is not SignInKind.BROWSER:
        raise ProblemError(FORBIDDEN, "A token may not do this; sign in with the browser.", why="token")
    return sign_in


class InPerson(SignedIn):
    """Anybody who is signed in otherwise than by a token."""

    async def __call__(self, connection: HTTPConnection) -> SignIn:
        """The caller, or 403 for a token."""
        return _refuse_token(await super().__call__(connection))


class HoldingInPerson(Holding):
    """Somebody who holds a capability that concerns no single camera, and came otherwise than by a token."""

    async def __call__(self, connection: HTTPConnection) -> SignIn:
        """The caller, or 403."""
        return _refuse_token(await super().__call__(connection))


class AtCameraInPerson(AtCamera):
    """Somebody who may do this with the camera in the path, and came otherwise than by a token."""

    async def __call__(self, connection: HTTPConnection, camera_id: str) -> Visit:
        """As `AtCamera`, or 403 for a token."""
        visit = await super().__call__(connection, camera_id)
        _refuse_token(visit.sign_in)
        return visit


Self = Annotated[SignIn, Depends(InPerson())]
ManagingInPerson = Annotated[SignIn, Depends(HoldingInPerson(Capability.MANAGE_PEOPLE))]
LiveInPerson = Annotated[SignIn, Depends(HoldingInPerson(Capability.LIVE))]
OpeningInEmergency = Annotated[Visit, Depends(AtCameraInPerson(Capability.EMERGENCY))]
