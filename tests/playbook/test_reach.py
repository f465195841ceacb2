from __future__ import annotations

import pytest
from tests.playbook.charts import TEXT, WORLD

from playbook.file import parse_playbook
from playbook.reach import unreachable

HEAD = TEXT.split("branches:\n")[0]
PLANS = "plans:\n" + "".join(
    f"  p{n}: {{segment: S{n}, steps: [Do]}}\n" for n in range(1, 5)
)


def dead(*conditions: str) -> list[str]:
    """Say which branches of a flat list are out of reach, ``else`` being the last."""
    lines = [
        f"  - {{when: {c}, plan: p{n}}}\n" for n, c in enumerate(conditions, start=1)
    ]
    last = len(conditions) + 1
    plans = PLANS.split("\n")
    text = HEAD + "branches:\n" + "".join(lines) + f"  - else: p{last}\n"
    text += "\n".join(plans[: last + 1]) + "\n"
    return [branch.number for branch in unreachable(parse_playbook(text, WORLD))]


@pytest.mark.parametrize(
    ("conditions", "numbers"),
    [
        (["{tier: hot}", "{tier: hot, stage: New}"], ["2"]),
        (["{tier: [hot, warm]}", "{tier: hot}"], ["2"]),
        (["{probability: {at_least: 0.2}}", "{probability: {more_than: 0.2}}"], ["2"]),
        (["{probability: {more_than: 0.2}}", "{probability: {at_least: 0.2}}"], []),
        (["{quiet: {more_than: 5, less_than: 5}}"], ["1"]),
        (["{tier: hot, not: {tier: [hot, cold]}}"], ["1"]),
        (["{tier: [hot, warm]}", "{tier: [cold, no_data]}"], ["3"]),
        (["{tier: [hot, warm]}", "{tier: [cold]}"], []),
        (["{any: [{tier: hot}, {stage: New}]}", "{stage: New, quiet: {is: 1}}"], ["2"]),
        # a stage may be unknown, so all stages together do not take everyone
        (["{stage: [New, Offer, Won]}"], []),
        (["{stage: New}", "{not: {stage: New}}"], []),
        # two windows are two facts
        (["{events.visit: {at_least: 1, within: 7d}}", "{events.visit: {is: 3}}"], []),
        # sets of reasons are not judged
        (["{reasons_for: visit}", "{reasons_for: [visit]}"], []),
    ],
)  # fmt: skip
def test_a_branch_is_called_unreachable_only_by_proof(
    conditions: list[str], numbers: list[str]
) -> None:
    """Shadowed, contradictory and left-over branches are found, and no others."""
    assert dead(*conditions) == numbers


def test_what_stands_beneath_a_dead_branch_is_dead_too() -> None:
    """A question above rules out what contradicts it below."""
    text = TEXT.replace("{stage_age_ratio: {more_than: 2}}", "{tier: cold}")

    made = parse_playbook(text, WORLD)

    assert [branch.number for branch in unreachable(made)] == ["1.1"]
