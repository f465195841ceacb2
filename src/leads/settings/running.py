"""Whose leads these are, where things are kept, who is served and told."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from leads.settings.account import CrmAccount
from leads.settings.section import Section
from leads.workdays import Calendar

PUBLIC: Final = re.compile(
    r"https://[^\s?#@]+|http://(127\.0\.0\.1|localhost)(:\d+)?/?"
)


class Company(Section):
    """Whose leads these are, and how people there read clocks and words.

    ``changeable`` names the card fields and kinds of events that sellers can change,
    for suggestions; by default the kinds of events that they make happen. ``country``
    and ``region`` say by ISO 3166 which public holidays are free.
    """

    name: str = "company"
    timezone: str = "UTC"
    language: Literal["ru", "en"] = "en"
    changeable: tuple[str, ...] | None = None
    country: str = Field(default="", pattern="^([A-Z]{2})?$")
    region: str = Field(default="", max_length=10)

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(
                f"{value!r} is not an IANA time zone; write one like 'Europe/Moscow'"
            )
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as an object."""
        return ZoneInfo(self.timezone)

    @property
    def calendar(self) -> Calendar:
        """Which days are worked; refuses a country whose holidays are not known."""
        found = Calendar(self.zone, self.country or None, self.region or None)
        return found.checked()


class Title(Section):
    """What a kind of event or a card field is called, and what its values measure.

    ``unit`` is that of the event's value: a length of time, or a currency by its code.
    """

    en: Annotated[str, Field(min_length=1, max_length=80)]
    ru: Annotated[str, Field(min_length=1, max_length=80)]
    unit: Annotated[str, Field(pattern="^(seconds|minutes|hours|days|[A-Z]{3})?$")] = ""


class Store(Section):
    """Where things are kept; by default in ``store/<name of the file>`` beside it.

    A folder per configuration, so that two companies never share tables or a champion.
    ``database`` and ``tracking`` are SQLite files in the folder unless given.
    """

    folder: Path = Path("store")
    database: str = ""
    tracking: str = ""

    @model_validator(mode="before")
    @classmethod
    def _inside_the_folder(cls, given: dict[str, object]) -> dict[str, object]:
        folder = given.get("folder", "store")
        return {
            "database": f"sqlite:///{folder}/leadcast.db",
            "tracking": f"sqlite:///{folder}/mlflow.db",
            **given,
        }


class Serve(Section):
    """The HTTP service.

    ``public`` is the address at which a CRM and browsers reach it from outside: hooks,
    robot, tab and the way back from a consent lead there. ``keys`` are SHA-256 digests
    of API keys in hex; with none, only loopback may bind.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public: str = ""
    keys: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...] = ()
    max_body_bytes: int = Field(default=1_000_000, ge=1_000)
    max_batch: int = Field(default=1_000, ge=1)

    @field_validator("public")
    @classmethod
    def _reached_from_outside(cls, value: str) -> str:
        if value and not PUBLIC.fullmatch(value):
            raise ValueError(
                f"{value!r} is no address that others may send secrets to; write one"
                " like 'https://leads.example'"
            )
        return value.rstrip("/")

    @model_validator(mode="after")
    def _keys_outside_loopback(self) -> Self:
        if not self.keys and self.host not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError(
                f"host {self.host!r} is reachable by others: set keys,"
                " or bind 127.0.0.1"
            )
        return self


class CrmMove(Section):
    """A stage that a tier suggests; carried out only with ``on = true``."""

    tier: Literal["hot", "warm", "cold"]
    before: str
    after: str
    words: str = ""
    on: bool = False


class Crm(CrmAccount):
    """The CRM whose cards show what is predicted.

    ``hear`` listens to the CRM: its hooks, whose secrets ``hook_env`` names, and every
    ``poll_minutes`` a question for what has changed. ``application_env`` holds the
    ``application_token`` of Bitrix24 and ``member`` its ``member_id``, by which robot
    and tab are known where no application is installed.
    """

    entity: Literal["lead", "deal"] = "lead"
    application_env: str = Field(
        default="LEADCAST_CRM_APPLICATION", pattern=r"^[A-Z][A-Z0-9_]*$"
    )
    member: str = Field(default="", max_length=64)
    step: int = Field(default=5, ge=1, le=100)
    comment: bool = False
    task: bool = False
    moves: tuple[CrmMove, ...] = ()
    moves_per_day: int = Field(default=20, ge=0, le=10_000)
    workers: int = Field(default=1, ge=0, le=16)
    hear: bool = False
    hook_env: str = Field(default="LEADCAST_HOOK_KEY", pattern=r"^[A-Z][A-Z0-9_]*$")
    poll_minutes: int = Field(default=5, ge=1, le=60)


class JournalKept(Section):
    """How long the journal keeps what was said; for ever unless it is told."""

    keep_days: int | None = Field(default=None, ge=1, le=36_500)


Address = Annotated[str, Field(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$", max_length=254)]
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class DailyMail(Section):
    """Who gets the morning's digest by e-mail, and by which server.

    User and password are in the environment, under the names given here; without
    ``user_env`` the server is not told who we are.
    """

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    sender: Address = Field(alias="from")
    to: tuple[Address, ...] = Field(min_length=1, max_length=50)
    user_env: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$")
    password_env: str = Field(
        default="LEADCAST_MAIL_PASSWORD", pattern=r"^[A-Z][A-Z0-9_]*$"
    )

    @model_validator(mode="after")
    def _hides_the_password(self) -> Self:
        open_line = self.tls == "none" and self.host not in LOOPBACK
        if open_line and self.user_env is not None:
            raise ValueError(
                f"tls = 'none' would send the password to {self.host!r} for all to"
                " read: use 'starttls' or 'tls'"
            )
        return self


class Daily(Section):
    """The run of every morning, in the company's own clock.

    ``at`` is when it begins, ``late`` when somebody must be told that it is not done.
    With ``run`` the service starts it; without, cron or another scheduler does.
    ``calls`` is how many leads the team can call in a day; by default a fifth of
    ``hot_per_week`` of the tiers. ``mail`` sends the digest.
    """

    at: time = time(7)
    late: time = time(7, 15)
    run: bool = False
    calls: int | None = Field(default=None, ge=1, le=100_000)
    mail: DailyMail | None = None

    @model_validator(mode="after")
    def _late_is_later(self) -> Self:
        if self.late <= self.at:
            raise ValueError(
                f"late ({self.late:%H:%M}) must be after at ({self.at:%H:%M})"
            )
        return self


class PlaybookFile(Section):
    """Where the owner's flow chart is: a YAML file."""

    file: Path
