"""The configuration: one TOML file, read once at the edge and passed down.

Unknown keys are refused, every fault is named at once, and relative paths count from
the file itself, so that a command means the same from any folder.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from leads.errors import BadConfig, Fault

AGE = re.compile(r"(?P<count>\d+)(?P<unit>[hd])")
Share = Annotated[float, Field(gt=0.0, lt=1.0)]
Slice = Literal["source", "pipeline", "month", "owner"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Company(_Section):
    """Whose leads these are, and how people there read clocks and words.

    ``changeable`` names the card fields and kinds of events that sellers can change,
    for suggestions; by default the kinds of events that they make happen.
    """

    name: str = "company"
    timezone: str = "UTC"
    language: Literal["ru", "en"] = "en"
    changeable: tuple[str, ...] | None = None

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


class TableMap(_Section):
    """Where one canonical table comes from and what its columns are called there.

    ``columns`` maps our name to the source's. ``sql`` reshapes first: over a file it is
    run by Polars with the file as table ``file``; over a database it is the query.
    """

    file: str | None = None
    table: str | None = None
    sql: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)


class FilesSource(_Section):
    """A folder of CSV, Parquet or XLSX files."""

    kind: Literal["files"]
    folder: Path
    currency: str = Field(default="RUB", pattern=r"^[A-Z]{3}$")
    exclude: tuple[str, ...] = ()
    leads: TableMap = TableMap()
    events: TableMap | None = None
    stages: TableMap | None = None
    payments: TableMap | None = None
    field_changes: TableMap | None = None


class SqlSource(_Section):
    """The same tables out of any database that SQLAlchemy reaches."""

    kind: Literal["sql"]
    url: str
    currency: str = Field(default="RUB", pattern=r"^[A-Z]{3}$")
    exclude: tuple[str, ...] = ()
    leads: TableMap = TableMap()
    events: TableMap | None = None
    stages: TableMap | None = None
    payments: TableMap | None = None
    field_changes: TableMap | None = None


class AmoSource(_Section):
    """An amoCRM account, read over its API.

    ``payments`` says which money counts: paid ``invoices``, purchases of
    ``customers``, or the sum of a lead that is ``won``. ``currency`` counts only if the
    account tells none. Secrets are in the environment
    variables that ``url_env`` and ``token_env`` name.
    """

    kind: Literal["amocrm"]
    account: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")
    url_env: str = Field(default="LEADCAST_CRM_URL", pattern=r"^[A-Z][A-Z0-9_]*$")
    token_env: str = Field(default="LEADCAST_CRM_TOKEN", pattern=r"^[A-Z][A-Z0-9_]*$")
    address: str = ""
    currency: str = Field(default="RUB", pattern=r"^[A-Z]{3}$")
    exclude: tuple[str, ...] = ()
    payments: tuple[Literal["invoices", "customers", "won"], ...] = ("invoices",)


class Holdout(_Section):
    """Rows of a flat table that are never trained on."""

    column: str
    value: str | int | float | bool


class TableSource(_Section):
    """One flat table of leads whose outcome is already known."""

    kind: Literal["table"]
    path: Path
    outcome: str
    id: str | None = None
    time: str | None = None
    exclude: tuple[str, ...] = ()
    holdout: Holdout | None = None


class Bitrix24Source(_Section):
    """A Bitrix24 portal, read through its incoming webhook.

    The webhook's address is a secret: ``url_env`` names the environment variable that
    holds it.
    """

    kind: Literal["bitrix24"]
    account: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")
    entity: Literal["lead", "deal"] = "lead"
    url_env: str = Field(default="LEADCAST_CRM_URL", pattern=r"^[A-Z][A-Z0-9_]*$")
    address: str = ""
    currency: str = Field(default="RUB", pattern=r"^[A-Z]{3}$")
    exclude: tuple[str, ...] = ()


Source = Annotated[
    FilesSource | SqlSource | TableSource | Bitrix24Source | AmoSource,
    Field(discriminator="kind"),
]


class Conversion(_Section):
    """What counts as success, and within how many days after a snapshot.

    With ``repeat`` a lead that has paid goes on giving snapshots and the next payment
    counts: for shops whose customers come back.
    """

    kind: Literal["payment", "stage", "outcome"] = "payment"
    horizon_days: int = Field(default=30, ge=1, le=3650)
    stage: str | None = None
    repeat: bool = False

    @property
    def horizon(self) -> timedelta:
        """The horizon as a duration."""
        return timedelta(days=self.horizon_days)

    @model_validator(mode="after")
    def _stage_goes_with_kind(self) -> Self:
        if (self.kind == "stage") != (self.stage is not None):
            raise ValueError("stage goes with kind = 'stage', and only with it")
        return self


def age_of(text: str) -> timedelta | None:
    """Read an age such as ``12h`` or ``7d``; None if the text is something else.

    Examples
    --------
    >>> age_of("12h"), age_of("creation")
    (datetime.timedelta(seconds=43200), None)
    """
    found = AGE.fullmatch(text)
    if not found:
        return None
    unit = "hours" if found["unit"] == "h" else "days"
    return timedelta(**{unit: int(found["count"])})


def day_of(text: str) -> date | None:
    """Read a calendar day such as ``2026-03-01``; None if it is something else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class Snapshots(_Section):
    """The moments at which leads are looked at.

    Each is ``creation``, ``stage_change``, an age (``1h``, ``7d``) or a calendar day
    (``2026-03-01``, midnight in the company's zone).
    """

    at: tuple[str, ...] = (
        "creation", "1h", "1d", "3d", "7d", "14d", "30d", "stage_change",
    )  # fmt: skip

    @field_validator("at")
    @classmethod
    def _readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one moment")
        words = {"creation", "stage_change"}
        bad = [t for t in value if t not in words and not age_of(t) and not day_of(t)]
        if bad:
            raise ValueError(
                f"{bad} are not moments; write 'creation', 'stage_change', an age like"
                " '1h' or '7d', or a day like '2026-03-01'"
            )
        return value


class Funnel(_Section):
    """The stages that close a lead; learned from the data unless any is named here.

    A stage named here closes leads in every pipeline that has it.
    """

    won: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if both := sorted(set(self.won) & set(self.lost)):
            raise ValueError(f"{both} cannot be both won and lost")
        return self


class Model(_Section):
    """How the model is trained; the defaults suit most companies.

    ``minimum`` counts training leads of each outcome. ``slices`` are what the proof is
    cut by; managers are people, so ``owner`` only if it is asked for.
    """

    name: str = "leadcast"
    seed: int = 7
    rounds: int = Field(default=2000, ge=1, le=20_000)
    leaves: int = Field(default=15, ge=2, le=1024)
    learning_rate: float = Field(default=0.03, gt=0.0, le=1.0)
    folds: int = Field(default=5, ge=2, le=20)
    test_share: Share = 0.2
    minimum: int = Field(default=50, ge=20)
    threads: int = Field(default=2, ge=1, le=256)
    tune_seconds: int = Field(default=0, ge=0, le=86_400)
    exclude: tuple[str, ...] = ("owner",)
    trust: tuple[str, ...] = ()
    slices: tuple[Slice, ...] = ("source", "pipeline", "month")
    require_clean: bool = False


PerWeek = Annotated[int, Field(ge=1, le=1_000_000)]


class Tiers(_Section):
    """Which leads are hot and warm, and how willingly they change.

    ``hot`` and ``warm`` are shares; ``hot_per_week`` (of the company, or by pipeline)
    stands in for the share ``hot`` where it is given. ``floor`` is a multiple of the
    base rate, and ``hysteresis`` the part of a border that a lead must pass it by.
    With ``recut`` every training cuts anew; without, it keeps the champion's borders.
    """

    hot: Share = 0.1
    warm: Share = 0.3
    floor: float = Field(default=1.5, ge=0.0)
    hot_per_week: PerWeek | dict[str, PerWeek] | None = None
    by: Literal["chance", "money"] = "chance"
    hysteresis: float = Field(default=0.1, ge=0.0, le=0.5)
    recut: bool = True


class Promotion(_Section):
    """What a challenger must show before it may serve: every threshold there is.

    ``least_gain`` and ``most_slice_loss`` are in log-loss, ``most_auc_loss`` in ROC-AUC
    and ``most_ece_loss`` in expected calibration error, all against the champion on the
    same rows. ``slice_rows`` is the size from which a slice is judged, ``slice_risk``
    the risk of one false alarm among all slices together, ``most_tier_moves`` the share
    of open leads that may change tier.
    """

    least_of_each: int = Field(default=20, ge=2)
    least_gain: float = Field(default=0.0, ge=0.0)
    most_auc_loss: float = Field(default=0.005, ge=0.0)
    most_ece_loss: float = Field(default=0.01, ge=0.0)
    slice_rows: int = Field(default=200, ge=30)
    most_slice_loss: float = Field(default=0.01, ge=0.0)
    slice_risk: Share = 0.05
    most_tier_moves: float = Field(default=0.3, ge=0.0, le=1.0)


class Store(_Section):
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


class Serve(_Section):
    """The HTTP service.

    ``keys`` are SHA-256 digests of API keys in hex; with none, only loopback may bind.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    keys: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...] = ()
    max_body_bytes: int = Field(default=1_000_000, ge=1_000)
    max_batch: int = Field(default=1_000, ge=1)

    @model_validator(mode="after")
    def _keys_outside_loopback(self) -> Self:
        if not self.keys and self.host not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError(
                f"host {self.host!r} is reachable by others: set keys,"
                " or bind 127.0.0.1"
            )
        return self


class CrmMove(_Section):
    """A stage that a tier suggests; carried out only with ``on = true``."""

    tier: Literal["hot", "warm", "cold"]
    before: str
    after: str
    words: str = ""
    on: bool = False


class Crm(_Section):
    """The CRM whose cards show what is predicted.

    Secrets are never here: the names of environment variables that hold them are.
    """

    kind: Literal["bitrix24", "amocrm"]
    account: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")
    entity: Literal["lead", "deal"] = "lead"
    url_env: str = Field(default="LEADCAST_CRM_URL", pattern=r"^[A-Z][A-Z0-9_]*$")
    token_env: str = Field(default="LEADCAST_CRM_TOKEN", pattern=r"^[A-Z][A-Z0-9_]*$")
    address: str = ""
    step: int = Field(default=5, ge=1, le=100)
    comment: bool = False
    task: bool = False
    moves: tuple[CrmMove, ...] = ()
    moves_per_day: int = Field(default=20, ge=0, le=10_000)
    workers: int = Field(default=1, ge=0, le=16)


class JournalKept(_Section):
    """How long the journal keeps what was said; for ever unless it is told."""

    keep_days: int | None = Field(default=None, ge=1, le=36_500)


class Title(_Section):
    """What a kind of event or a card field is called, in both languages."""

    en: Annotated[str, Field(min_length=1, max_length=80)]
    ru: Annotated[str, Field(min_length=1, max_length=80)]


class Settings(_Section):
    """Everything a run needs to know."""

    company: Company = Company()
    source: Source
    conversion: Conversion = Conversion()
    snapshots: Snapshots = Snapshots()
    funnel: Funnel = Funnel()
    model: Model = Model()
    tiers: Tiers = Tiers()
    promotion: Promotion = Promotion()
    store: Store = Store()
    serve: Serve = Serve()
    crm: Crm | None = None
    journal: JournalKept = JournalKept()
    words: dict[str, Title] = Field(default_factory=dict)

    @property
    def origin(self) -> str:
        """SHA-256 in hex of all that decides how the source is read."""
        asked = self.source.model_dump_json() + self.company.timezone
        return hashlib.sha256(asked.encode()).hexdigest()

    @model_validator(mode="after")
    def _outcome_goes_with_table(self) -> Self:
        if (self.source.kind == "table") != (self.conversion.kind == "outcome"):
            raise ValueError(
                "[conversion] kind = 'outcome' goes with [source] kind = 'table',"
                f" got {self.conversion.kind!r} with {self.source.kind!r}"
            )
        return self


def read_settings(path: Path) -> Settings:
    """Read a configuration file, or refuse it with every fault named.

    Raises
    ------
    BadConfig
        The file is missing, is not TOML, or has unknown or wrong keys.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadConfig(
            f"There is no configuration file {path}.",
            remedy="Give the path of a TOML file with --config.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(
            f"{path} is not TOML in UTF-8: {error}.", remedy="Mend that line."
        ) from error
    _let_a_table_mean_outcome(raw)
    _keep_apart(raw, path.stem)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise BadConfig.of(str(path), _faults(path, error)) from error
    return _anchored(settings, path.resolve().parent)


def _let_a_table_mean_outcome(raw: dict[str, object]) -> None:
    """Default to the outcome column: a flat table has nothing else to count."""
    source, conversion = raw.get("source"), raw.setdefault("conversion", {})
    is_table = isinstance(source, dict) and source.get("kind") == "table"
    if is_table and isinstance(conversion, dict):
        conversion.setdefault("kind", "outcome")


def _keep_apart(raw: dict[str, object], name: str) -> None:
    """Default to a store of this configuration's own."""
    store = raw.setdefault("store", {})
    if isinstance(store, dict):
        store.setdefault("folder", f"store/{name}")


def _faults(path: Path, error: ValidationError) -> list[Fault]:
    return [
        Fault(
            where=path.name,
            what=f"{_key(item['loc'])}: {item['msg']} (got {item.get('input')!r:.80})"
            if item["type"] not in {"extra_forbidden", "missing"}
            else f"{_key(item['loc'])}: "
            + ("unknown key" if item["type"] == "extra_forbidden" else "missing"),
            remedy="The keys are described in README, under Configuration.",
        )
        for item in error.errors(include_url=False)
    ]


def _key(location: tuple[int | str, ...]) -> str:
    names = [str(part) for part in location]
    if (
        len(names) > 1
        and names[0] == "source"
        and names[1] in {"files", "sql", "table", "bitrix24", "amocrm"}
    ):
        del names[1]  # pydantic names the branch of the union; the file does not
    return ".".join(names) or "the file"


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Make every relative path count from the configuration file's folder."""
    source = settings.source
    if isinstance(source, FilesSource):
        source = source.model_copy(update={"folder": folder / source.folder})
    elif isinstance(source, TableSource):
        source = source.model_copy(update={"path": folder / source.path})
    elif isinstance(source, SqlSource):
        source = source.model_copy(update={"url": _anchored_url(source.url, folder)})
    store = settings.store.model_copy(
        update={
            "folder": folder / settings.store.folder,
            "database": _anchored_url(settings.store.database, folder),
            "tracking": _anchored_url(settings.store.tracking, folder),
        }
    )
    return settings.model_copy(update={"source": source, "store": store})


def _anchored_url(url: str, folder: Path) -> str:
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url.startswith(prefix + ":"):
        return url
    return prefix + str(folder / url.removeprefix(prefix))
