"""Run in a process of its own: serve where nothing that trains can be imported.

``python without_mlflow.py CONFIG BODY_FILE`` ends with 0 if a prediction is explained,
recorded and drawn, and no module of ours that this loaded imports what it may not.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

LEARNING = ("mlflow", "shap", "matplotlib", "cloudpickle", "dill")
BANNED = {*LEARNING, "joblib", "pickle", "_pickle", "marshal", "shelve"}
OURS = {"leads", "crm", "model", "serve"}


def main(config: Path, body: Path) -> None:
    """Serve once, then look at what was loaded."""
    sys.modules.update(dict.fromkeys(LEARNING))  # type: ignore[arg-type]  # None bars
    ask_everything(config, body.read_bytes())
    found = [
        f"{name} imports {wanted}"
        for name, module in list(sys.modules.items())
        if name.split(".")[0] in OURS and getattr(module, "__file__", None)
        for wanted in imports_of(Path(str(module.__file__)))
        if wanted in BANNED
    ]
    if found:
        sys.exit("\n".join(found))


def ask_everything(config: Path, body: bytes) -> None:
    """Predict a lead and look at every page of it."""
    from fastapi.testclient import TestClient

    from leads.settings import read_settings
    from serve.app import create_app

    with TestClient(create_app(read_settings(config))) as client:
        headers = {"content-type": "application/json"}
        said = client.post("/v1/predict", content=body, headers=headers)
        if said.status_code != 200 or not said.json()["reasons_for"]:
            sys.exit(said.text)
        lead_id = said.json()["lead_id"]
        for path in (f"/v1/leads/{lead_id}", "/", f"/leads/{lead_id}", "/model"):
            if client.get(path).status_code != 200:
                sys.exit(f"{path} does not answer")


def imports_of(file: Path) -> Iterator[str]:
    """Name every top-level package that a file imports, at its top or within."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
