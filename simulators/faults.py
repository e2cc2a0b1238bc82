"""Troubles that a test switches on while a simulated camera runs: POST /simulator/faults with some of these keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FaultSettings(BaseModel):
    """What is wrong with the ONVIF side of one camera at the moment; RTSP and /simulator are never affected."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    delay_s: float = Field(0.0, ge=0, le=60)  # before anything is read or done
    reply_delay_s: float = Field(0.0, ge=0, le=60)  # commands are carried out at once and answered late
    drop_replies: bool = False  # commands are carried out and never answered
    refuse_stop: bool = False  # PTZ Stop gets a fault and does nothing
    ignore_stops: int = Field(0, ge=0, le=1000)  # as many requests that would stop it are accepted and do nothing
    black_hole: bool = False  # connections are accepted, nothing is done and nothing answered
    soap_garbage: bool = False  # commands are carried out, the answers are not XML
    http_status: int | None = Field(None, ge=400, le=599)  # every request gets this and nothing is done


class Faults:
    """The mutable holder of a camera's present faults."""

    def __init__(self, settings: FaultSettings | None = None) -> None:
        self.now = settings or FaultSettings()

    def ignores_stop(self) -> bool:
        """Whether a request that would stop the camera does nothing; counts down."""
        left = self.now.ignore_stops
        if left:
            self.now = self.now.model_copy(update={"ignore_stops": left - 1})
        return left > 0

    def change(self, document: bytes) -> FaultSettings:
        """Set the keys of a JSON object; keys that it does not have stay as they are.

        Raises:
            pydantic.ValidationError: no JSON object, an unknown key or a wrong value; nothing has changed then.
        """
        given = FaultSettings.model_validate_json(document)
        self.now = self.now.model_copy(update={key: getattr(given, key) for key in given.model_fields_set})
        return self.now
