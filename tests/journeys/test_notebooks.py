"""The notebooks run from top to bottom, as a data scientist would run them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside jupyter_client
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs, and the last one prints how far the model is from the truth."""
    root = path.parents[1]
    monkeypatch.setenv("PYTHONPATH", f"{root / 'src'}:{root}")
    monkeypatch.setenv("MPLBACKEND", "agg")
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]

    NotebookClient(notebook, timeout=300, kernel_name="python3").execute(
        cwd=str(path.parent)
    )

    printed = [
        output["text"]
        for output in notebook.cells[-1]["outputs"]
        if output["output_type"] == "stream" and output["name"] == "stdout"
    ]
    assert "mean distance from the truth:" in "".join(printed)


def test_there_is_a_notebook() -> None:
    """The check above cannot pass by finding nothing."""
    assert [path.stem for path in NOTEBOOKS] == ["01_first_look", "02_trust"]
