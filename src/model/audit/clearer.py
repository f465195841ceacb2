"""Clearer stages: what the data propose, and where each open lead would go.

A proposal is a list of rules that a person edits: leads of a stage, perhaps only those
nobody worked on or that are overdue, go to another stage. The first rule that fits a
lead counts; leads of other stages stay. Nothing is moved by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from leads.errors import BadInput, Fault
from leads.yamlrows import NotRows, rows_in_text, text_of_rows
from model.audit.channels import Channel
from model.audit.standing import PLACE, Scene
from model.stages import Rate, Stage

When = Literal["any", "never worked", "overdue"]
WHENS: Final = ("any", "never worked", "overdue")
CLOSE_ENOUGH: Final = 0.05
"""Conversions that differ by less, all of the interval, are the same."""
PATHS: Final = 0.15
"""The part of leads that would have to go elsewhere for two ways to be the same."""
FEWEST: Final = 30
QUEUE: Final = {"en": "Not worked yet", "ru": "Ещё не разобраны"}
SILENT: Final = {"en": "Gone quiet", "ru": "Замолчали"}


@dataclass(frozen=True, slots=True)
class Rule:
    """Leads of a stage go to another; ``why`` is for whoever edits."""

    pipeline: str
    stage: str
    when: When
    to: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """So many open leads of a stage would go there."""

    pipeline: str
    stage: str
    to: str
    count: int


@dataclass(frozen=True, slots=True)
class Preview:
    """Where open leads would go: ``flows`` by stage; ``leads`` (lead, now, then)."""

    moved: int
    stays: int
    flows: tuple[Flow, ...]
    leads: tuple[tuple[str, str, str], ...]


def propose(scene: Scene, channels: Sequence[Channel]) -> tuple[Rule, ...]:
    """Propose clearer stages from what leads did.

    Stages named after channels end where most of their leads went on; neighbours whose
    conversion and further ways do not differ become one; crowds are split into those
    nobody worked on, those that went quiet, and the rest.
    """
    language = scene.settings.company.language
    rules: list[Rule] = []
    taken: set[tuple[str, str]] = set()
    for channel in channels:
        rules += _without_channel(scene, channel, QUEUE[language])
        taken.add((channel.pipeline, channel.stage))
    for pipeline in scene.stages.pipelines:
        open_ones = [
            one
            for one in scene.stages.of(pipeline)
            if one.state == "open" and (pipeline, one.stage) not in taken
        ]
        merged = _same(scene, open_ones)
        rules += merged
        gone = {rule.stage for rule in merged}
        for one in open_ones:
            if one.stage not in gone and one.here >= scene.settings.audit.crowd:
                rules += _split(one, scene, language)
    return tuple(rules)


def _without_channel(scene: Scene, channel: Channel, queue: str) -> list[Rule]:
    place = channel.pipeline, channel.stage
    on = scene.moves.filter(
        pl.col("pipeline") == place[0], pl.col("stage") == place[1]
    )["next"].drop_nulls()
    states = [
        (stage, count)
        for stage, count in on.value_counts(sort=True).iter_rows()
        if scene.funnel.state_of(place[0], stage) == "open"
    ]
    after = min(states, key=lambda pair: (-pair[1], pair[0]))[0] if states else queue
    why = f"channel: {channel.like or channel.source}"
    return [Rule(*place, "never worked", queue, why), Rule(*place, "any", after, why)]


def _same(scene: Scene, stages: Sequence[Stage]) -> list[Rule]:
    rules, at = [], 0
    while at + 1 < len(stages):
        one, two = stages[at], stages[at + 1]
        apart = _differ(one.finally_, two.finally_)
        ways = _ways_apart(scene, one, two)
        if apart is not None and apart < CLOSE_ENOUGH and ways < PATHS:
            why = f"same: conversion within {apart:.3f}, ways within {ways:.3f}"
            rules.append(Rule(one.pipeline, two.stage, "any", one.stage, why))
            at += 1
        at += 1
    return rules


def _differ(one: Rate | None, two: Rate | None) -> float | None:
    """Give how far two shares are apart at most (Newcombe 1998); None of too few."""
    if one is None or two is None or min(one.count, two.count) < FEWEST:
        return None
    apart = one.share - two.share
    low = apart - ((one.share - one.low) ** 2 + (two.high - two.share) ** 2) ** 0.5
    high = apart + ((one.high - one.share) ** 2 + (two.share - two.low) ** 2) ** 0.5
    return float(max(abs(low), abs(high)))


def _ways_apart(scene: Scene, one: Stage, two: Stage) -> float:
    """Give the total variation between where leads go on to, but for each other."""
    shares = [_ways(scene, stage, {one.stage, two.stage}) for stage in (one, two)]
    stages = shares[0].keys() | shares[1].keys()
    if not all(shares):
        return 1.0
    return sum(abs(shares[0].get(s, 0.0) - shares[1].get(s, 0.0)) for s in stages) / 2


def _ways(scene: Scene, stage: Stage, but: set[str]) -> dict[str, float]:
    on = scene.moves.filter(
        pl.col("pipeline") == stage.pipeline,
        pl.col("stage") == stage.stage,
        pl.col("next").is_not_null() & ~pl.col("next").is_in(list(but)),
    )["next"]
    return dict(on.value_counts(normalize=True).iter_rows())


def _split(one: Stage, scene: Scene, language: str) -> list[Rule]:
    here = scene.open.filter(
        pl.col("pipeline") == one.pipeline, pl.col("stage") == one.stage
    )
    parts: tuple[tuple[When, pl.Series, str], ...] = (
        ("never worked", ~here["worked"], QUEUE[language]),
        ("overdue", here["is_slow"] & here["worked"], SILENT[language]),
    )
    return [
        Rule(
            one.pipeline, one.stage, when, to, f"crowd: {int(fits.sum())} / {one.here}"
        )
        for when, fits, to in parts
        if 0 < fits.sum() < one.here
    ]


def preview(scene: Scene, rules: Sequence[Rule]) -> Preview:
    """Show where each open lead would go."""
    fits = {
        "any": pl.lit(value=True),
        "never worked": ~pl.col("worked"),
        "overdue": pl.col("is_slow"),
    }
    goes = pl.coalesce(
        *(
            pl.when(
                (pl.col("pipeline") == rule.pipeline)
                & (pl.col("stage") == rule.stage)
                & fits[rule.when]
            ).then(pl.lit(rule.to))
            for rule in rules
        ),
        "stage",
    )
    told = scene.open.with_columns(goes.fill_null("").alias("to")).with_columns(
        pl.col("stage").fill_null("")
    )
    moved = told.filter(pl.col("to") != pl.col("stage"))
    flows = moved.group_by(*PLACE, "to").len("count").sort("count", *PLACE, "to",
        descending=[True, False, False, False])  # fmt: skip
    return Preview(
        moved=len(moved),
        stays=len(told) - len(moved),
        flows=tuple(Flow(**row) for row in flows.to_dicts()),
        leads=tuple(moved.select("lead_id", "stage", "to").iter_rows()),
    )


def write_rules(rules: Sequence[Rule], path: Path) -> None:
    """Write the rules as YAML, for a person to edit."""
    text = text_of_rows([asdict(rule) for rule in rules])
    head = f"# when: {' | '.join(WHENS)}. The first rule that fits a lead counts.\n"
    try:
        path.write_text(head + text, encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror}.",
            remedy="Name a file in a folder that is there.",
        ) from error


def read_rules(path: Path, scene: Scene) -> tuple[Rule, ...]:
    """Read rules that a person edited.

    Raises
    ------
    BadInput
        The file is none, or names what is not there; with every fault.
    """
    try:
        rows = rows_in_text(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, NotRows) as error:
        raise BadInput(
            f"{path.name} is no mapping: {error}.",
            remedy="Write one first: funnel audit --propose FILE.yaml.",
        ) from error
    faults = [
        Fault(path.name, what, remedy, rows=(at,))
        for at, row in enumerate(rows, 1)
        for what, remedy in _faults(row, scene)
    ]
    if faults:
        raise BadInput.of(path.name, faults)
    return tuple(
        Rule(
            row.get("pipeline") or "", row["stage"], row.get("when") or "any",
            row["to"], row.get("why") or "",
        )
        for row in rows
    )  # fmt: skip


def _faults(row: Any, scene: Scene) -> list[tuple[str, str]]:
    if not isinstance(row, dict):
        return [("is no rule", "Write pipeline, stage, when and to.")]
    found = []
    known = scene.funnel.order.get(row.get("pipeline") or "", ())
    if row.get("stage") not in known:
        place = f"stage {row.get('stage')!r} in pipeline {row.get('pipeline')!r}"
        found.append((f"there is no {place}", "Name it as the audit does."))
    if (row.get("when") or "any") not in WHENS:
        told = f"when cannot be {row.get('when')!r}"
        found.append((told, f"Write one of {', '.join(WHENS)}."))
    if not isinstance(row.get("to"), str) or not row["to"].strip():
        found.append(("to is empty", "Name the stage it becomes."))
    if extra := set(row) - {"pipeline", "stage", "when", "to", "why"}:
        found.append((f"unknown key {', '.join(sorted(map(str, extra)))}", "Drop it."))
    return found
