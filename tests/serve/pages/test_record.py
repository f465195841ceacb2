from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.model.invented import flat_settings, invented_task
from tests.serve.markup import read

from model.learning import Trained, learn
from serve.pages.record import model_files


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Learn a small bundle."""
    folder = tmp_path_factory.mktemp("record")
    settings = flat_settings(folder, rounds=15)
    return learn(invented_task(600), settings, workdir=folder)


def test_the_page_lies_with_the_run(trained: Trained, tmp_path: Path) -> None:
    """Both languages and the twin; nothing is linked, run or fetched."""
    bundle = trained.bundle

    files = dict(model_files(bundle.path, bundle.digest, flat_settings(tmp_path)))

    assert set(files) == {
        "page/model.en.html", "page/model.ru.html", "page/model.json",
    }  # fmt: skip
    for name in ("page/model.en.html", "page/model.ru.html"):
        document = read(files[name])
        assert document.open_at_end == []
        assert set(document.links) <= {"data:,", "#content"}
        assert "<script" not in files[name]
    said = json.loads(files["page/model.json"])
    assert said["anatomy"]["rows"] == len(trained.labels)
    assert "Visits in 7 days" in files["page/model.en.html"]
