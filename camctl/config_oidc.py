"""How people come in, in the configuration: one-time links, and the city's own directory."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from auth.oidc_settings import is_safe_issuer
from camctl.config_types import Network


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_default=True)


def _check_issuer(text: str) -> str:
    if not is_safe_issuer(text):
        msg = f"{text!r} is not an issuer such as https://login.example.go.id; it has to be https"
        raise ValueError(msg)
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class InvitationConfig(_Strict):
    """How people come in by a link."""

    life_s: Annotated[float, Field(ge=300, le=2_592_000)] = 259_200.0


class OidcRuleConfig(_Strict):
    """Who has this value in the claim becomes a person with this role and these areas."""

    value: Text
    role: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    areas: Annotated[list[Text], Field(min_length=1, max_length=64)]


class OidcConfig(_Strict):
    """Signing in with the city's account (OpenID Connect)."""

    issuer: Annotated[str, AfterValidator(_check_issuer)] | None = None
    approved_networks: Annotated[list[Network], Field(max_length=64)] = []
    client_id: str = ""
    client_secret_file: str | None = None
    invite_only: bool = True
    claim: Text = "groups"
    rules: Annotated[list[OidcRuleConfig], Field(max_length=256)] = []

    @model_validator(mode="after")
    def _is_whole(self) -> OidcConfig:
        if self.issuer is not None and (not self.client_id or self.client_secret_file is None):
            msg = "issuer needs client_id and client_secret_file: what the directory gave this service"
            raise ValueError(msg)
        if self.invite_only == bool(self.rules):
            if self.rules:
                msg = "rules make people of whom the directory knows, and invite_only lets in nobody new: choose one"
                raise ValueError(msg)
            msg = "without invite_only there have to be rules: who of the directory may come in, and as what"
            raise ValueError(msg)
        return self
