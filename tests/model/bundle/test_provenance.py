from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from leads.errors import CodeRefused
from model.bundle.provenance import CodeMark, code_mark, demand_clean, environment


def git(folder: Path, *words: str) -> None:
    """Run git as somebody, whatever the machine's settings are."""
    somebody = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *somebody, *words], cwd=folder, check=True)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Commit a checkout with some code; return the folder of the code."""
    folder = tmp_path / "src" / "model"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("A = 1\n")
    (tmp_path / "notes.txt").write_text("notes\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    return folder


def test_a_clean_tree_is_its_commit(code: Path) -> None:
    """Nothing differs from the commit, so there is nothing to digest."""
    mark = code_mark(code)

    assert mark.commit is not None
    assert len(mark.commit) == 40
    assert mark.dirty == ""
    demand_clean(mark)


def test_changed_new_and_removed_code_each_leave_their_mark(code: Path) -> None:
    """Whatever the code has beyond the commit changes the mark, and back again."""
    marks = [code_mark(code).dirty]
    (code / "a.py").write_text("A = 2\n")
    marks.append(code_mark(code).dirty)
    (code / "b.py").write_text("B = 1\n")
    marks.append(code_mark(code).dirty)
    (code / "b.py").write_text("B = 2\n")
    marks.append(code_mark(code).dirty)
    (code / "a.py").unlink()
    marks.append(code_mark(code).dirty)

    assert len(set(marks)) == 5
    (code / "b.py").unlink()
    git(code, "checkout", "-q", "--", ".")
    assert code_mark(code).dirty == ""


def test_the_same_change_gives_the_same_mark(code: Path) -> None:
    """A change that is made, undone and made again is one change, staged or not."""
    (code / "a.py").write_text("A = 2\n")
    first = code_mark(code)
    git(code, "add", "-A")

    assert code_mark(code) == first


def test_what_is_no_code_leaves_no_mark(code: Path) -> None:
    """Notes, data and configurations beside the code make no other model."""
    top = code.parents[1]
    (top / "notes.txt").write_text("other notes\n")
    (top / "pipelines" / "config").mkdir(parents=True)
    (top / "pipelines" / "config" / "mine.toml").write_text("[source]\n")

    assert code_mark(code).dirty == ""


def test_code_of_no_checkout_has_no_commit(code: Path, tmp_path: Path) -> None:
    """Code installed where somebody else's checkout ignores it is not that commit."""
    (tmp_path / ".gitignore").write_text("venv/\n")
    installed = tmp_path / "venv" / "model"
    installed.mkdir(parents=True)
    (installed / "a.py").write_text("A = 1\n")

    assert code_mark(installed) == CodeMark(None)


@pytest.mark.parametrize("mark", [CodeMark("c" * 40, "d" * 64), CodeMark(None)])
def test_unclean_or_unknown_code_is_refused_where_asked(mark: CodeMark) -> None:
    """With require_clean neither changed nor unknown code trains, and it is said."""
    with pytest.raises(CodeRefused, match="require_clean") as refused:
        demand_clean(mark)

    assert refused.value.exit_code == 3


def test_the_environment_is_named() -> None:
    """Interpreter and packages that a figure could depend on have their version."""
    found = environment()

    assert {"python", "platform", "package.lightgbm", "package.numpy"} <= set(found)
    assert all(found.values())
