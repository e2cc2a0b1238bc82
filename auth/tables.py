"""The tables of people and sign-ins, the same for SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

if TYPE_CHECKING:
    from sqlalchemy import Dialect

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcTime(TypeDecorator[datetime]):
    """Times are aware and UTC in Python; SQLite, which keeps no zone, is given and read as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        """To UTC on the way in; a naive time is a mistake of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone must not be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        """To aware UTC on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The metadata of this package."""

    metadata = MetaData(naming_convention=_NAMING)


class PersonRow(Base):
    """Somebody with an account; `username` is stored normalised (`auth.model.normalise_username`)."""

    __tablename__ = "person"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    organisation: Mapped[str] = mapped_column(String(120))
    disabled: Mapped[bool]
    created: Mapped[datetime] = mapped_column(UtcTime)

    grants: Mapped[list[GrantRow]] = relationship(cascade="all, delete-orphan", lazy="selectin")


class RoleRow(Base):
    """A named bundle of capabilities; `priority` NULL: by the level of the area."""

    __tablename__ = "role"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    capabilities: Mapped[list[str]] = mapped_column(JSON)
    priority: Mapped[int | None]
    only_own: Mapped[bool]
    viewing: Mapped[int]


class GrantRow(Base):
    """What somebody may do (or, with `deny`, may not), where and when; `capabilities` NULL: all of the role's."""

    __tablename__ = "access_grant"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    role_name: Mapped[str | None] = mapped_column(ForeignKey("role.name"), index=True)
    areas: Mapped[list[str]] = mapped_column(JSON)
    cameras: Mapped[list[str]] = mapped_column(JSON)
    capabilities: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    deny: Mapped[bool]
    window: Mapped[str | None] = mapped_column(String(120))
    starts_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcTime)
    priority: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(16))
    waits: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(120))
    granter: Mapped[str] = mapped_column(String(64))
    approver: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(UtcTime)

    role: Mapped[RoleRow | None] = relationship(lazy="joined")


class EmergencyRow(Base):
    """One camera, opened in an emergency (`auth.emergency.Opening`); kept for good, whoever leaves."""

    __tablename__ = "emergency_opening"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    camera_id: Mapped[str] = mapped_column(String(64), index=True)
    area: Mapped[str] = mapped_column(String(140))
    owner: Mapped[str] = mapped_column(String(120))
    person_id: Mapped[str] = mapped_column(String(32), index=True)
    username: Mapped[str] = mapped_column(String(64))
    display_name: Mapped[str] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(32))
    incident: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(120))
    opened_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    ends_at: Mapped[datetime] = mapped_column(UtcTime)
    grant_id: Mapped[str] = mapped_column(String(32), unique=True)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closed_by: Mapped[str] = mapped_column(String(64))
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    reviewer: Mapped[str] = mapped_column(String(64))
    is_justified: Mapped[bool | None]
    review: Mapped[str] = mapped_column(String(300))


class SessionRow(Base):
    """A sign-in or an API token; the token itself is known to its owner only.

    `method` and `proved_at` say how and when its person last proved who they are; a program's token has neither.
    """

    __tablename__ = "session"
    __table_args__ = (CheckConstraint("kind IN ('browser', 'api')", name="kind"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(120))
    created: Mapped[datetime] = mapped_column(UtcTime)
    last_seen: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    idle_s: Mapped[int | None]
    device: Mapped[str] = mapped_column(String(120), server_default="", default="")
    network: Mapped[str] = mapped_column(String(64), server_default="", default="")
    scopes: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    method: Mapped[str | None] = mapped_column(String(32))
    proved_at: Mapped[datetime | None] = mapped_column(UtcTime)

    person: Mapped[PersonRow] = relationship(lazy="joined", innerjoin=True)


class RestreamAccountRow(Base):
    """A name with which a recorder or player pulls video; it may what its person may, of `cameras` if any are named."""

    __tablename__ = "restream_account"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    hashes: Mapped[dict[str, str]] = mapped_column(JSON)
    cameras: Mapped[list[str]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(UtcTime)

    person: Mapped[PersonRow] = relationship(lazy="joined", innerjoin=True)


class AuthChangeRow(Base):
    """A note that somebody's account, grants or sessions changed, so that other processes hear of it.

    Ids are never used twice, also after old notes were deleted: readers remember the newest they saw.
    """

    __tablename__ = "auth_change"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    person_id: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcTime, index=True)


class InvitationRow(Base):
    """A one-time link: `wish` says who may become a person here, or `person_id` whose password it renews.

    `maker_id` is None for the command line. `used_at` is set while and after the link is used, so that it is used once.
    """

    __tablename__ = "invitation"
    __table_args__ = (CheckConstraint("kind IN ('invitation', 'recovery')", name="kind"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    wish: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    maker_id: Mapped[str | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    created: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)

    person: Mapped[PersonRow | None] = relationship(foreign_keys=[person_id], lazy="joined")
    maker: Mapped[PersonRow | None] = relationship(foreign_keys=[maker_id], lazy="joined")


class PersonNoticeRow(Base):
    """What somebody has to be told at their next sign-in; kept until they say that they read it."""

    __tablename__ = "person_notice"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    by: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(UtcTime)


class ExternalIdentityRow(Base):
    """Somebody as another directory knows them (OpenID Connect): `subject` at `issuer` is this person."""

    __tablename__ = "external_identity"

    issuer: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    created: Mapped[datetime] = mapped_column(UtcTime)


class PasskeyRow(Base):
    """A passkey of somebody. `rp_id`: the site for which the authenticator made it; it is good for no other."""

    __tablename__ = "passkey"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    rp_id: Mapped[str] = mapped_column(String(253))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)  # unsigned 32 bits, which Integer cannot hold everywhere
    name: Mapped[str] = mapped_column(String(120))
    synced: Mapped[bool]
    created: Mapped[datetime] = mapped_column(UtcTime)
    last_used: Mapped[datetime | None] = mapped_column(UtcTime)

    person: Mapped[PersonRow] = relationship(lazy="joined", innerjoin=True)


class TotpRow(Base):
    """The sealed TOTP secret of somebody. It counts once `confirmed`; codes of `last_step` and before are used up."""

    __tablename__ = "totp"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[str] = mapped_column(String(500))
    confirmed: Mapped[bool]
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(UtcTime)


class RecoveryCodeRow(Base):
    """A recovery code that was not used yet; using it deletes it."""

    __tablename__ = "recovery_code"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    code_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
