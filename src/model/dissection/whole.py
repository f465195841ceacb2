"""The whole anatomy of a model, made once at training."""

from __future__ import annotations

from leads.settings import Model
from model.bundle.whole import Bundle
from model.dissection.importance import MOST_FIELDS, depend, weigh
from model.dissection.interplay import interplay
from model.dissection.sample import Sample
from model.features.catalog import FeatureTable, Numbers
from model.metrics import Codes
from model.proof.anatomy import Anatomy


def dissect(
    bundle: Bundle,
    table: FeatureTable,
    *,
    labels: Numbers,
    leads: Codes,
    model: Model,
) -> Anatomy:
    """Say what moves a model's predictions of its test rows, and which pairs do.

    Parameters
    ----------
    bundle, table
        The model and the features of n test rows.
    labels, leads
        (n,) outcomes as 0.0 or 1.0, and the number of each row's lead.
    model
        The seed.
    """
    sample = Sample.of(bundle, table, labels, leads)
    weights = weigh(sample, seed=model.seed)
    heavy = [weight.field for weight in weights[:MOST_FIELDS] if weight.share > 0]
    tried, pairs = interplay(sample, heavy, seed=model.seed)
    return Anatomy(
        rows=len(sample.labels),
        weights=weights,
        dependences=tuple(depend(sample, field) for field in heavy),
        tried=tried,
        pairs=pairs,
    )
