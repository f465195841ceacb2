"""The configuration as a whole, and how its file is read."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from leads.errors import BadConfig, Fault
from leads.settings.distance import Criteria, StageMap
from leads.settings.learning import (
    Conversion,
    Funnel,
    Model,
    Promotion,
    Snapshots,
    Tiers,
)
from leads.settings.people import Routing
from leads.settings.running import (
    Company,
    Crm,
    Daily,
    JournalKept,
    PlaybookFile,
    Serve,
    Store,
    Title,
)
from leads.settings.section import Section
from leads.settings.source import FilesSource, Source, SqlSource, TableSource
from leads.settings.tidying import Audit, Clean, Question


class Settings(Section):
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
    daily: Daily = Daily()
    questionnaire: tuple[Question, ...] = ()
    audit: Audit = Audit()
    clean: Clean = Clean()
    playbook: PlaybookFile | None = None
    stage_map: tuple[StageMap, ...] = ()
    criteria: Criteria = Criteria()
    routing: Routing = Routing()
    words: dict[str, Title] = Field(default_factory=dict)

    @property
    def origin(self) -> str:
        """SHA-256 in hex of all that decides how the source is read."""
        asked = self.source.model_dump_json(exclude={"redirect"})
        asked += self.company.timezone
        return hashlib.sha256(asked.encode()).hexdigest()

    @model_validator(mode="before")
    @classmethod
    def _come_back_to_us(cls, given: Any) -> Any:
        """Let a consent come back to the service, unless it is told elsewhere."""
        if not isinstance(given, dict):
            return given
        serve = given.get("serve")
        public = serve.get("public") if isinstance(serve, dict) else None
        if not isinstance(public, str) or not public:
            return given
        return given | {
            name: {"redirect": f"{public.rstrip('/')}/crm/amocrm/install", **section}
            for name in ("source", "crm")
            if isinstance(section := given.get(name), dict)
            and section.get("auth") == "oauth"
        }

    @model_validator(mode="after")
    def _outcome_goes_with_table(self) -> Self:
        if (self.source.kind == "table") != (self.conversion.kind == "outcome"):
            raise ValueError(
                "[conversion] kind = 'outcome' goes with [source] kind = 'table',"
                f" got {self.conversion.kind!r} with {self.source.kind!r}"
            )
        return self

    @model_validator(mode="after")
    def _one_map_each(self) -> Self:
        named = [one.pipeline for one in self.stage_map]
        if twice := sorted({name for name in named if named.count(name) > 1}):
            raise ValueError(
                f"[[stage_map]] names {twice} twice; write one map for each"
            )
        return self

    @model_validator(mode="after")
    def _hears_what_it_reads(self) -> Self:
        crm, source = self.crm, self.source
        if crm is None or not crm.hear:
            return self
        there = ("kind", "account", "entity")
        read = [getattr(source, name, "lead") for name in there]
        if read != [getattr(crm, name) for name in there]:
            raise ValueError(
                "[crm] hear = true looks at leads as [source] reads them: both must"
                " name the same kind, account and entity"
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
            remedy="The keys are described in docs/configuration.md.",
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
    playbook = settings.playbook
    if playbook is not None:
        playbook = PlaybookFile(file=folder / playbook.file)
    return settings.model_copy(
        update={"source": source, "store": store, "playbook": playbook}
    )


def _anchored_url(url: str, folder: Path) -> str:
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url.startswith(prefix + ":"):
        return url
    return prefix + str(folder / url.removeprefix(prefix))
