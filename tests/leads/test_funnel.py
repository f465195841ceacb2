from __future__ import annotations

import polars as pl
import pytest
from tests.by_hand import by_hand

from leads.funnel import Funnel, learn_funnel
from leads.tables import INSTANT

Moves = list[tuple[str, float, str]]


def path(lead: str, *stages: str, start: float = 0.0) -> Moves:
    """Walk a lead through stages, a day each, from a day on."""
    return [(lead, start + day, stage) for day, stage in enumerate(stages)]


def company(**counts: int) -> tuple[list[str], Moves]:
    """Walk many leads; ``new_talk_won=20`` is twenty leads through three stages."""
    moves: Moves = []
    for walk, count in counts.items():
        for number in range(count):
            moves += path(f"{walk}-{number}", *walk.split("_"))
    return sorted({lead for lead, *_ in moves}), moves


def learned(
    paid: str = "won", cut_off: float = 100, **counts: int
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Learn the one funnel of a company whose leads pay on entering a stage."""
    ids, moves = company(**counts)
    payments = [(lead, day, 100) for lead, day, stage in moves if stage == paid]
    history = by_hand(ids, stages=moves, payments=payments, cut_off=cut_off)
    funnel = learn_funnel(history.tables)
    return funnel.order[""], funnel.won.get("", ()), funnel.lost.get("", ())


def test_order_and_closing_stages_are_learned() -> None:
    """Stages stand in the order of most leads; the last two are known for what end."""
    found = learned(new_talk_won=20, new_talk_lost=20, new_lost=10)

    assert found == (("new", "talk", "lost", "won"), ("won",), ("lost",))


def test_leads_that_skip_stages_do_not_distort_the_order() -> None:
    """A stage entered first by most leads is still after those that precede it."""
    order, *_ = learned(a_b_c_won=5, c_won=40, a_b_won=5)

    assert order == ("a", "b", "c", "won")


@pytest.mark.parametrize(("reopened", "closes"), [(15, True), (25, False)])
def test_a_stage_that_leads_often_leave_is_open(*, reopened: int, closes: bool) -> None:
    """A quarter reopened does not open a closing stage; more than a third does."""
    *_, lost = learned(new_talk_lost=40, new_lost_talk=reopened, new_talk_won=20)

    assert ("lost" in lost) == closes


def test_where_leads_begin_is_no_end() -> None:
    """A first stage from which nobody has moved yet closes nothing."""
    assert learned(new=50) == (("new",), (), ())


def test_a_handful_of_entries_closes_nothing() -> None:
    """Nine leads that stayed are no proof; ten are."""
    assert learned(new_rare=9, new_talk=1)[2] == ()
    assert learned(new_rare=10, new_talk=1)[2] == ("rare",)


def test_a_stage_after_which_some_pay_and_some_do_not_is_open() -> None:
    """Waiting for money is not an end, though no stage follows."""
    ids, moves = company(new_invoice=40)
    payments = [(lead, 5, 100) for lead in ids[:20]]
    history = by_hand(ids, stages=moves, payments=payments, cut_off=100)

    funnel = learn_funnel(history.tables)

    assert funnel.state_of(None, "invoice") == "open"


def test_leads_that_convert_after_leaving_do_not_keep_a_stage_open() -> None:
    """Who is taken up again and pays has left; while lost, nobody pays."""
    *_, lost = learned(new_lost=40, new_lost_talk_won=10, new_talk_won=20)

    assert lost == ("lost",)


def test_young_entries_are_not_judged() -> None:
    """Leads that had no time to move on do not make their stage an end."""
    assert learned(new_talk_won=20, new_talk_lost=20, cut_off=1.5)[1:] == ((), ())


def test_a_pipeline_without_any_win_has_a_defined_funnel() -> None:
    """Nobody ever paid: what ends there is lost."""
    assert learned(paid="", new_talk_end=20) == (("new", "talk", "end"), (), ("end",))


def test_named_stages_replace_the_learned_ones() -> None:
    """With any stage named, only named ones close, in every pipeline."""
    ids, moves = company(new_talk_won=20, new_talk_lost=20)
    history = by_hand(ids, stages=moves)

    funnel = learn_funnel(history.tables, lost=["talk", "never seen"])

    assert funnel.closing.rows() == [("", "talk", "lost")]
    assert funnel.order[""][-1] == "talk"


def test_what_counts_as_conversion_decides_what_is_won() -> None:
    """Conversion by stage: an end most of whose leads passed through it is won."""
    ids, moves = company(new_approved_done=20, new_declined=20)
    history = by_hand(ids, stages=moves)
    entries = history.tables.stages.filter(pl.col("stage") == "approved")
    converted = entries.select("lead_id", converted_at=pl.col("at").cast(INSTANT))

    funnel = learn_funnel(history.tables, converted=converted)

    assert funnel.state_of(None, "done") == "won"
    assert funnel.state_of(None, "declined") == "lost"


def test_no_stages_no_funnel() -> None:
    """A company without stages has an empty funnel, in which everything is open."""
    funnel = learn_funnel(by_hand().tables)

    assert funnel == Funnel()
    assert funnel.state_of("any", None) == "open"
    assert funnel.closing.is_empty()
