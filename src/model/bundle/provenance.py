"""Which code made a model: the commit, and whether the work tree was what it says.

A digest of a bundle can be made again only from code that can be found again. A dirty
tree is therefore marked with a digest of what differs, and a company that wants it may
refuse to train in one. Only the code counts: a data folder or a configuration beside
it changes nothing that the manifest does not hold already.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import Final

from leads.errors import CodeRefused

HERE: Final = Path(__file__).parent
CODE: Final = (":(top)src", ":(top,glob)pipelines/*.py")
"""Where the code lies in the checkout."""

PACKAGES: Final = (
    "joblib", "lightgbm", "mlflow", "narwhals", "numpy", "pandas", "polars",
    "scikit-learn", "scipy", "threadpoolctl",
)  # fmt: skip
"""What a figure could depend on."""


@dataclass(frozen=True, slots=True)
class CodeMark:
    """The commit of the code, None if it is in no checkout, and what differs from it.

    ``dirty`` is the SHA-256 of every changed or new file of code with its content, in
    hex; empty if nothing differs.
    """

    commit: str | None
    dirty: str = ""

    def __str__(self) -> str:
        if self.commit is None:
            return "not in a checkout"
        if not self.dirty:
            return self.commit
        return f"{self.commit} with changes {self.dirty:.12}"


def code_mark(folder: Path = HERE) -> CodeMark:
    """Mark the code that lies in ``folder``; the same content gives the same mark.

    Code that is installed into a folder which some other project's checkout ignores is
    in no checkout.
    """
    if _git(folder, "ls-files", "--error-unmatch", ".") is None:
        return CodeMark(None)
    commit = _git(folder, "rev-parse", "HEAD")
    top = _git(folder, "rev-parse", "--show-toplevel")
    if commit is None or top is None:
        return CodeMark(None)
    return CodeMark(commit.strip(), _changed(folder, Path(top.removesuffix("\n"))))


def demand_clean(mark: CodeMark) -> None:
    """Refuse code that nobody could check out again.

    Raises
    ------
    CodeRefused
        The work tree differs from its commit, or there is none.
    """
    if mark.commit is not None and not mark.dirty:
        return
    raise CodeRefused(
        f"[model] require_clean is set, but the code is {mark}.",
        remedy="Commit or stash the changes and train from a checkout, or lift"
        " [model] require_clean.",
    )


def environment() -> Mapping[str, str]:
    """Name the interpreter, the machine's kind and the packages with their versions."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        **{f"package.{name}": installed(name) for name in PACKAGES},
    }


def _changed(folder: Path, top: Path) -> str:
    """Digest contents, not a diff: how that is written depends on a user's settings."""
    listed = (
        _git(folder, "diff", "HEAD", "--name-only", "--no-renames", "-z", "--", *CODE),
        _git(
            folder, "ls-files", "--others", "--exclude-standard", "--full-name", "-z",
            "--", *CODE,
        ),
    )  # fmt: skip
    names = sorted({name for text in listed for name in (text or "").split("\0")})
    digest = hashlib.sha256()
    for name in filter(None, names):
        path, held = top / name, "gone"
        if path.is_file():
            held = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{name}\0{held}\n".encode())
    return digest.hexdigest() if any(names) else ""


def _git(folder: Path, *words: str) -> str | None:
    """Ask git; None if it refuses or is not there."""
    try:
        asked = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return asked.stdout if asked.returncode == 0 else None
