"""What a card is told beside the prediction: where the lead stood, what to do next.

Predictions and plans know stages and people by their names; a card by the CRM's own
ids. Which id a name stands for is read off what the CRM said when it was last read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final, TypeVar

from crm.amocrm.naming import Names, names_of
from crm.amocrm.shelf import Shelf as AmoShelf
from crm.bitrix24.shelf import Shelf
from crm.bitrix24.words import Words
from crm.port import Move, NoteKind
from crm.writeback.guidance import Guidance, Todo
from crm.writeback.plan import MoveRule, Wish
from leads.decision import Prediction, Tier
from leads.errors import UnknownLead
from leads.history import History, microseconds
from leads.settings import AmoSource, Bitrix24Source, Settings

MOST_REASONS: Final = 3
CALL: Final = {"en": "Call: {why}", "ru": "Позвонить: {why}"}
STAGE: Final = {
    "en": "Suggested stage: {stage}.", "ru": "Предлагаемая стадия: {stage}."
}  # fmt: skip
CALL_BARE: Final = {"en": "Call", "ru": "Позвонить"}

Past = Callable[[], History | None]
"""Gives the ingested leads, or None before there are any."""

Place = tuple[str, str | None, str]
"""Kind of card, pipeline and stage, in people's words."""

StageIds = Mapping[Place, str]
"""The CRM's id of a stage."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes with a prediction to its card.

    ``stage`` is the CRM's id of the stage that the prediction saw; None if unknown, and
    then nothing is moved. ``rule`` and ``todo`` are the stage and the task that the
    lead's plan names.
    """

    stage: str | None = None
    action: str = ""
    rule: MoveRule | None = None
    todo: Wish | None = None


class Besides:
    """Looks up what goes with a prediction; safe between threads.

    Parameters
    ----------
    settings
        With a ``[crm]`` section.
    past
        The ingested leads. They are asked only where a move may come of it.
    """

    def __init__(self, settings: Settings, past: Past = lambda: None) -> None:
        assert settings.crm is not None, "only with a [crm] section"
        self._settings = settings
        self._past = past
        self._moved = {rule.tier for rule in settings.crm.moves}
        self._held: tuple[History | None, Ids] | None = None

    def __call__(
        self, prediction: Prediction, entity: str, guidance: Guidance | None = None
    ) -> Beside:
        """Look up what goes with one prediction to a card.

        Without guidance the advice is to call the hot leads, and why.
        """
        kind, language = entity.partition(":")[0], self._settings.company.language
        named = guidance is not None and guidance.stage is not None
        place = None
        if named or prediction.tier.value in self._moved:
            place = self._place(prediction, kind)
        stage = None if place is None else self._id_of(place)
        if guidance is None:
            return Beside(stage, calling(prediction, language))
        rule = None
        if place is not None and stage is not None:
            rule = self._rule(prediction, guidance, place, stage)
        todo = None if guidance.todo is None else self._wish(guidance.todo)
        return Beside(stage, guidance.action, rule, todo)

    def _place(self, prediction: Prediction, kind: str) -> Place | None:
        history = self._past()
        if history is None:
            return None
        try:
            lead = history.lead(prediction.lead_id)
        except UnknownLead:
            return None
        stages = lead.as_of(microseconds(prediction.as_of)).stages
        if not stages:
            return None
        last = stages[-1]  # they come in order of time
        return kind, last.pipeline, last.stage

    def _rule(
        self, prediction: Prediction, guidance: Guidance, place: Place, before: str
    ) -> MoveRule | None:
        """Name the move that a plan wants; None if there is none to make."""
        kind, pipeline, _ = place
        if guidance.stage is None:
            return None
        after = self._id_of((kind, pipeline, guidance.stage))
        if after is None or after == before:
            return None
        words = STAGE[self._settings.company.language].format(stage=guidance.stage)
        move = Move(before, after)
        return MoveRule(prediction.tier, move, words, is_on=guidance.moves)

    def _wish(self, todo: Todo) -> Wish:
        person = None if todo.whom is None else self.person(todo.whom)
        return Wish(
            NoteKind.TASK, todo.text, todo.deadline, type=todo.type, responsible=person
        )

    def person(self, name: str) -> str | None:
        """Give the CRM's id of a person, as ``LeadHistory.owner`` names them."""
        ids = self._ids()
        found = name if ids is None else ids.people.get(name, name)
        return found if found.isascii() and found.isdigit() else None

    def _id_of(self, place: Place) -> str | None:
        ids = self._ids()  # exports mostly hold the CRM's own
        return place[2] if ids is None else ids.stages.get(place)

    def _ids(self) -> Ids | None:
        if not isinstance(self._settings.source, Bitrix24Source | AmoSource):
            return None
        held, history = self._held, self._past()
        if held is None or held[0] is not history:  # another ingest, maybe other words
            held = self._held = history, ids_of(self._settings)
        return held[1]


def calling(prediction: Prediction, language: str) -> str:
    """Advise to call who is hot, for the reasons that are advice."""
    if prediction.tier is not Tier.HOT:
        return ""
    good = [r for r in prediction.reasons if r.advisable and r.share > 0]
    # The fact alone: the counts stand on the card already, among the reasons.
    texts = [r.text.get(language, "").partition(". ")[0] for r in good[:MOST_REASONS]]
    why = "; ".join(filter(None, texts))
    return CALL[language].format(why=why) if why else CALL_BARE[language]


@dataclass(frozen=True, slots=True)
class Ids:
    """The CRM's ids by name; a name that stands for two is absent."""

    stages: StageIds
    people: Mapping[str, str]


def ids_of(settings: Settings) -> Ids:
    """Read which id each stage and person goes by, as the CRM said when last read."""
    source, folder = settings.source, settings.store.folder
    if isinstance(source, Bitrix24Source):
        words = _words(Shelf(folder / source.kind / source.account))
        return Ids(_single(_of_portal(words)), _named(words.people))
    assert isinstance(source, AmoSource), "only of a CRM"
    with closing(AmoShelf(folder / source.kind / source.account)) as shelf:
        names = names_of(shelf)
    return Ids(_single(_of_account(names)), _named(names.users))


def _named(people: Mapping[str, str]) -> Mapping[str, str]:
    return _single((name, key) for key, name in people.items())


Name = TypeVar("Name")


def _single(told: Iterable[tuple[Name, str]]) -> dict[Name, str]:
    """Keep the names that stand for one thing."""
    every = list(told)
    often = Counter(name for name, _ in every)
    return {name: key for name, key in every if often[name] == 1}


def _words(shelf: Shelf) -> Words:
    words = Words()
    for page in shelf.pages("words"):
        words.learn(page.rows)
    return words


def _of_portal(words: Words) -> Iterator[tuple[Place, str]]:
    for listed, stage in words.statuses:
        if listed == "STATUS":
            yield ("lead", None, words.stage("lead", 0, stage)), stage
        elif listed.startswith("DEAL_STAGE"):
            number = listed.removeprefix("DEAL_STAGE").lstrip("_") or "0"
            pipeline = words.categories.get(number, number)
            yield ("deal", pipeline, words.stage("deal", number, stage)), stage


def _of_account(names: Names) -> Iterator[tuple[Place, str]]:
    for (pipeline, status), word in names.stages.items():
        yield ("lead", names.pipeline(pipeline), word), f"{pipeline}/{status}"
