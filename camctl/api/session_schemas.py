"""Sign-ins and personal access tokens as they go over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from auth.sign_in_list import ListedSignIn
from camctl.api.schema_base import In

Name = Annotated[str, Field(min_length=1, max_length=120)]
Word = Annotated[str, Field(min_length=1, max_length=40)]
MAX_DAYS = 366


class SessionOut(BaseModel):
    """A sign-in of a browser. `device` is empty when it did not say; `network` is where it was last used."""

    id: str
    device: str
    network: str
    created: datetime
    last_seen: datetime
    expires_at: datetime
    current: bool

    @classmethod
    def of(cls, listed: ListedSignIn, current_id: str) -> SessionOut:
        """The sign-in as its owner sees it from the one with `current_id`."""
        return cls(
            id=listed.id,
            device=listed.device,
            network=listed.network,
            created=listed.created,
            last_seen=listed.last_seen,
            expires_at=listed.expires_at,
            current=listed.id == current_id,
        )


class SessionsOut(BaseModel):
    """Somebody's sign-ins, the last used first."""

    items: list[SessionOut]


class TokenIn(In):
    """A new personal access token, for a program. `scopes` are capabilities; it may do no more than these."""

    name: Name
    scopes: Annotated[list[Word], Field(min_length=1, max_length=64)]
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)]


class TokenOut(BaseModel):
    """A personal access token. `scopes` null: all that its person may (made on the command line)."""

    id: str
    name: str
    scopes: list[str] | None
    network: str
    created: datetime
    last_seen: datetime
    expires_at: datetime

    @classmethod
    def of(cls, listed: ListedSignIn) -> TokenOut:
        """The token as its owner sees it."""
        return cls(
            id=listed.id,
            name=listed.name,
            scopes=None if listed.scopes is None else sorted(listed.scopes),
            network=listed.network,
            created=listed.created,
            last_seen=listed.last_seen,
            expires_at=listed.expires_at,
        )


class TokensOut(BaseModel):
    """Somebody's tokens, the last used first."""

    items: list[TokenOut]


class NewTokenOut(BaseModel):
    """A new token. `secret` is what the program sends as Authorization: Bearer; it is said this once."""

    token: TokenOut
    secret: Annotated[str, Field(repr=False)]
