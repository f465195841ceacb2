"""From history to a proved bundle: snapshots, split, catalog, features, learning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from leads.history import History
from leads.settings import Settings
from leads.store import content_digest
from model.bundle.provenance import code_mark, demand_clean
from model.examples.labels import funnel_of, gap_of
from model.examples.snapshots import take
from model.examples.split import Split, split
from model.features.batch import build
from model.features.discovery import discover
from model.leaks.findings import NOT_INSPECTED, Inspection
from model.leaks.gate import inspect, refuse_certain, without
from model.leaks.scene import Scene
from model.learning import Progress, Task, Trained, learn
from model.metrics import Codes
from model.outlook.sequels import Sequel, follow
from model.proof.slices import groups_of
from model.survey.readiness import Readiness
from model.tiers.borders import Borders
from model.tiers.capacity import recent_inflow


@dataclass(frozen=True)
class Terms:
    """What decides about a training besides data and settings.

    ``data_digest`` is that of the stored tables, counted anew if not given. ``kept``
    are the champion's borders, where they are to be kept. Without ``ablated`` nobody
    asks what each group of features is worth; ``brief`` is as in ``Task``.
    """

    data_digest: str | None = None
    kept: Borders | None = None
    ablated: bool = True
    brief: bool = False


PLAIN: Final = Terms()


def train(
    history: History,
    settings: Settings,
    *,
    workdir: Path,
    progress: Progress | None = None,
    told: Callable[[Readiness], None] | None = None,
    terms: Terms = PLAIN,
) -> Trained:
    """Train, calibrate and measure a model of everything that is known.

    Parameters
    ----------
    history
        What was ingested.
    settings
        What counts, when to look, and how to learn.
    workdir
        Where the bundle is written, as ``workdir / "bundle"``.
    progress
        Told in words what is being done.
    told
        Told before learning whether there are leads enough, and how many are to come.
    terms
        What else decides.

    Raises
    ------
    CodeRefused
        ``[model] require_clean`` is set and the code is not what was committed.
    DataRefused
        The data cannot carry a model; says what is there and what is needed.
    LeakRefused
        A field certainly tells the outcome, and nobody vouches for it.
    """
    if settings.model.require_clean:
        demand_clean(code_mark())
    task = task_of(history, settings, progress=progress, told=told, terms=terms)
    return learn(task, settings, workdir=workdir, progress=progress)


def task_of(
    history: History,
    settings: Settings,
    *,
    progress: Progress | None = None,
    told: Callable[[Readiness], None] | None = None,
    terms: Terms = PLAIN,
) -> Task:
    """Gather what is to be learned: snapshots parted in time, features, no leaks.

    Parameters and errors are those of ``train``.
    """
    say = progress or (lambda _: None)
    say("Taking snapshots")
    snapshots = take(history, settings)
    parts = split(snapshots, settings)
    ready = Readiness.before(snapshots, parts, settings)
    if told:
        told(ready)
    say("Discovering features")
    catalog = discover(history, moments_at(snapshots, parts.train), settings)
    rows = np.concatenate([parts.train, parts.test])
    say(f"Computing {len(catalog.features)} features of {len(rows):,} snapshots")
    chosen, moments = snapshots[rows], moments_at(snapshots, rows)
    table = build(catalog, history, moments)
    labels = chosen["label"].cast(pl.Float64).to_numpy()
    leads = leads_of(chosen)
    leaks = NOT_INSPECTED
    if ready.enough:
        scene = Scene(catalog, history, settings, moments, table, labels, leads)
        leaks = _inspected(scene.rows(np.arange(len(parts.train))), say)
        if leaks.set_aside:
            catalog, table = without(catalog, table, leaks.set_aside)
    task = Task(
        catalog=catalog,
        table=table,
        labels=labels,
        leads=leads,
        leaks=leaks.to_facts(),
        train=np.arange(len(parts.train)),
        test=np.arange(len(parts.train), len(rows)),
        folds=_within_train(parts),
        forward=parts.folds_by == "time",
        data_digest=terms.data_digest or content_digest(history.tables),
        groups=groups_of(history, settings, moments_at(snapshots, parts.test)),
        kept=terms.kept,
        ablated=terms.ablated,
        brief=terms.brief,
    )
    if history.tables.dated:
        task = replace(
            task,
            cut_off=history.cut_off,
            learned_until=_learned_until(snapshots, parts, settings),
            inflow=recent_inflow(history.leads),
            sequel=_sequel(history, settings, snapshots, parts),
        )
    return task


def _inspected(scene: Scene, say: Progress) -> Inspection:
    """Look for leaks among the training rows; a certain one stops here."""
    say("Looking for leaks of the outcome")
    leaks = inspect(scene)
    refuse_certain(leaks)
    if leaks.set_aside:
        say(f"Setting aside {', '.join(leaks.set_aside)}: suspected leaks")
    return leaks


def moments_at(snapshots: pl.DataFrame, rows: Codes) -> pl.DataFrame:
    """Take the moments of some snapshots, numbered anew."""
    chosen = snapshots[rows].select("lead_id", "moment")
    return chosen.with_columns(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("row")
    ).select("row", "lead_id", "moment")


def leads_of(snapshots: pl.DataFrame) -> Codes:
    """Give each snapshot the number of its lead, from 0 without gaps."""
    numbers = snapshots["lead_id"].rank("dense").to_numpy()
    return numbers.astype(np.intp) - 1


def _within_train(parts: Split) -> tuple[tuple[Codes, Codes], ...]:
    """Turn the folds' rows into positions among the training rows."""
    order = np.argsort(parts.train, kind="stable")
    ranked = parts.train[order]
    return tuple(
        (order[np.searchsorted(ranked, fit)], order[np.searchsorted(ranked, judged)])
        for fit, judged in parts.folds
    )


def _sequel(
    history: History, settings: Settings, snapshots: pl.DataFrame, parts: Split
) -> Sequel | None:
    """Follow the training snapshots, no further than their labels look."""
    moments = moments_at(snapshots, parts.train)
    until = _learned_until(snapshots, parts, settings)
    funnel = funnel_of(history, settings)
    return follow(history, settings, moments, funnel, until=until)


def _learned_until(snapshots: pl.DataFrame, parts: Split, settings: Settings) -> int:
    """Find the last moment that a training label could depend on."""
    last = int(snapshots["moment"].to_numpy()[parts.train].max())
    return last + gap_of(settings)
