"""An account of a CRM: which one, and by whose right we enter it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from leads.settings.section import Section

VARIABLE = r"^[A-Z][A-Z0-9_]*$"
WAYS = {"bitrix24": ("webhook", "application"), "amocrm": ("token", "oauth")}
"""How each kind of CRM is entered: with a secret that a person copied, or by OAuth."""


class CrmAccount(Section):
    """An account and the way in.

    Secrets are never here: the names of environment variables that hold them are.
    ``auth`` is the first way of its kind unless given. With the second (OAuth),
    ``url_env`` names the variable with the bare address of the account, ``client_env``
    and ``secret_env`` those with the application's id and secret, and ``redirect`` is
    the address that a browser comes back to, as the application has it; by default
    ``/crm/<kind>/install`` at ``[serve] public``. ``auth_url``
    is where consent is asked and tokens are given, if it is not the usual place.
    """

    kind: Literal["bitrix24", "amocrm"]
    account: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")
    auth: Literal["webhook", "application", "token", "oauth"] | None = None
    url_env: str = Field(default="LEADCAST_CRM_URL", pattern=VARIABLE)
    token_env: str = Field(default="LEADCAST_CRM_TOKEN", pattern=VARIABLE)
    client_env: str = Field(default="LEADCAST_CRM_CLIENT", pattern=VARIABLE)
    secret_env: str = Field(default="LEADCAST_CRM_SECRET", pattern=VARIABLE)
    redirect: str = Field(default="", pattern=r"^(https?://[^\s?#]+)?$")
    auth_url: str = Field(
        default="",
        pattern=r"^(https://[^/\s]+|http://(127\.0\.0\.1|localhost)(:\d+)?)?$",
    )
    address: str = ""

    @property
    def by_oauth(self) -> bool:
        """Whether tokens are renewed, rather than copied by a person."""
        return self.auth in {"application", "oauth"}

    @model_validator(mode="after")
    def _way_of_its_kind(self) -> Self:
        if self.auth is not None and self.auth not in WAYS[self.kind]:
            known = " or ".join(repr(way) for way in WAYS[self.kind])
            raise ValueError(f"auth of {self.kind} is {known}, got {self.auth!r}")
        if self.auth == "oauth" and not self.redirect:
            raise ValueError(
                "auth = 'oauth' needs the address that a browser comes back to, as it"
                " stands in the integration's settings: [serve] public (to which"
                " /crm/amocrm/install is added), or redirect"
            )
        return self
