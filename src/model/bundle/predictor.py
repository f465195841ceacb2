"""A bundle as MLflow serves it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.bundle.whole import Bundle
from model.metrics import probabilities

if TYPE_CHECKING:
    import pandas as pd


class Predictor:
    """A bundle in the shape that ``mlflow.pyfunc`` calls."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def predict(
        self, frame: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Predict a frame whose columns are the catalog's features, in any order.

        Raises
        ------
        BadInput
            Feature columns are missing, by name. Columns beyond them are ignored.
        """
        import pandas as pd  # a service that never comes here does without pandas

        del params  # MLflow passes it; there is nothing to set
        columns = {str(name): frame[name].tolist() for name in frame.columns}
        table = self.bundle.catalog.table_of(columns)
        log_odds = self.bundle.log_odds(table)
        chances = probabilities(log_odds)
        tiers = [tier.value for tier in self.bundle.tiers(table, log_odds.tolist())]
        return pd.DataFrame(
            {"probability": chances, "log_odds": log_odds, "tier": tiers},
            index=frame.index,
        )


def _load_pyfunc(path: str) -> Predictor:
    """Open a bundle for ``mlflow.pyfunc``, which looks for this name."""
    return Predictor(Bundle.open(Path(path)))
