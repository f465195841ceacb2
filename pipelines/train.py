"""``train``: learn a model of the ingested data and register it as the challenger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.markup import escape

from leads.errors import NoModel, OtherFormat
from leads.settings import Settings, read_settings
from model.bundle.provenance import CodeMark
from model.bundle.whole import Bundle
from model.card.words import RIVAL
from model.leaks.findings import Inspection
from model.learning import Progress, Trained
from model.points.record import Rival
from model.promotion import champion
from model.promotion.registry import Text, register
from model.proof.record import Proof
from model.survey.readiness import Readiness
from model.tiers.borders import Borders
from model.training import Terms
from model.training import train as train_model
from pipelines.console import ConfigOption, log, out, table, verb, working
from pipelines.ingest import stored
from serve.pages.record import model_files


@dataclass(frozen=True)
class Registered:
    """A trained model and the version that the registry gave it."""

    trained: Trained
    version: str


@verb
def train(config: ConfigOption) -> None:
    """Train, calibrate and measure a model, and register it as the challenger."""
    settings = read_settings(config)
    with working("Training") as say:
        done = train_and_register(settings, progress=say, told=tell)
    show(done)


def tell(ready: Readiness) -> None:
    """Print how far the data are from carrying a model, before it is trained."""
    out.print(f"data     {ready.words.en}", soft_wrap=True)


def train_and_register(
    settings: Settings,
    *,
    progress: Progress | None = None,
    told: Callable[[Readiness], None] | None = None,
) -> Registered:
    """Train on what is stored, taking it in first if nothing is; safe to repeat.

    Raises
    ------
    BadInput
        The source has faults.
    CodeRefused
        ``[model] require_clean`` is set and the code is not what was committed.
    DataRefused
        The data cannot carry a model.
    LeakRefused
        A field certainly tells the outcome.
    """
    folder = settings.store.folder
    history, digest = stored(settings)
    workdir = folder / "training"
    trained = train_model(
        history, settings, workdir=workdir, progress=progress, told=told,
        terms=Terms(digest, kept=borders_to_keep(settings)),
    )  # fmt: skip
    if progress:
        progress("Registering")
    bundle = trained.bundle
    files = model_files(bundle.path, bundle.digest, settings)
    shown = (Text(file, content) for file, content in files)
    version = register(trained, settings, shown=shown)
    manifest = trained.bundle.manifest
    if manifest.git_dirty:
        log.warning("dirty_tree", commit=manifest.git_commit, digest=manifest.git_dirty)
    leaks = Inspection.from_facts(manifest.leaks)
    for finding in leaks.findings:
        log.warning(
            "leak", trusted=finding.trusted, field=finding.field, why=f"{finding}"
        )
    log.info("trained", version=version, bundle=trained.bundle.digest, data=digest)
    return Registered(trained, version)


def borders_to_keep(settings: Settings) -> Borders | None:
    """Give the champion's borders if settings say to keep them, and there are any."""
    if settings.tiers.recut:
        return None
    try:
        found = champion.read(settings.store.folder)
        bundle = Bundle.open(found.path, digest=found.digest)
    except (NoModel, OtherFormat):
        return None
    return bundle.borders if bundle.manifest.enough else None


def show(done: Registered) -> None:
    """Print how good the model is, and that it knows more than the base rate."""
    bundle = done.trained.bundle
    rows = bundle.manifest.rows
    show_leaks(Inspection.from_facts(bundle.manifest.leaks))
    if bundle.manifest.enough:
        show_metrics(done.trained)
    else:
        out.print("proof    none: the usual rate is said of every lead")
    for side in ("train", "test"):
        out.print(
            f"{side:9}{rows[side]:,} snapshots of {rows[f'{side}_leads']:,} leads,"
            f" {rows[f'{side}_conversions']:,} conversions"
        )
    if bundle.manifest.enough:
        proof = bundle.read_proof()
        show_worths(proof)
        show_rival(proof.rival)
        show_model(bundle)
    if bundle.manifest.git_dirty:
        mark = CodeMark(bundle.manifest.git_commit, bundle.manifest.git_dirty)
        out.print(f"[bold yellow]code[/]     {mark}: nobody can make this model again")
    out.print(f"version  {done.version} (challenger)")
    out.print(f"bundle   {bundle.digest}")


def show_metrics(trained: Trained) -> None:
    """Print what was measured on rows that the model never saw."""
    figures = table("Measured on test snapshots", "metric", "value", "95 % interval")
    for name, measured in trained.metrics.items():
        interval = f"{measured.low:.4f} to {measured.high:.4f}"
        figures.add_row(name, f"{measured.value:.4f}", interval)
    out.print(figures)


def show_model(bundle: Bundle) -> None:
    """Print which learners the model is made of, and how it is calibrated."""
    blend = ", ".join(
        f"{name} {rung['weight']:.2f} (log-loss {rung['logloss']:.4f})"
        for name, rung in bundle.manifest.ladder.items()
    )
    out.print(f"blend    {blend} out of fold", soft_wrap=True)
    out.print(
        f"model    {bundle.manifest.rounds} rounds, {len(bundle.catalog.features)}"
        f" features, {bundle.calibrator.kind} calibration"
    )


def show_worths(proof: Proof) -> None:
    """Say what each group of features is worth."""
    if not proof.ablation:
        return
    told = table(
        "Log-loss that is lost without a group of features", "group", "features",
        "worth", "95 % interval",
    )  # fmt: skip
    for worth in proof.ablation:
        interval = f"{worth.low:+.4f} to {worth.high:+.4f}"
        features, value = f"{worth.features}", f"{worth.value:+.4f}"
        told.add_row(worth.group, features, value, interval)
    out.print(told)


def show_rival(rival: Rival | None) -> None:
    """Say by how much the model beats the scorecard that was learned beside it."""
    if rival is None:
        return
    told = table(
        f"Against a scorecard of {rival.traits} traits on the same test snapshots",
        "metric", "scorecard", "model", "difference", "95 % interval",
    )  # fmt: skip
    for one in rival.against:
        told.add_row(
            one.metric, f"{one.points:.4f}", f"{one.model:.4f}", f"{one.gain:+.4f}",
            f"{one.low:+.4f} to {one.high:+.4f}",
        )  # fmt: skip
    out.print(told)
    if rival.standing != "won":
        out.print(f"[bold yellow]points[/]   {RIVAL[rival.standing].en}")


def show_leaks(leaks: Inspection) -> None:
    """Say what was set aside, and what was kept on somebody's word; never nothing."""
    if not leaks.probed:
        return
    if not leaks.findings:
        out.print(f"leaks    nothing found ({', '.join(leaks.probed)})")
        return
    told = table("Suspected of leaking the outcome", "field", "what is done", "why")
    for finding in leaks.findings:
        done = "trusted, kept" if finding.trusted else "set aside"
        why = f"{finding.code} {finding.title.en}: {finding.evidence.en}"
        told.add_row(escape(finding.field), done, escape(why))
    out.print(told)
    if leaks.set_aside:
        out.print(
            "If one of them is known while the lead is open, keep it by [model] trust.",
            markup=False,
        )
