"""One bundle learned from the invented task, for many tests."""

from __future__ import annotations

import pytest
from tests.model.invented import flat_settings, invented_task

from model.learning import Task, Trained, learn


@pytest.fixture(scope="session")
def task() -> Task:
    """Make an invented task with something to learn."""
    return invented_task()


@pytest.fixture(scope="session")
def trained(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Learn a bundle from the invented task; not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    return learn(task, flat_settings(folder), workdir=folder)
