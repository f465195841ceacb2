from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model.invented_history import company_settings, invented_history

from leads.history import History
from model.examples.snapshots import take
from model.examples.split import split
from model.features.batch import build
from model.features.catalog import Catalog, Feature, Words
from model.features.discovery import discover
from model.metrics import Codes, scores
from model.points.hypotheses import check_hypotheses, middle_rows
from model.points.rival import Rows, meet_rival
from model.points.scorecard import MOST_TRAITS, Scorecard, learn_scorecard
from model.points.writing import quoted, to_yaml
from model.training import leads_of, moments_at
from playbook.known import Known, points_of
from playbook.norms import Norms
from playbook.plan import Playbook
from playbook.pointsfile import parse_points
from playbook.world import World

BOOK = Playbook({}, (), {})


@dataclass(frozen=True)
class Learned:
    """A scorecard of an invented company, and the rows that it was learned from."""

    history: History
    proved: pl.DataFrame
    """The rows that it never saw, as moments."""
    catalog: Catalog
    card: Scorecard
    train: Rows
    test: Rows


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """Learn a scorecard of an invented company."""
    settings = company_settings(tmp_path_factory.mktemp("points"))
    history = invented_history()
    snapshots = take(history, settings)
    parts = split(snapshots, settings)
    catalog = discover(history, moments_at(snapshots, parts.train), settings)
    labels = snapshots["label"].to_numpy().astype(float)
    leads = leads_of(snapshots)

    def rows(chosen: Codes) -> Rows:
        table = build(catalog, history, moments_at(snapshots, chosen))
        return Rows(catalog.encode(table), labels[chosen], leads[chosen])

    train, test = rows(parts.train), rows(parts.test)
    card = learn_scorecard(catalog, train.matrix, train.labels, train.leads)
    proved = moments_at(snapshots, parts.test)
    return Learned(history, proved, catalog, card, train, test)


def test_a_written_scorecard_scores_exactly_as_it_was_learned(
    learned: Learned,
) -> None:
    """The playbook's own facts of past leads give the points that the matrix gave."""
    history, card, test = learned.history, learned.card, learned.test
    world = World.of(history.tables)
    written = parse_points(to_yaml(card), world)
    rows = learned.proved.rows(named=True)

    scored = []
    for row in rows:
        lead = history.lead(row["lead_id"]).as_of(row["moment"])
        known = Known.unpredicted(lead, row["moment"], Norms())
        made = points_of(written, BOOK, known)
        assert made is not None
        scored.append(made)

    assert card.items > 3
    assert [one.fit for one in scored] == card.side("fit", test.matrix).tolist()
    assert [one.engagement for one in scored] == (
        card.side("engagement", test.matrix).tolist()
    )
    assert len({one.grid for one in scored}) > 1


def test_it_tells_leads_apart_and_stays_short(
    learned: Learned,
) -> None:
    """On rows that it never saw it ranks better than chance, on one page."""
    card, test = learned.card, learned.test

    assert scores(card.log_odds(test.matrix), test.labels)["auc"] > 0.6
    assert len(card.lines) <= MOST_TRAITS


def test_points_are_calibrated_on_the_training_rows(
    learned: Learned,
) -> None:
    """What it says on average is what happened to the rows it learned from."""
    card, train = learned.card, learned.train
    said = 1 / (1 + np.exp(-card.log_odds(train.matrix)))

    assert said.mean() == pytest.approx(train.labels.mean(), abs=0.002)


def test_noise_gives_an_empty_scorecard_and_no_hypothesis(
    learned: Learned,
) -> None:
    """Shuffled outcomes are told by nothing beyond luck."""
    catalog, train = learned.catalog, learned.train
    rng = np.random.default_rng(5)
    outcome = rng.permutation(np.arange(train.leads.max() + 1) % 4 == 0)
    labels = outcome[train.leads].astype(float)

    found = check_hypotheses(catalog, train.matrix, labels=labels, leads=train.leads)

    assert found
    assert not any(one.differs for one in found)


def test_the_model_that_is_the_scorecard_does_not_beat_it(
    learned: Learned,
) -> None:
    """The difference to itself is nought; to a model that knows all it is won."""
    catalog, card = learned.catalog, learned.card
    train, test = learned.train, learned.test

    same = meet_rival(catalog, train, test, said=card.log_odds(test.matrix), seed=1)
    sure = meet_rival(catalog, train, test, said=8 * test.labels - 4, seed=1)

    assert [one.gain for one in same.against] == [0.0, 0.0]
    assert not same.beaten
    assert sure.beaten


def test_rows_of_tests_teach_nothing(
    learned: Learned,
) -> None:
    """The card is the same whatever the test rows hold."""
    catalog, card = learned.catalog, learned.card
    train, test = learned.train, learned.test
    said = np.zeros(len(test.labels))
    turned = Rows(test.matrix[::-1], 1 - test.labels, test.leads)

    cards = [
        meet_rival(catalog, train, rows, said=said, seed=1).card
        for rows in (test, turned)
    ]

    assert cards == [to_yaml(card)] * 2


def test_each_lead_is_compared_once() -> None:
    """The middle snapshot of each lead stands for it."""
    assert middle_rows(np.array([1, 1, 1, 0, 2, 2])).tolist() == [3, 1, 5]


def test_a_planted_difference_is_found_with_its_size() -> None:
    """Winners have a larger number in nine of ten pairs or so; the interval says it."""
    age = Feature("age", "card_number", "age", Words("Age", "Возраст"), of="age")
    rng = np.random.default_rng(3)
    labels = (np.arange(600) % 3 == 0).astype(float)
    matrix = (rng.normal(size=600) + 1.8 * labels)[:, None]

    (found,) = check_hypotheses(
        Catalog((age,)), matrix, labels=labels, leads=np.arange(600)
    )

    assert found.differs
    assert found.low < 0.8986 < found.high
    assert found.high - found.low < 0.1


@given(st.text(min_size=1, max_size=12))
def test_every_name_is_read_back_as_it_was(name: str) -> None:
    """Whatever a field is called, YAML gives the same name again."""
    if any(0xD800 <= ord(one) <= 0xDFFF for one in name):
        return
    item_text = f"{{when: {{source: [{quoted(name)}]}}, points: 1}}"
    text = (
        "points:\n  fit:\n    borders: [3, 2, 1]\n    groups:\n"
        f"      g: {{items: [{item_text}]}}\n"
    )

    (item,) = [item for *_, item in parse_points(text, World()).items()]

    assert item.when.value == frozenset({name})  # type: ignore[union-attr]


def test_leads_are_compared_at_one_age() -> None:
    """What only comes with age is no difference: lost leads are watched for longer."""
    age = Feature("age", "lead_age", "age", Words("Age", "Возраст"))
    visits = Feature("v", "card_number", "v", Words("Visits", "Визиты"), of="v")
    ages = np.tile([0.0, 24.0, 48.0, 240.0, 480.0, 720.0], 200)
    leads = np.repeat(np.arange(200), 6)
    labels = (leads % 3 == 0).astype(float)
    seen = (labels == 0) | (ages <= 48)  # who converted is looked at no longer
    noise = np.random.default_rng(3).normal(size=1200)
    matrix = np.column_stack([ages, ages + noise])[seen]

    found = check_hypotheses(
        Catalog((age, visits)), matrix, labels=labels[seen], leads=leads[seen]
    )

    assert [one.trait for one in found] == ["v"]
    assert not found[0].differs


def test_many_traits_are_corrected_for() -> None:
    """Of forty traits of noise some look different by themselves, none after Holm."""
    features = tuple(
        Feature(f"f{n}", "card_number", f"f{n}", Words("F", "П"), of=f"f{n}")
        for n in range(40)
    )
    matrix = np.random.default_rng(8).normal(size=(400, 40))
    labels = (np.arange(400) % 2 == 0).astype(float)

    found = check_hypotheses(
        Catalog(features), matrix, labels=labels, leads=np.arange(400)
    )

    luck = [one for one in found if not one.low < 0.5 < one.high]
    assert len(found) == 40
    assert luck
    assert not any(one.differs for one in found)
