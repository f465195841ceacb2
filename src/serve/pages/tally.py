"""Gathers the page of points from what a sight sees: open leads, scorecard, past."""

from __future__ import annotations

from collections.abc import Mapping

from leads.records import Stored
from serve.pages.listing import Wanted
from serve.pages.scoresheet import Apart, Points, Sheet
from serve.pages.sight import Sight
from serve.planning import Memory
from serve.pointing import (
    MOST_LEADS,
    MOST_SHOWN,
    Scored,
    counted,
    furthest,
    grid_of,
    kept_tried,
    rival_of,
)
from serve.vocabulary import world_of


def tally_of(sight: Sight) -> Points | None:
    """Look up points and who has how many; None if there is no scorecard."""
    history, settings = sight.history(), sight.settings
    if history is None:
        return None
    planner = None if sight.planning is None else sight.planning.current()
    world = world_of(settings, history)
    book = None if planner is None else planner.playbook
    use = counted(settings, book, world)
    if use is None:
        return None
    still_open = sight.ranked().narrowed(Wanted())
    part = still_open.head(MOST_LEADS)
    named = part.select("lead_id", "entry", "tier", chance="probability").to_dicts()
    memory = planner.memory if planner else Memory.of(history, settings)
    scored = sight.scores.of(use, memory, named)
    tried, apart = kept_tried(settings, use), furthest(scored)
    entries = sight.journal.entries([one.entry for one in apart])
    return Points(
        Sheet(
            origin=use.origin,
            card=use.card,
            cells=grid_of(scored, tried),
            tried=tried is not None,
            auc=None if tried is None else tried.auc,
            first=scored[:MOST_SHOWN],
            apart=tuple(_apart(one, entries) for one in apart),
            most=MOST_LEADS if len(still_open) > MOST_LEADS else None,
            rival=rival_of(settings),
        ),
        use,
        world,
    )


def _apart(lead: Scored, entries: Mapping[int, Stored]) -> Apart:
    """Say what the model says most loudly of a lead that it sees otherwise."""
    found = entries.get(lead.entry)
    sign = 1 if lead.told > lead.rank else -1
    reasons = () if found is None else found.prediction.reasons
    main = max(reasons, key=lambda reason: sign * reason.share, default=None)
    return Apart(lead, None if main is None else main.text)
