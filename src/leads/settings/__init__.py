"""The configuration: one TOML file, read once at the edge and passed down.

Unknown keys are refused, every fault is named at once, and relative paths count from
the file itself, so that a command means the same from any folder.
"""

from leads.settings.account import CrmAccount
from leads.settings.distance import GROUPS, Criteria, StageMap
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
from leads.settings.people import Person, Routing
from leads.settings.reading import (
    Settings,
    read_settings,
)
from leads.settings.running import (
    Company,
    Crm,
    CrmMove,
    Daily,
    DailyMail,
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
from leads.settings.tidying import Audit, Clean, Question

__all__ = [
    "GROUPS",
    "AmoSource",
    "Audit",
    "Bitrix24Source",
    "Clean",
    "Company",
    "Conversion",
    "Criteria",
    "Crm",
    "CrmAccount",
    "CrmMove",
    "Daily",
    "DailyMail",
    "FilesSource",
    "Funnel",
    "Holdout",
    "JournalKept",
    "Model",
    "Person",
    "PlaybookFile",
    "Promotion",
    "Question",
    "Routing",
    "Serve",
    "Settings",
    "Snapshots",
    "SqlSource",
    "StageMap",
    "Store",
    "TableMap",
    "TableSource",
    "Tiers",
    "Title",
    "age_of",
    "day_of",
    "read_settings",
]
