"""What a card is told beside the prediction: where the lead stood, what to do next.

A prediction knows a stage by the people's word for it; a card by the CRM's own id.
Which id a word stands for is read off what the CRM itself said when it was last read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from crm.amocrm.naming import names_of
from crm.amocrm.shelf import Shelf as AmoShelf
from crm.bitrix24.shelf import Shelf
from crm.bitrix24.words import Words
from leads.decision import Prediction, Tier
from leads.errors import UnknownLead
from leads.history import History, LeadHistory, microseconds
from leads.settings import AmoSource, Bitrix24Source, Settings

MOST_REASONS: Final = 3
CALL: Final = {"en": "Call: {why}", "ru": "Позвонить: {why}"}
CALL_BARE: Final = {"en": "Call", "ru": "Позвонить"}

Past = Callable[[], History | None]
"""Gives the ingested leads, or None before there are any."""

Act = Callable[[Prediction], str]
"""Says what to do next, in the company's language; nothing is an empty text."""

StageIds = Mapping[tuple[str, str | None, str], str]
"""The CRM's id of a stage by kind of card, pipeline and stage in people's words."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes with a prediction to its card.

    ``stage`` is the CRM's id of the stage that the prediction saw; None if unknown, and
    then nothing is moved.
    """

    stage: str | None = None
    action: str = ""


class Besides:
    """Looks up what goes with a prediction; safe between threads.

    Parameters
    ----------
    settings
        With a ``[crm]`` section.
    past
        The ingested leads. They are asked only where a move is configured.
    act
        What to do next; by default to call the hot leads, and why.
    """

    def __init__(
        self,
        settings: Settings,
        past: Past = lambda: None,
        act: Act | None = None,
    ) -> None:
        assert settings.crm is not None, "only with a [crm] section"
        self._settings = settings
        self._past = past
        self._act = act or calling(settings.company.language)
        self._moved = {rule.tier for rule in settings.crm.moves}
        self._held: tuple[History, StageIds] | None = None

    def __call__(self, prediction: Prediction, entity: str) -> Beside:
        """Look up what goes with one prediction to a card."""
        stage = None
        if prediction.tier.value in self._moved:
            stage = self._stage(prediction, entity.partition(":")[0])
        return Beside(stage, self._act(prediction))

    def _stage(self, prediction: Prediction, kind: str) -> str | None:
        history = self._past()
        if history is None:
            return None
        try:
            lead = history.lead(prediction.lead_id)
        except UnknownLead:
            return None
        return self._id_of(lead.as_of(microseconds(prediction.as_of)), kind, history)

    def _id_of(self, lead: LeadHistory, kind: str, history: History) -> str | None:
        if not lead.stages:
            return None
        last = lead.stages[-1]  # they come in order of time
        ids = self._ids(history)
        if ids is None:  # exports mostly hold the CRM's own ids
            return last.stage
        return ids.get((kind, last.pipeline, last.stage))

    def _ids(self, history: History) -> StageIds | None:
        if not isinstance(self._settings.source, Bitrix24Source | AmoSource):
            return None
        held = self._held
        if held is None or held[0] is not history:  # another ingest, maybe other words
            held = self._held = history, stage_ids(self._settings)
        return held[1]


def calling(language: str) -> Act:
    """Advise to call who is hot, for the reasons that are advice."""

    def act(prediction: Prediction) -> str:
        if prediction.tier is not Tier.HOT:
            return ""
        good = [r for r in prediction.reasons if r.advisable and r.share > 0]
        # The fact alone: the counts stand on the card already, among the reasons.
        texts = [
            r.text.get(language, "").partition(". ")[0] for r in good[:MOST_REASONS]
        ]
        why = "; ".join(filter(None, texts))
        return CALL[language].format(why=why) if why else CALL_BARE[language]

    return act


def stage_ids(settings: Settings) -> StageIds:
    """Read which id each stage goes by, as the CRM said when it was last read.

    A word that stands for two stages names neither.
    """
    source, folder = settings.source, settings.store.folder
    if isinstance(source, Bitrix24Source):
        told = list(_of_portal(Shelf(folder / source.kind / source.account)))
    elif isinstance(source, AmoSource):
        with closing(AmoShelf(folder / source.kind / source.account)) as shelf:
            told = list(_of_account(shelf))
    else:
        told = []
    often = Counter(word for word, _ in told)
    return {word: stage for word, stage in told if often[word] == 1}


def _of_portal(shelf: Shelf) -> Iterator[tuple[tuple[str, str | None, str], str]]:
    words = Words()
    for page in shelf.pages("words"):
        words.learn(page.rows)
    for listed, stage in words.statuses:
        if listed == "STATUS":
            yield ("lead", None, words.stage("lead", 0, stage)), stage
        elif listed.startswith("DEAL_STAGE"):
            number = listed.removeprefix("DEAL_STAGE").lstrip("_") or "0"
            pipeline = words.categories.get(number, number)
            yield ("deal", pipeline, words.stage("deal", number, stage)), stage


def _of_account(shelf: AmoShelf) -> Iterator[tuple[tuple[str, str | None, str], str]]:
    names = names_of(shelf)
    for (pipeline, status), word in names.stages.items():
        yield ("lead", names.pipeline(pipeline), word), f"{pipeline}/{status}"
