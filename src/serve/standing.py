"""The tier a lead has now, and whether a new prediction lets it leave.

One rule: whoever asks about a lead that Leadcast keeps (``score`` of the open leads, a
request by id) is answered with regard to the lead's latest decision in the journal; who
sends a lead whole, or tries a file of them, is answered plainly, for the same request
must give the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leads.decision import Prediction, Tier
from leads.journal import Journal
from model.tiers.borders import Borders, money_of


def settled(
    predictions: Sequence[Prediction],
    pipelines: Sequence[str | None],
    borders: Borders,
    journal: Journal,
) -> list[Prediction]:
    """Keep leads in the tier they have, unless they passed a border by its margin.

    Parameters
    ----------
    predictions, pipelines
        New predictions with plain tiers, and each lead's pipeline.
    borders
        Of the model that made them.
    journal
        Where the latest decisions are; one later than the prediction does not count.

    Raises
    ------
    Unavailable
        The journal does not answer.
    """
    if not borders.hysteresis:
        return list(predictions)
    standing = journal.standing([made.lead_id for made in predictions])
    kept = []
    for made, pipeline in zip(predictions, pipelines, strict=True):
        previous, since = standing.get(made.lead_id, (None, made.as_of))
        unmoneyed = borders.by == "money" and money_of(made.outlook) is None
        unjudged = unmoneyed or made.tier is Tier.NO_DATA
        if previous is None or since > made.as_of or unjudged:
            kept.append(made)
            continue
        tier = borders.tier_of(
            made.probability, pipeline, money=money_of(made.outlook), previous=previous
        )
        kept.append(made if tier is made.tier else replace(made, tier=tier))
    return kept
