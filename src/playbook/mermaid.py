"""The chart as Mermaid text, which many editors, wikis and repositories draw."""

from __future__ import annotations

from itertools import zip_longest

from playbook.plan import Branch
from playbook.telling import Telling

ESCAPED = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"}


def to_mermaid(telling: Telling) -> str:
    """Write a playbook as a Mermaid flow chart, top down.

    Questions are ``q1``, ``q2_1`` and so on by their numbers, plans ``p1`` by the
    branch that leads to them; each plan is there once.
    """
    lines = ["flowchart TD"]
    _draw(telling, telling.playbook.branches, lines)
    lines.append("    classDef plan fill:#d9ebec,stroke:#0b5d66,color:#1d1f23")
    return "\n".join(lines) + "\n"


def _draw(telling: Telling, branches: tuple[Branch, ...], lines: list[str]) -> None:
    yes, no = ("да", "нет") if telling.language == "ru" else ("yes", "no")
    for branch, after in zip_longest(branches, branches[1:]):
        if branch.plan is not None:
            segment = telling.say(telling.playbook.plans[branch.plan].segment)
            name = _id("p", branch)
            lines.append(f'    {name}["{_safe(segment)}"]:::plan')
        if branch.when is None:
            continue
        question = _id("q", branch)
        lines.append(f'    {question}{{"{_safe(telling.branch(branch))}"}}')
        lines.append(f"    {question} -->|{yes}| {_entry(branch)}")
        if after is not None:
            lines.append(f"    {question} -->|{no}| {_first(after)}")
        _draw(telling, branch.branches, lines)


def _entry(branch: Branch) -> str:
    """Name what a yes leads to."""
    return _id("p", branch) if branch.plan is not None else _first(branch.branches[0])


def _first(branch: Branch) -> str:
    """Name what a lead meets first at a branch: its question, or the plan of else."""
    return _id("p" if branch.when is None else "q", branch)


def _id(kind: str, branch: Branch) -> str:
    return kind + branch.number.replace(".", "_")


def _safe(text: str) -> str:
    return "".join(ESCAPED.get(letter, letter) for letter in text)
