import shutil
from pathlib import Path

import pytest
from tests.model.invented import flat_settings, invented_task
from tests.serve import example

from leads.errors import DamagedBundle, NoModel
from model.bundle.reference import Reference
from model.learning import learn
from model.promotion.champion import set_champion
from serve.pages.evidence import read_evidence
from serve.pages.trust import weigh


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a model and let it serve."""
    folder = tmp_path_factory.mktemp("evidence")
    trained = learn(invented_task(), flat_settings(folder), workdir=folder / "work")
    set_champion(folder, trained.bundle.path, "7", example.NOW)
    return folder


def test_evidence_is_that_of_the_champion(store: Path) -> None:
    """What is shown is the promoted model's own proof, with the words of its fields."""
    evidence = read_evidence(store)

    assert (evidence.model.version, evidence.model.promoted_at) == ("7", example.NOW)
    trust = weigh(evidence)
    assert trust.count > 0
    assert sum(item.proof.count for item in trust.tiers) == trust.count
    assert trust.headline is not None
    assert trust.headline.lift > 1
    assert all(words.en and words.ru for words in evidence.fields.values())
    assert evidence.card is None


def test_usual_is_what_the_reasons_call_usual(store: Path) -> None:
    """Pages and sentences name one usual rate, though snapshots give another."""
    evidence = read_evidence(store)
    (reference,) = store.glob("bundles/*/reference.json")

    rate = Reference.from_json(reference.read_text("utf-8")).rate
    assert weigh(evidence).base_rate == evidence.usual == rate
    assert evidence.proof.base_rate != rate


def test_without_a_champion_there_is_no_evidence(tmp_path: Path) -> None:
    """Before any promotion the refusal says so."""
    with pytest.raises(NoModel):
        read_evidence(tmp_path)


def test_forged_proof_is_refused(store: Path, tmp_path: Path) -> None:
    """A proof that was changed after training is not shown."""
    forged = tmp_path / "store"
    shutil.copytree(store, forged)
    (proof,) = forged.glob("bundles/*/proof.json")
    proof.write_text(proof.read_text().replace('"count": ', '"count": 1'))

    with pytest.raises(DamagedBundle, match=r"proof\.json was changed"):
        read_evidence(forged)


def test_of_too_little_data_it_is_told_what_is_missing(tmp_path: Path) -> None:
    """A champion that says the usual rate is shown with the way to a model."""
    few = flat_settings(tmp_path, minimum=400)
    made = learn(invented_task(), few, workdir=tmp_path / "work")
    set_champion(tmp_path, made.bundle.path, "1", example.NOW)

    evidence = read_evidence(tmp_path)

    assert evidence.missing is not None
    assert f"{made.bundle.manifest.readiness['won']} of 400" in evidence.missing.en
    assert weigh(evidence).missing == evidence.missing
    assert evidence.proof.base_rate == round(made.bundle.manifest.base_rate, 6)
