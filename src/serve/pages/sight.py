"""All that pages and reports look at, behind one window that only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import polars as pl

from leads.decision import Override, Prediction
from leads.errors import BadConfig, BadInput, NoModel
from leads.history import History, LeadHistory
from leads.journal import Journal
from leads.overruling import standing_override, standing_overrides
from leads.persons import known_persons
from leads.ranks import entries_before
from leads.runs import Runs
from leads.settings import Settings
from model.audit.standing import Scene, look_over
from model.audit.whole import Audit, audit_scene
from model.backtest.outcomes import Backtest
from model.features.catalog import Words
from model.stages import Stages, pass_stages
from playbook.ledger import planned_counts
from playbook.norms import Norms
from playbook.routed import given_to, lasting
from playbook.routing import GIVEN
from serve.insight import Insight
from serve.overlay import known_now
from serve.pages.aside import Aside, answer_to, look_aside
from serve.pages.dossier import Dossier, compile_dossier
from serve.pages.evidence import Evidence
from serve.pages.flowchart import Flowchart, chart_of
from serve.pages.foreseen import Foreseen, Passage
from serve.pages.handout import Handout, look_up
from serve.pages.hindsight import (
    Card,
    Hindsight,
    Managers,
    latest_month,
    look_back,
    managers_of,
)
from serve.pages.leadpoints import LeadPoints, lead_points_of
from serve.pages.listing import (
    MOST_EXPORTED,
    PAGE_SIZE,
    Known,
    Listing,
    Row,
    Told,
    Wanted,
    counts_of,
    rows_of,
)
from serve.pages.nextstep import PlanLine, PlanSheet, line_of, sheet_of
from serve.pages.ranking import By, Ranked, Ranking, among, of_tier, tier_counts
from serve.pages.scoresheet import OpenScores
from serve.pages.seen import Seen
from serve.pages.telling import SECONDS, Teller
from serve.pages.today import Room, call_today, in_calling_order
from serve.pages.trust import LatestMonth, Trust, weigh
from serve.pages.versus import Versus, versus
from serve.pages.whereabouts import (
    PerIngest,
    Places,
    Waiting,
    waiting_of,
    whereabouts,
)
from serve.planning import Memory, Planning
from serve.pointing import counted
from serve.scheduler import DailyState, daily_state
from serve.vocabulary import kept_folder, world_of

AT_ONCE: Final = 1_000
"""Leads whose predictions are read at once for an export."""

EARLIER: Final = 50
"""How many of a lead's predictions its page goes back."""


def wall_clock() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Sight:
    """What there is to see of leads and model.

    ``history`` gives the ingested data, or None before there are any; ``evidence``
    raises ``NoModel`` before a model is promoted; ``backtest`` gives the latest one, or
    None. All are asked for every page, so a promotion shows at once. ``now`` tells
    which tiers that people set still stand, ``seen`` what the CRM has told since the
    data were ingested; None where nobody listens.
    """

    settings: Settings
    journal: Journal
    history: Callable[[], History | None]
    evidence: Callable[[], Evidence]
    backtest: Callable[[], Backtest | None] = lambda: None
    ranking: Ranking = field(default_factory=Ranking, compare=False)
    places: PerIngest[pl.DataFrame] = field(
        default_factory=lambda: PerIngest(whereabouts), compare=False
    )
    passages: PerIngest[Stages] = field(
        default_factory=lambda: PerIngest(pass_stages), compare=False
    )
    scenes: PerIngest[Scene] = field(
        default_factory=lambda: PerIngest(_scene), compare=False
    )
    insight: Insight | None = None
    teller: Teller = field(default_factory=Teller, compare=False)
    now: Callable[[], datetime] = wall_clock
    planning: Planning | None = None
    scores: OpenScores = field(default_factory=OpenScores, compare=False)
    seen: Seen | None = None

    def listing(
        self, wanted: Wanted, *, size: int = PAGE_SIZE, seconds: float | None = SECONDS
    ) -> Listing:
        """Look up one page of the list; a page past the end is the last one.

        Parameters
        ----------
        seconds
            How long to wait for what moved each chance; None waits for all.
        """
        ranked, overrides = self.ranked(), self.overrides()
        narrowed = self._narrowed(wanted, ranked, overrides)
        overruled = among(narrowed, overrides)
        shown = overruled if wanted.overruled else narrowed
        chosen = of_tier(shown, wanted.tier)
        page = min(wanted.page, max(1, -(-len(chosen) // size)))
        part = chosen.slice((page - 1) * size, size)
        return Listing(
            rows=self.rows(part, overrides, seconds=seconds),
            wanted=wanted.at(page),
            total=len(chosen),
            predicted=len(ranked.frame),
            counts=counts_of(tier_counts(narrowed)),
            choices=replace(ranked.choices, given=self._people()),
            horizon_days=self.settings.conversion.horizon_days,
            page_size=size,
            by=ranked.by,
            overruled=len(overruled),
            today=self._today(ranked, overrides, part),
        )

    def morning(self) -> DailyState | None:
        """Say how today's run stands; None where nobody runs mornings."""
        return daily_state(Runs(self.journal), self.settings, self.now())

    def every(self, wanted: Wanted) -> Iterator[Row]:
        """Look up the first of the leads that are asked for, whatever the page.

        Why a chance moved is told where a page has told it; nothing is waited for.
        """
        overrides = self.overrides()
        narrowed = self._narrowed(wanted, self.ranked(), overrides)
        if wanted.overruled:
            narrowed = among(narrowed, overrides)
        chosen = of_tier(narrowed, wanted.tier).head(MOST_EXPORTED)
        for part in chosen.iter_slices(AT_ONCE):
            yield from self.rows(part, overrides, seconds=0.0)

    def stages(self) -> Stages | None:
        """Look up how leads pass the stages; None if there are none."""
        history = self.history()
        if history is None:
            return None
        found = self.passages.of(history, self.settings)
        return found if found.stages else None

    def audit(self) -> Audit | None:
        """Look up what is wrong with the funnel; None if there is none."""
        history = self.history()
        if history is None or self.stages() is None:
            return None
        return audit_scene(self.scenes.of(history, self.settings))

    def passage(self) -> Passage | None:
        """Look up all that the page of the funnel shows; None if there is none."""
        stages = self.stages()
        if stages is None:
            return None
        return Passage(stages, self.audit(), self.foreseen())

    def foreseen(self) -> Foreseen:
        """Look up the forecast of the funnel and the proof of the order of calls."""
        return Foreseen.of(self.settings.store.folder)

    def flowchart(self) -> Flowchart | None:
        """Look up the playbook and who is in it; None if none is in use."""
        planner = None if self.planning is None else self.planning.current()
        if planner is None:
            return None
        made = planner.playbook
        chart = chart_of(made, planned_counts(self.journal), kept_folder(self.settings))
        return Flowchart(made, world_of(self.settings, self.history()), chart)

    def waiting(self) -> tuple[Waiting, ...]:
        """Count by manager the open leads, and the hot ones that wait too long."""
        return waiting_of(self.ranked().frame)

    def dossier(self, lead_id: str) -> Dossier | None:
        """Look up everything about one lead; None if it was never predicted."""
        try:
            entries = self.journal.history(lead_id, limit=EARLIER)
        except BadInput:  # an id that no database can hold
            return None
        if not entries:
            return None
        made = compile_dossier(
            entries,
            self._lead(lead_id),
            usual=self._usual(),
            place=self.whereabouts().place(lead_id),
            override=standing_override(self.journal, lead_id, now=self.now()),
        )
        newest = entries[0].prediction
        return replace(made, plan=self._plan(newest), points=self.lead_points(newest))

    def lead_points(self, prediction: Prediction) -> LeadPoints | None:
        """Look up a lead's points at its prediction; None without a scorecard."""
        history = self.history()
        if history is None:
            return None
        planner = None if self.planning is None else self.planning.current()
        world = world_of(self.settings, history)
        use = counted(
            self.settings, None if planner is None else planner.playbook, world
        )
        if use is None:
            return None
        memory = Memory(history, Norms()) if planner is None else planner.memory
        known = memory.known(prediction, lead=self._lead(prediction.lead_id))
        return lead_points_of(use, known, world)

    def aside(self, lead_id: str, query: Iterable[tuple[str, str]] = ()) -> Aside:
        """Look up what stands beside a lead's prediction."""
        return look_aside(self.insight, lead_id, query)

    def answer(self, lead_id: str, query: Iterable[tuple[str, str]]) -> Aside:
        """Look up only what a what-if answers."""
        return answer_to(self.insight, lead_id, query)

    def trust(self) -> Trust | None:
        """Look up the proof of the model in use; None if there is none."""
        try:
            evidence = self.evidence()
        except NoModel:
            return None
        told = evidence.proof.count > 0 or evidence.missing
        return weigh(evidence, self._latest_month()) if told else None

    def card(self) -> Card | None:
        """Look up the card of the model in use; None if there is none."""
        try:
            sections = self.evidence().sections
        except NoModel:
            return None
        return Card(sections) if sections else None

    def versus(self, old: str | None = None, new: str | None = None) -> Versus:
        """Look up how two versions compare; says what is missing if they do not."""
        return versus(self.settings.store.folder, old, new)

    def hindsight(self) -> Hindsight | None:
        """Look up the latest back-test; None if there is none."""
        made = self.backtest()
        return None if made is None else look_back(made)

    def managers(self) -> Managers | None:
        """Look up the managers of the latest back-test and of today's open leads.

        None if neither knows any.
        """
        made = self.backtest()
        return managers_of(None if made is None else made.team, self.waiting())

    def fields(self) -> Mapping[str, Words]:
        """Give the words of the business fields, none before there is a model."""
        try:
            return self.evidence().fields
        except NoModel:
            return {}

    def _today(
        self, ranked: Ranked, overrides: Mapping[str, Override], shown: pl.DataFrame
    ) -> tuple[str, ...]:
        """Name those of the shown leads that are to be called today."""
        called = call_today(ranked.frame, overrides, Room.of(self.settings))
        return tuple(among(shown, called["lead_id"].to_list())["lead_id"])

    def _latest_month(self) -> LatestMonth | None:
        made = self.backtest()
        return None if made is None else latest_month(made)

    def _usual(self) -> float | None:
        try:
            return self.evidence().usual or None
        except NoModel:
            return None

    def _lead(self, lead_id: str) -> LeadHistory | None:
        fresh = None if self.seen is None else self.seen.fresh
        found = known_now(self.history(), fresh, lead_id)
        return None if found is None else found[0]

    def whereabouts(self) -> Places:
        """Say where leads stand: as ingested, or as seen in the CRM since."""
        history = self.history()
        if history is None:
            return Places()
        ingested = self.places.of(history, self.settings)
        if self.seen is None:
            return Places(ingested)
        return self.seen.places(history, ingested)

    def ranked(self) -> Ranked:
        """Rank every predicted lead."""
        return self.ranking.of(self.journal, self.whereabouts(), self._by())

    def _by(self) -> By:
        try:
            evidence = self.evidence()
            # Without a model all chances are the usual one; points may give tiers.
            return "tier" if evidence.missing is not None else evidence.model.by
        except NoModel:
            return "chance"

    def overrides(self) -> Mapping[str, Override]:
        """List the tiers that people set and that stand now."""
        return standing_overrides(self.journal, now=self.now())

    def rows(
        self,
        shown: pl.DataFrame,
        overrides: Mapping[str, Override],
        *,
        seconds: float | None,
    ) -> tuple[Row, ...]:
        """Look up the leads of a part of the ranking, in its order."""
        entries = self.journal.entries(shown["entry"].to_list())
        before = entries_before(self.journal, shown["lead_id"].to_list())
        ordered = [entries[number] for number in shown["entry"] if number in entries]
        told: Mapping[int, Told] = {}
        if self.insight is not None:
            told = self.teller.tell(
                self.insight,
                [(one, before.get(one.prediction.lead_id)) for one in ordered],
                history=self.history(),
                seconds=seconds,
            )
        ids = shown["lead_id"].to_list()
        known = Known(
            entries, before, told, overrides, self._plans(ids), self._given(ids)
        )
        return rows_of(shown.to_dicts(), known)

    def handout(self) -> Handout | None:
        """Look up who has which leads, and the next round; None if nobody is listed."""
        history = self.history()
        if history is None or not self._people():
            return None
        try:
            return look_up(self.settings, self.journal, history, now=self.now())
        except BadConfig:  # the command names the fault
            return None

    def _people(self) -> tuple[str, ...]:
        return tuple(one.id for one in self.settings.routing.person)

    def _given(self, lead_ids: Sequence[str]) -> Mapping[str, str]:
        """Say to whom leads were given last, those that were."""
        if not self._people():
            return {}
        last = lasting(self.journal, lead_ids).items()
        return {name: one.person for name, one in last if one.kind in GIVEN}

    def _narrowed(
        self, wanted: Wanted, ranked: Ranked, overrides: Mapping[str, Override]
    ) -> pl.DataFrame:
        """Keep the leads that are asked for, whom to call first on top."""
        kept = self._given_to(wanted, ranked.narrowed(wanted))
        return in_calling_order(kept, overrides)

    def _given_to(self, wanted: Wanted, narrowed: pl.DataFrame) -> pl.DataFrame:
        if not wanted.given:
            return narrowed
        return among(narrowed, given_to(self.journal, wanted.given))

    def _plans(self, lead_ids: Sequence[str]) -> Mapping[str, PlanLine]:
        if self.planning is None:
            return {}
        kept = self.planning.kept(self.journal, lead_ids)
        return {lead_id: line_of(step) for lead_id, step in kept.items()}

    def _plan(self, prediction: Prediction) -> PlanSheet | None:
        planner = None if self.planning is None else self.planning.current()
        if self.planning is None or planner is None:
            return None
        lead_id = prediction.lead_id
        step = self.planning.kept(self.journal, [lead_id]).get(lead_id)
        if step is None:
            return None
        world = world_of(self.settings, self.history())
        lead = self._lead(prediction.lead_id)
        known = planner.memory.known(prediction, lead=lead)
        return sheet_of(step, planner.playbook, world, known)


def _scene(history: History, settings: Settings) -> Scene:
    persons = known_persons(settings.store.folder)
    return look_over(history, settings, history.cut_off, persons=persons)
