"""A bundle tells no more of the leads that it was learned from than it needs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tests.model.invented import flat_settings, invented_task

from model.features.catalog import FeatureTable
from model.learning import learn

NAME = "Somebody's own words, written once"


def test_golden_rows_keep_no_text_that_is_no_level(tmp_path: Path) -> None:
    """What one person wrote is in no file of the bundle, which still checks itself."""
    task = invented_task()
    texts = task.table.texts.copy()
    texts[task.train[0], 0] = NAME
    table = FeatureTable(task.table.numbers, texts)
    rare = replace(task, table=table, ablated=False)

    bundle = learn(rare, flat_settings(tmp_path, rounds=5), workdir=tmp_path).bundle
    files = [one.read_text("utf-8") for one in bundle.path.iterdir() if one.is_file()]
    golden = json.loads((bundle.path / "golden.json").read_text("utf-8"))
    assert len(golden["log_odds"]) > 1
    assert not any(NAME in text for text in files)
    bundle.check_golden_rows()
