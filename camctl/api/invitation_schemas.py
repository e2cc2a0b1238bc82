"""One-time links, the set-up and what people have to be told, as they go over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from auth.invitation_records import Notice
from auth.invitations import Invitation, Wish
from auth.whole_city import SecondLook
from camctl.api.schema_base import In
from camctl.one_time_links import invitation_link, qr_svg

Name = Annotated[str, Field(min_length=1, max_length=256)]
Text = Annotated[str, Field(max_length=256)]
NewPassword = Annotated[str, Field(min_length=1, max_length=256, repr=False)]
Secret = Annotated[str, Field(min_length=1, max_length=256, repr=False)]
LifeS = Annotated[float, Field(ge=300, le=2_592_000, allow_inf_nan=False)]


class InvitationIn(In):
    """Who is to come in, with a role in areas; `role` null and no areas: with nothing but a name.

    `username` null: they choose it. `life_s` null: as configured.
    """

    role: Annotated[str, Field(min_length=1, max_length=32)] | None
    areas: Annotated[list[Name], Field(max_length=64)]
    display_name: Name
    organisation: Text = ""
    username: Name | None = None
    life_s: LifeS | None = None

    def wish(self) -> Wish:
        """What the invited is to become."""
        return Wish(self.role, tuple(self.areas), self.organisation, self.display_name, self.username)


class RecoveryIn(In):
    """A link to a new password. `life_s` null: as configured."""

    life_s: LifeS | None = None


class InvitationOut(BaseModel):
    """A link that waits to be used. `username` null: the invited chooses it. `by` empty: the command line.

    `role` empty: they get nothing but a name.
    """

    id: str
    kind: Literal["invitation", "recovery"]
    username: str | None
    display_name: str
    role: str
    areas: list[str]
    organisation: str
    by: str
    created: datetime
    expires_at: datetime

    @classmethod
    def of(cls, invitation: Invitation) -> InvitationOut:
        """The link as those who look after its person see it."""
        concerned = invitation.concerns
        return cls(
            id=invitation.id,
            kind=invitation.kind.value,
            username=concerned.username,
            display_name=concerned.display_name,
            role=concerned.role or "",
            areas=list(concerned.areas),
            organisation=concerned.organisation,
            by=invitation.maker.display_name if invitation.maker else "",
            created=invitation.created,
            expires_at=invitation.expires_at,
        )


class InvitationsOut(BaseModel):
    """The unused links for people whom the caller looks after, newest first."""

    items: list[InvitationOut]


class NewInvitationOut(BaseModel):
    """A new link. `link` and `qr_svg` (the link as a QR code) are said this once: whoever has them can use it.

    `waits`: who comes in by it may nothing until a second administrator approves. `waits_why` and `waits_because` say
    why, as in `GrantOut`.
    """

    invitation: InvitationOut
    waits: bool
    waits_why: SecondLook | None
    waits_because: str | None
    link: Annotated[str, Field(repr=False)]
    qr_svg: Annotated[str, Field(repr=False)]

    @classmethod
    def of(cls, address: str, secret: str, invitation: Invitation, why: SecondLook | None) -> NewInvitationOut:
        """The link that was just made, at the service's address; `why`: it will wait for a second person."""
        link = invitation_link(address, secret)
        return cls(
            invitation=InvitationOut.of(invitation),
            waits=why is not None,
            waits_why=why,
            waits_because=None if why is None else why.sentence,
            link=link,
            qr_svg=qr_svg(link),
        )


class LookIn(In):
    """The secret of a link, from behind the # of its address."""

    secret: Secret


class LookOut(BaseModel):
    """What a link is for, as whoever has it is told."""

    kind: Literal["invitation", "recovery"]
    username: str | None
    display_name: str
    by: str
    expires_at: datetime

    @classmethod
    def of(cls, invitation: Invitation) -> LookOut:
        """No more than its user has to know."""
        return cls(
            kind=invitation.kind.value,
            username=invitation.concerns.username,
            display_name=invitation.concerns.display_name,
            by=invitation.maker.display_name if invitation.maker else "",
            expires_at=invitation.expires_at,
        )


class AcceptIn(In):
    """Use a link. `username` where the link leaves it open."""

    secret: Secret
    password: NewPassword
    username: Name | None = None


class SetupIn(In):
    """The first administrator, by the code that the service printed at its start."""

    code: Annotated[str, Field(min_length=1, max_length=64, repr=False)]
    username: Name
    display_name: Name
    password: NewPassword


class NoticeOut(BaseModel):
    """Something that somebody has to be told. `recovered`: their password was renewed by a link of `by`'s."""

    id: str
    kind: str
    by: str
    at: datetime

    @classmethod
    def of(cls, notice: Notice) -> NoticeOut:
        """The notice as its person sees it."""
        return cls(id=notice.id, kind=notice.kind, by=notice.by, at=notice.at)
