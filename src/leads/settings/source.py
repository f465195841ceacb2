"""Where the leads come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from leads.settings.account import CrmAccount
from leads.settings.section import Section


class TableMap(Section):
    """Where one canonical table comes from and what its columns are called there.

    ``columns`` maps our name to the source's. ``sql`` reshapes first: over a file it is
    run by Polars with the file as table ``file``; over a database it is the query.
    """

    file: str | None = None
    table: str | None = None
    sql: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)


Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class MappedSource(Section):
    """Canonical tables, each out of a table of the source."""

    currency: Currency = "RUB"
    exclude: tuple[str, ...] = ()
    leads: TableMap = TableMap()
    events: TableMap | None = None
    stages: TableMap | None = None
    payments: TableMap | None = None
    field_changes: TableMap | None = None


class FilesSource(MappedSource):
    """A folder of CSV, Parquet or XLSX files."""

    kind: Literal["files"]
    folder: Path


class SqlSource(MappedSource):
    """The same tables out of any database that SQLAlchemy reaches."""

    kind: Literal["sql"]
    url: str


class AmoSource(CrmAccount):
    """An amoCRM account, read over its API.

    ``payments`` says which money counts: paid ``invoices``, purchases of
    ``customers``, or the sum of a lead that is ``won``. ``currency`` counts only if the
    account tells none.
    """

    kind: Literal["amocrm"]
    currency: Currency = "RUB"
    exclude: tuple[str, ...] = ()
    payments: tuple[Literal["invoices", "customers", "won"], ...] = ("invoices",)


class Holdout(Section):
    """Rows of a flat table that are never trained on."""

    column: str
    value: str | int | float | bool


class TableSource(Section):
    """One flat table of leads whose outcome is already known."""

    kind: Literal["table"]
    path: Path
    outcome: str
    id: str | None = None
    time: str | None = None
    exclude: tuple[str, ...] = ()
    holdout: Holdout | None = None


class Bitrix24Source(CrmAccount):
    """A Bitrix24 portal, read through an incoming webhook or as an application.

    The webhook's address is a secret: ``url_env`` names the environment variable that
    holds it.
    """

    kind: Literal["bitrix24"]
    entity: Literal["lead", "deal"] = "lead"
    currency: Currency = "RUB"
    exclude: tuple[str, ...] = ()


Source = Annotated[
    FilesSource | SqlSource | TableSource | Bitrix24Source | AmoSource,
    Field(discriminator="kind"),
]
