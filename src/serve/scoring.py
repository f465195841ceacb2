"""The one scoring path: from features to predictions, for one lead and for a million.

The HTTP routes, the ``score`` verb and the reports all come through here, so the same
lead gets the same answer on every road, to the bit.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import orjson

from leads.decision import Outlook, Prediction, probability_of
from model.bundle.whole import Bundle
from model.features.catalog import Catalog, FeatureTable
from model.reasons.sentences import Explained, explained

LEVEL: Final = 1
WINDOW_BITS: Final = 10
"""A row is some hundred bytes: a larger window only takes time to clear."""


def predict(
    bundle: Bundle,
    table: FeatureTable,
    lead_ids: Sequence[str],
    as_of: Sequence[datetime],
    *,
    version: str,
    reasons: bool = True,
) -> list[Prediction]:
    """Predict leads whose features are known.

    Parameters
    ----------
    bundle
        The model.
    table
        Feature values of n leads.
    lead_ids, as_of
        Whose they are and at which moment, n each.
    version
        Under which version the bundle serves.
    reasons
        Whether to explain; without, ``shares`` and ``reasons`` are empty
        and there is no outlook.

    Returns
    -------
    list of Prediction
        In the order of the table.

    Raises
    ------
    FalseSum
        The reasons do not add up to the probability.
    """
    said: Sequence[Explained] = [({}, ())] * len(table)
    outlooks: Sequence[Outlook | None] = [None] * len(table)
    if reasons:
        found, contributions, outlooks = bundle.explain(table)
        said = explained(bundle, table, contributions, found)
    else:
        found = bundle.log_odds(table)
    log_odds = found.tolist()
    tiers = bundle.tiers(table, log_odds, outlooks=outlooks)
    predictions = []
    for lead_id, moment, odds, tier, (fields, why), outlook in zip(
        lead_ids, as_of, log_odds, tiers, said, outlooks, strict=True
    ):
        predictions.append(
            Prediction(
                lead_id=lead_id,
                as_of=moment,
                horizon_days=bundle.horizon_days,
                probability=probability_of(odds),
                log_odds=odds,
                base=bundle.base,
                tier=tier,
                shares=fields,
                reasons=why,
                model_version=version,
                bundle_digest=bundle.digest,
                outlook=outlook,
            )
        )
    return predictions


def inputs_of(catalog: Catalog, table: FeatureTable) -> list[bytes]:
    """Pack each row of features for the journal: compressed JSON, by feature name.

    Floats are written so that they read back to the same bits; what is not known is
    null. ``features_in`` unpacks.
    """
    names = catalog.names
    return [
        zlib.compress(
            orjson.dumps(dict(zip(names, (*numbers, *texts), strict=True))),
            LEVEL,
            WINDOW_BITS,
        )
        for numbers, texts in zip(
            table.numbers.tolist(), table.texts.tolist(), strict=True
        )
    ]


def features_in(catalog: Catalog, inputs: bytes) -> FeatureTable:
    """Unpack one row of features that ``inputs_of`` packed."""
    row = orjson.loads(zlib.decompress(inputs))
    return catalog.table_of({name: [row[name]] for name in row})
