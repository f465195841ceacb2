"""The feature catalog: one declaration per feature, in words a salesperson knows.

A catalog is data. It says what each feature is; ``derivation`` says how it is computed.
``batch`` gathers what that takes for many snapshots in an engine, ``twin`` for one lead
in plain Python, and all of them read this. The catalog travels in the bundle, so
serving computes what training did.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from leads.errors import BadInput, Fault

Numbers = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]

Kind = Literal[
    # of events of one kind (``of``; None is all kinds together), within ``window``
    "event_count", "event_days", "event_sum", "event_recency", "event_gap",
    "event_gap_relative", "event_trend", "kinds_distinct",
    # of the money received so far
    "payment_count", "payment_days", "payment_sum", "payment_recency", "payment_gap",
    "payment_gap_relative", "refund_count",
    # of the funnel
    "stage", "stage_age", "stage_age_relative", "stage_position", "stage_moves",
    "stage_moves_back",
    # of the card as known then (``of`` is the field)
    "card_number", "card_text", "card_flag", "card_time_age", "card_text_length",
    "card_filled", "card_answer",
    "contact_phone", "contact_mail",
    # of the lead and the clock on the wall when it was created
    "source", "pipeline", "lead_age", "lead_age_relative", "hour", "weekday", "month",
]  # fmt: skip

TEXT_KINDS: Final[frozenset[Kind]] = frozenset(
    {"card_text", "stage", "source", "pipeline", "contact_mail"}
)
OTHER_CODE: Final = 0.0
"""What an unseen or rare level of a text feature becomes; known levels count from 1."""

OTHER_KINDS: Final = "(other)"
"""``of`` of the features that count every event kind the catalog does not name."""


@dataclass(frozen=True, slots=True)
class Words:
    """The same words in both languages."""

    en: str
    ru: str

    def __getitem__(self, language: str) -> str:
        return self.ru if language == "ru" else self.en


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of what the model sees.

    ``field`` is the business field that a person would name: every window of visits
    is one field. ``window`` is in seconds; None means since the lead began.
    ``changed_by`` says who can change it, ``about`` names the kind of event or the card
    field, where there is one.
    """

    name: str
    kind: Kind
    field: str
    words: Words
    of: str | None = None
    window: int | None = None
    unit: str = ""
    changed_by: Literal["seller", "buyer", "fixed"] = "fixed"
    about: Words | None = None

    @property
    def is_text(self) -> bool:
        """Whether values are levels rather than numbers."""
        return self.kind in TEXT_KINDS


@dataclass(frozen=True)
class FeatureTable:
    """Feature values of n snapshots, in the catalog's order.

    ``numbers`` is (n, k), NaN where not known; ``texts`` is (n, m) of str or None.
    """

    numbers: Numbers
    texts: Texts

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, index: npt.NDArray[np.intp] | slice) -> FeatureTable:
        """Take some rows."""
        return FeatureTable(self.numbers[index], self.texts[index])


@dataclass(frozen=True, eq=False)
class Catalog:
    """Every feature of a model, numbers first and texts last; equal by digest.

    With them goes what was learned to compute them: the levels of texts, each
    pipeline's stages with their normal ages (a pipeline without a name is ""), the mean
    time to a deal by pipeline ("" is that of all), the values that mean no, and the
    currency that sums of payments are in. ``notes`` say what was left out, and why.

    Examples
    --------
    >>> age = Feature("age", "card_number", "age", Words("Age", "Возраст"), of="age")
    >>> job = Feature("job", "card_text", "job", Words("Job", "Работа"), of="job")
    >>> catalog = Catalog((age, job), levels={"job": ("clerk", "smith")})
    >>> seen = FeatureTable(
    ...     np.array([[30.0], [41.0], [np.nan]]),
    ...     np.array([["smith"], ["pilot"], [None]], dtype=object),
    ... )
    >>> catalog.encode(seen)
    array([[30.,  2.],
           [41.,  0.],
           [nan, nan]])
    >>> Catalog.from_json(catalog.to_json()) == catalog
    True
    """

    features: tuple[Feature, ...]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    event_kinds: tuple[str, ...] = ()
    stage_order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stage_normal_seconds: Mapping[str, Mapping[str, float]] = field(
        default_factory=dict
    )
    cycle_seconds: Mapping[str, float] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    timezone: str = "UTC"
    currency: str = ""
    notes: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        # Compared for every lead where two bundles are open: fields take 1 ms.
        return isinstance(other, Catalog) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __post_init__(self) -> None:
        texts = [feature.is_text for feature in self.features]
        assert texts == sorted(texts), "numbers come first, texts last"
        assert len(set(self.names)) == len(self.names), "feature names are unique"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names of the encoded matrix, in order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def number_features(self) -> tuple[Feature, ...]:
        """Features whose values are numbers."""
        return tuple(f for f in self.features if not f.is_text)

    @cached_property
    def text_features(self) -> tuple[Feature, ...]:
        """Features whose values are levels."""
        return tuple(f for f in self.features if f.is_text)

    @cached_property
    def text_columns(self) -> tuple[int, ...]:
        """Positions of the text features in the encoded matrix."""
        first = len(self.number_features)
        return tuple(range(first, len(self.features)))

    @cached_property
    def _codes(self) -> tuple[Mapping[str | None, float], ...]:
        return tuple(
            {None: np.nan}
            | {level: float(code) for code, level in enumerate(self.levels[f.name], 1)}
            for f in self.text_features
        )

    def encode(self, table: FeatureTable) -> Numbers:
        """Turn feature values into the (n, p) matrix that learners see."""
        k = len(self.number_features)
        matrix = np.empty((len(table), len(self.features)))
        matrix[:, :k] = table.numbers
        for column, codes in enumerate(self._codes):
            levels = table.texts[:, column]
            matrix[:, k + column] = [codes.get(level, OTHER_CODE) for level in levels]
        return matrix

    def table_of(self, columns: Mapping[str, Sequence[Any]]) -> FeatureTable:
        """Gather a feature table from named columns; refuse it if any is missing.

        Raises
        ------
        BadInput
            Columns of the catalog that are not there, by name.
        """
        absent = [name for name in self.names if name not in columns]
        if absent:
            raise BadInput.of(
                "The feature table",
                [
                    Fault("features", f"no column {name!r}", "Add it.")
                    for name in absent
                ],
            )
        n = len(columns[self.names[0]]) if self.names else 0
        numbers = np.empty((n, len(self.number_features)))
        for j, feature in enumerate(self.number_features):
            numbers[:, j] = np.asarray(columns[feature.name], dtype=np.float64)
        texts = np.empty((n, len(self.text_features)), dtype=object)
        for j, feature in enumerate(self.text_features):
            texts[:, j] = [
                value if isinstance(value, str) else None
                for value in columns[feature.name]
            ]
        return FeatureTable(numbers, texts)

    def to_json(self) -> str:
        """Write the catalog as JSON, the same text for the same catalog."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Catalog:
        """Read what ``to_json`` wrote."""
        raw = json.loads(text)
        raw["features"] = tuple(map(_feature_of, raw["features"]))
        raw["levels"] = {name: tuple(v) for name, v in raw["levels"].items()}
        raw["event_kinds"] = tuple(raw["event_kinds"])
        raw["notes"] = tuple(raw["notes"])
        raw["refusals"] = tuple(raw.get("refusals", ()))
        raw["stage_order"] = {name: tuple(v) for name, v in raw["stage_order"].items()}
        return cls(**raw)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the JSON form, in hex."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _feature_of(raw: Mapping[str, Any]) -> Feature:
    """Read a feature back; older catalogs lack ``about`` or have a ``sign``, too."""
    about = raw.get("about")
    words = {"words": Words(**raw["words"]), "about": about and Words(**about)}
    known = {name: value for name, value in raw.items() if name != "sign"}
    return Feature(**{**known, **words})
