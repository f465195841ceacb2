"""Versions in MLflow: what was trained, from what, how good, and which alias it bears.

MLflow is the record, not a dependency of serving: ``promote`` writes the champion
pointer of the store first and the alias after, and a rollback needs no MLflow to take
effect.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as installed
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from matplotlib.figure import Figure

from leads.errors import NoModel, OtherFormat, PromotionRefused, Unavailable
from leads.history import History
from leads.settings import Settings
from model.bundle.check import verify_in_child
from model.bundle.manifest import Manifest
from model.bundle.provenance import environment
from model.bundle.whole import Bundle
from model.card.paper import card_html
from model.card.sections import Subject
from model.features.catalog import Catalog
from model.leaks.findings import Inspection
from model.learning import Trained
from model.promotion import champion
from model.promotion.evaluation import Verdict
from model.promotion.pictures import pictures
from model.promotion.trial import trial
from model.proof.record import Proof

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

CHALLENGER: Final = "challenger"
CHAMPION: Final = "champion"
DIGEST: Final = "bundle_digest"
PINNED: Final = ("lightgbm", "numpy", "pandas", "scipy")
SQLITE: Final = "sqlite:///"
VERDICT: Final = "promotion/verdict.json"
PASSED: Final = ("failed", "passed")
NOTE: Final = "mlflow.note.content"
"""The tag that MLflow shows as a run's description."""

MOST_LETTERS: Final = 5_000
"""Of a tag, as MLflow keeps it."""


@dataclass(frozen=True, slots=True)
class Param:
    """A setting that the model was trained with."""

    name: str
    value: object


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured figure, or an end of its interval."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Tag:
    """A fact to search by."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure and the file it is kept in."""

    file: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Text:
    """A text and the file it is kept in."""

    file: str
    content: str


Record = Param | Metric | Tag | Picture | Text


@dataclass(frozen=True, slots=True)
class Promotion:
    """Which version serves now, and why in words; ``changed`` if it did not before."""

    version: str
    changed: bool
    words: str


def records(trained: Trained) -> Iterator[Record]:
    """List all that is to be remembered of a training, but the bundle itself."""
    manifest = trained.bundle.manifest
    for section, values in manifest.settings.items():
        for name, value in values.items():
            yield Param(f"{section}.{name}", value)
    yield Param("rounds", manifest.rounds)
    yield Param("calibrator", trained.bundle.calibrator.kind)
    for name, rung in manifest.ladder.items():
        yield Metric(f"weight_{name}", rung["weight"])
        yield Metric(f"out_of_fold_logloss_{name}", rung["logloss"])
    for name, measured in trained.metrics.items():
        yield Metric(name, measured.value)
        yield Metric(f"{name}_low", measured.low)
        yield Metric(f"{name}_high", measured.high)
    for name, count in manifest.rows.items():
        yield Metric(f"rows_{name}", count)
    proof = trained.bundle.read_proof()
    for worth in proof.ablation:
        yield Metric(f"worth_{worth.group}", worth.value)
        yield Metric(f"worth_{worth.group}_low", worth.low)
        yield Metric(f"worth_{worth.group}_high", worth.high)
    yield from _tags(trained.bundle.digest, manifest)
    yield from _cards(trained.bundle, proof)
    for file, figure in pictures(trained):
        yield Picture(f"pictures/{file}", figure)


def _cards(bundle: Bundle, proof: Proof) -> Iterator[Text]:
    subject = Subject(bundle.digest, bundle.manifest, proof, bundle.catalog)
    for language in ("en", "ru"):
        yield Text(f"card.{language}.html", card_html(subject, language))


def surroundings(settings: Settings) -> Iterator[Record]:
    """List what a training stood on beyond its bundle: machine, packages, settings.

    None of it is under the bundle's digest. Paths and addresses are left out: they
    belong to a machine, and an address may hold a password.
    """
    for name, value in environment().items():
        yield Tag(name, value)
    yield Tag("threads", str(settings.model.threads))
    told = settings.model_dump_json(
        indent=1,
        include={"company", "source", "conversion", "snapshots", "funnel", "model",
                 "tiers"},
        exclude={"source": {"url", "folder", "path"}},
    )  # fmt: skip
    yield Text("settings.json", told)


def _tags(digest: str, manifest: Manifest) -> Iterator[Tag]:
    yield Tag(DIGEST, digest)
    yield Tag("data_digest", manifest.data_digest)
    yield Tag("catalog_digest", manifest.catalog_digest)
    yield Tag("git_commit", manifest.git_commit or "unknown")
    yield Tag("git_dirty", manifest.git_dirty or "no")
    leaks = Inspection.from_facts(manifest.leaks)
    yield Tag("leaks_set_aside", ", ".join(leaks.set_aside) or "none")
    yield Tag("leaks_trusted", ", ".join(leaks.trusted) or "none")


def register(
    trained: Trained, settings: Settings, *, shown: Iterable[Text] = ()
) -> str:
    """Log a training and register its bundle as the challenger; return its version.

    The same bundle again is the same version: nothing is logged twice. ``shown`` are
    the pages of the model, to lie with the run; its description names them.
    """
    name, digest = settings.model.name, trained.bundle.digest
    mlflow = _tracking(settings)
    client = mlflow.MlflowClient()
    experiment = _experiment(client, settings)
    # The run is tagged with the digest once all but the bundle is in it, so whatever a
    # crash left undone is found by it, and done in the same run.
    earlier = _runs_of(client, experiment, digest)
    version = _version_of(client, name, digest, earlier)
    if version is None:
        known = earlier[0] if earlier else None
        with mlflow.start_run(known, experiment_id=experiment) as run:
            if known is None:
                pages = tuple(shown)
                told = (*records(trained), *surroundings(settings), *pages)
                told = (*told, *_described([page.file for page in pages]))
                _log(mlflow, run.info.run_id, told)
            version = _log_bundle(mlflow, trained.bundle, name)
    client.set_model_version_tag(name, version, DIGEST, digest)
    client.set_registered_model_alias(name, CHALLENGER, version)
    return version


def _described(files: Sequence[str]) -> Iterator[Tag]:
    """Describe a run on its own page, where it has pages to look at."""
    if files:
        named = ", ".join(f"`{file}`" for file in files)
        yield Tag(
            NOTE,
            f"The page of this model lies with the artifacts: {named}. The service"
            " shows the same at `/model` once the version serves, and at"
            " `/model/compare` how it compares with the one before.",
        )


def promote(
    settings: Settings,
    history: History,
    *,
    now: datetime,
    tell: Callable[[Verdict], None] | None = None,
) -> Promotion:
    """Let the challenger serve if it proves better than what serves now.

    Parameters
    ----------
    tell
        Told the verdict, with every gate, whichever way it goes.

    Raises
    ------
    NoModel
        None was trained yet.
    PromotionRefused
        The challenger is worse, or cannot be told from the champion.
    DamagedBundle
        The registered bundle is not whole.
    """
    name, folder = settings.model.name, settings.store.folder
    mlflow = _tracking(settings)
    client = mlflow.MlflowClient()
    found, path = _challenger(mlflow, client, settings)
    version = str(found.version)
    verify_in_child(path)
    challenger, serving = Bundle.open(path), _serving(folder)
    if serving and serving.digest == challenger.digest:
        client.set_registered_model_alias(name, CHAMPION, version)
        words = f"Version {version} serves already; nothing to do."
        return Promotion(version, changed=False, words=words)
    verdict = trial(history, settings, challenger=challenger, champion=serving)
    _keep_verdict(client, found, verdict)
    if tell is not None:
        tell(verdict)
    if not verdict.passed:
        raise PromotionRefused(
            f"Version {version} was not promoted. {verdict.words}",
            remedy="The serving model stays. Train on more or newer data."
            if serving
            else "Nothing serves yet. Bring more data, or fields that tell more.",
        )
    champion.set_champion(folder, path, version, now)
    client.set_registered_model_alias(name, CHAMPION, version)
    return Promotion(version, changed=True, words=verdict.words)


def roll_back(settings: Settings, *, now: datetime) -> Promotion:
    """Let the model before this one serve again; the pointer first, then the alias.

    Raises
    ------
    NoModel
        None was ever promoted.
    PromotionRefused
        There is none to go back to.
    Unavailable
        The earlier model serves, but MLflow could not be told.
    """
    back = champion.roll_back(settings.store.folder, now)
    words = f"Version {back.version} serves again."
    mlflow = _tracking(settings)
    try:
        client, name = mlflow.MlflowClient(), settings.model.name
        client.set_registered_model_alias(name, CHAMPION, back.version)
    except (mlflow.MlflowException, OSError) as error:
        raise Unavailable(
            f"{words} MLflow was not there to move the alias {CHAMPION!r}.",
            remedy="Services need nothing more; set the alias when MLflow is back.",
        ) from error
    return Promotion(back.version, changed=True, words=words)


def _tracking(settings: Settings) -> ModuleType:
    """Import MLflow and point it at the company's database."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read at import
    import mlflow

    # What it did is told by the caller; how its tables were made concerns nobody.
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(settings.store.tracking)
    return mlflow


def _experiment(client: MlflowClient, settings: Settings) -> str:
    """Find or make the experiment; its files lie beside the database's."""
    name = f"{settings.company.name}/{settings.model.name}"
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    uri, place = settings.store.tracking, None
    if uri.startswith(SQLITE):
        database = Path(uri.removeprefix(SQLITE))
        place = (database.parent / "artifacts").resolve().as_uri()
    return str(client.create_experiment(name, artifact_location=place))


def _keep_verdict(
    client: MlflowClient, version: ModelVersion, verdict: Verdict
) -> None:
    """Put a verdict on record: the whole of it with the run, each gate as a tag."""
    if version.run_id:
        client.log_text(version.run_id, verdict.to_json(), VERDICT)
    tags = {"why": verdict.words, "verdict": PASSED[verdict.passed]} | {
        f"gate_{gate.name}": PASSED[gate.passed] for gate in verdict.gates
    }
    for name, text in tags.items():
        client.set_model_version_tag(
            version.name, version.version, name, text[:MOST_LETTERS]
        )


def _runs_of(client: MlflowClient, experiment: str, digest: str) -> list[str]:
    """Name the runs that logged this bundle, the first one first."""
    found = client.search_runs(
        [experiment], f"tags.{DIGEST} = '{digest}'", order_by=["start_time ASC"]
    )
    return [run.info.run_id for run in found]


def _version_of(
    client: MlflowClient, name: str, digest: str, runs: Sequence[str]
) -> str | None:
    """Find the version of a bundle by its tag, or by the run that it came from.

    A crash between the two steps of registering leaves a version without its tag.
    """
    found = client.search_model_versions(f"name = '{name}'")
    mine = [v for v in found if v.tags.get(DIGEST) == digest or v.run_id in runs]
    return min((str(v.version) for v in mine), key=int, default=None)


def _log(mlflow: ModuleType, run_id: str, remembered: Sequence[Record]) -> None:
    """Write down all records: the small ones in one transaction."""
    from mlflow import entities

    moment = int(time.time() * 1_000)
    params, metrics, tags = [], [], []
    for record in remembered:
        match record:
            case Param(name, value):
                params.append(entities.Param(name, str(value)))
            case Metric(name, value):
                metrics.append(entities.Metric(name, value, moment, 0))
            case Tag(name, value):
                tags.append(entities.RunTag(name, value))
            case Picture(file, figure):
                mlflow.log_figure(figure, file)
            case Text(file, content):
                mlflow.log_text(content, file)
    mlflow.MlflowClient().log_batch(run_id, metrics, params, tags)


def _log_bundle(mlflow: ModuleType, bundle: Bundle, name: str) -> str:
    """Log a bundle with the running run, and make a version of it."""
    with warnings.catch_warnings():
        # MLflow would like an example, but that would be a real lead's data.
        warnings.filterwarnings("ignore", message=".*input example")
        logged = mlflow.pyfunc.log_model(
            name="bundle",
            loader_module="model.bundle.predictor",
            data_path=str(bundle.path),
            # Without a list MLflow spends half a minute guessing one.
            pip_requirements=[f"{package}=={installed(package)}" for package in PINNED],
            signature=signature_of(bundle.catalog),
        )
    # ``registered_model_name`` would do the same, and print about it.
    client = mlflow.MlflowClient()
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    made = client.create_model_version(
        name, logged.model_uri, logged.run_id, model_id=logged.model_id
    )
    return str(made.version)


def signature_of(catalog: Catalog) -> ModelSignature:
    """Declare the columns that go in and out; any value may be unknown."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs: list[Any] = [
        ColSpec("string" if feature.is_text else "double", feature.name, required=False)
        for feature in catalog.features
    ]
    outputs: list[Any] = [
        ColSpec("double", "probability"),
        ColSpec("double", "log_odds"),
        ColSpec("string", "tier"),
    ]
    return ModelSignature(Schema(inputs), Schema(outputs))


def _challenger(
    mlflow: ModuleType, client: MlflowClient, settings: Settings
) -> tuple[ModelVersion, Path]:
    """Find the challenger's version and its bundle's folder."""
    from mlflow.exceptions import MlflowException

    name = settings.model.name
    try:
        found = client.get_model_version_by_alias(name, CHALLENGER)
    except MlflowException as error:
        raise NoModel(
            f"No challenger of {name!r} is registered.",
            remedy="Run train with this config.",
        ) from error
    folder = mlflow.artifacts.download_artifacts(f"models:/{name}/{found.version}")
    return found, Path(folder) / "data" / "bundle"


def _serving(folder: Path) -> Bundle | None:
    """Open what serves; none if nothing does, or nothing that this version can read."""
    try:
        pointer = champion.read(folder)
        return Bundle.open(pointer.path, digest=pointer.digest)
    except (NoModel, OtherFormat):
        return None
