"""Accounts of the re-stream as they go over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from auth.restreams import StoredRestream
from camctl.api.schema_base import In
from streams.quality import Quality

Name = Annotated[str, Field(min_length=1, max_length=256)]
CameraId = Annotated[str, Field(min_length=1, max_length=64)]


class RestreamAccountIn(In):
    """A new account. `username` null: it stands for the caller. No `cameras`: all that its person may watch."""

    name: Name
    username: Name | None = None
    cameras: Annotated[list[CameraId], Field(max_length=256, default_factory=list)]


class RestreamAccountOut(BaseModel):
    """An account and its person. `closed`: the person's own account is, so that this one plays nothing."""

    name: str
    username: str
    cameras: list[str]
    created: datetime
    closed: bool

    @classmethod
    def of(cls, stored: StoredRestream) -> RestreamAccountOut:
        """The account as clients see it."""
        return cls(
            name=stored.name,
            username=stored.person.username,
            cameras=list(stored.cameras),
            created=stored.created,
            closed=stored.person.disabled,
        )


class RestreamAccountsOut(BaseModel):
    """The accounts that the caller looks after, by name."""

    items: list[RestreamAccountOut]


class CameraStreamsOut(BaseModel):
    """Where a camera's streams are pulled; name and secret are not in the addresses."""

    camera_id: str
    main: str
    sub: str


class NewRestreamAccountOut(BaseModel):
    """A new account. `secret` is said this once; `streams` is what it may play now."""

    account: RestreamAccountOut
    secret: Annotated[str, Field(repr=False)]
    streams: list[CameraStreamsOut]

    @classmethod
    def of(cls, stored: StoredRestream, secret: str, root: str, keys: Iterable[str]) -> NewRestreamAccountOut:
        """The account that was just made; `root` is the re-stream's address, `keys` what it may play."""
        cameras = sorted({key.rpartition("/")[0] for key in keys})
        streams = [
            CameraStreamsOut(
                camera_id=camera,
                main=f"{root}/{camera}/{Quality.MAIN.value}",
                sub=f"{root}/{camera}/{Quality.SUB.value}",
            )
            for camera in cameras
        ]
        return cls(account=RestreamAccountOut.of(stored), secret=secret, streams=streams)
