"""What the bodies of requests have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=-1.0, le=1.0, allow_inf_nan=False)]
Reason = Annotated[str, Field(min_length=1, max_length=200)]
OptionalReason = Annotated[str, Field(max_length=200)]
Ticket = Annotated[int, Field(ge=0, le=2**53)]
ReserveSeconds = Annotated[float, Field(ge=60, le=86_400, allow_inf_nan=False)]


class In(BaseModel):
    """A body: its types exactly, and no member that is not known."""

    model_config = ConfigDict(extra="forbid", strict=True)
