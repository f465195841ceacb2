from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.crm.writeback.saying import said

from leads.decision import Tier
from leads.journal import Journal
from playbook.routed import (
    Last,
    arms_of,
    given_since,
    given_to,
    keep_routes,
    lasting,
)
from playbook.routing import Route

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open a journal in which one lead was predicted."""
    with closing(Journal(f"sqlite:///{tmp_path / 'journal.db'}")) as opened:
        opened.upgrade()
        opened.record([said("a")], made_at=NOW, channel="score")
        yield opened


def kept(journal: Journal, *routes: Route, hours: float = 0, salt: str = "s") -> int:
    """Keep routes so many hours later."""
    return keep_routes(journal, routes, salt=salt, now=NOW + timedelta(hours=hours))


GIVEN = Route("a", Tier.HOT, "given", "P")


def test_a_repeated_run_writes_nothing_down_again(journal: Journal) -> None:
    """Only a lead that goes elsewhere, or by another draw, is a new row."""
    assert kept(journal, GIVEN, Route("b", Tier.COLD, "nurture", low_arm="held")) == 2
    assert kept(journal, GIVEN) == 0
    assert kept(journal, Route("a", Tier.WARM, "given", "Q")) == 1
    assert (
        kept(journal, Route("b", Tier.COLD, "nurture", low_arm="held"), salt="t") == 1
    )

    assert lasting(journal) == {
        "a": Last(Tier.WARM, "given", "Q"), "b": Last(Tier.COLD, "nurture", ""),
    }  # fmt: skip
    assert list(lasting(journal, ["b", "c"])) == ["b"]


def test_a_lead_stays_in_the_arm_that_it_was_drawn_into_first(journal: Journal) -> None:
    """Whatever becomes of its tier later; the moment is that of the first draw."""
    kept(journal, Route("b", Tier.COLD, "random", "P", low_arm="random"))
    kept(journal, Route("b", Tier.HOT, "given", "P"), hours=1)
    kept(journal, Route("b", Tier.COLD, "nurture", low_arm="held"), hours=2, salt="t")

    (arm,) = arms_of(journal)

    assert (arm.arm, arm.at, arm.salt) == ("random", NOW, "s")


def test_each_is_counted_since_a_midnight_of_their_own(journal: Journal) -> None:
    """Of waiting and nurture nobody has anything, and a lead counts once."""
    kept(journal, GIVEN, Route("b", Tier.HOT, "waits", "P"))
    kept(journal, Route("a", Tier.WARM, "given", "P"), hours=1)
    kept(journal, Route("c", Tier.HOT, "given", "Q"))

    later = NOW + timedelta(minutes=30)

    assert given_since(journal, {"P": NOW, "Q": NOW}) == {"P": 1, "Q": 1}
    assert given_since(journal, {"P": NOW, "Q": later}) == {"P": 1}
    assert not given_since(journal, {})
    assert given_to(journal, "P") == ["a"]


def test_what_is_done_beside_shares_the_transaction(journal: Journal) -> None:
    """It is told the new routes and where they went before; its failure undoes all."""
    kept(journal, GIVEN)
    seen: list[tuple[list[str], Mapping[str, Last]]] = []

    def fail(
        _: sa.Connection, new: Sequence[Route], before: Mapping[str, Last]
    ) -> None:
        seen.append(([one.lead_id for one in new], before))
        raise RuntimeError("no room")

    moved = Route("a", Tier.WARM, "given", "Q")
    with pytest.raises(RuntimeError):
        keep_routes(journal, [moved], salt="s", now=NOW, also=fail)

    assert seen == [(["a"], {"a": Last(Tier.HOT, "given", "P")})]
    assert lasting(journal)["a"].person == "P"
