"""The configuration: one TOML file, read once at the edge and passed down.

Unknown keys are refused, every fault is named at once, and relative paths count from
the file itself, so that a command means the same from any folder.
"""

from leads.settings.learning import (
    Conversion,
    Funnel,
    Model,
    Promotion,
    Snapshots,
    Tiers,
    age_of,
    day_of,
)
from leads.settings.reading import (
    Settings,
    read_settings,
)
from leads.settings.running import (
    Company,
    Crm,
    CrmMove,
    JournalKept,
    PlaybookFile,
    Serve,
    Store,
    Title,
)
from leads.settings.source import (
    AmoSource,
    Bitrix24Source,
    FilesSource,
    Holdout,
    SqlSource,
    TableMap,
    TableSource,
)

__all__ = [
    "AmoSource",
    "Bitrix24Source",
    "Company",
    "Conversion",
    "Crm",
    "CrmMove",
    "FilesSource",
    "Funnel",
    "Holdout",
    "JournalKept",
    "Model",
    "PlaybookFile",
    "Promotion",
    "Serve",
    "Settings",
    "Snapshots",
    "SqlSource",
    "Store",
    "TableMap",
    "TableSource",
    "Tiers",
    "Title",
    "age_of",
    "day_of",
    "read_settings",
]
