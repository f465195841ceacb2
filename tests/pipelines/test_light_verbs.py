"""What is asked for quickly is answered without loading what it does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.serve.service import environment

LEARNING = {"lightgbm", "matplotlib", "mlflow", "pandas", "scipy", "shap", "sklearn"}
SERVING = {"cryptography", "fastapi", "httpx2", "jinja2"}
READING = {"holidays", "numpy", "polars"}
ASK = """
import sys
from pipelines.__main__ import app
try:
    app(sys.argv[1:])
except SystemExit:
    pass
print("loaded", *sys.modules)
"""


def loaded_by(*words: str) -> set[str]:
    """Run a command in a process of its own; name what it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, *words],
        env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.rpartition("loaded ")[2].split())


@pytest.mark.parametrize(
    ("words", "barred"),
    [
        ("--help", LEARNING | SERVING | READING | {"sqlalchemy"}),
        ("daily --help", LEARNING | SERVING | READING),
        ("playbook check --config nowhere.toml", LEARNING | SERVING | {"sqlalchemy"}),
    ],
)
def test_an_answer_waits_for_nothing_it_does_not_need(
    words: str, barred: set[str]
) -> None:
    """Help, and what is wrong with a playbook, come without the heavy libraries."""
    assert not barred & loaded_by(*words.split())
