"""Answers that are missing: what a category of client must have told by a stage."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from leads.errors import BadConfig, Fault
from leads.settings import Question
from model.audit.standing import Scene

MOST_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Missing:
    """One question: ``asked`` open leads of the category are at the stage or beyond.

    ``lacking`` of them lack something; ``fields`` counts by field, ``owners`` by
    manager (the empty text: nobody), ``examples`` are some of the leads.
    """

    category: str
    before: str
    asked: int
    lacking: int
    fields: tuple[tuple[str, int], ...]
    owners: tuple[tuple[str, int], ...]
    examples: tuple[str, ...]


def require_questions(scene: Scene) -> None:
    """Refuse a questionnaire that asks about what the data do not have.

    Raises
    ------
    BadConfig
        With every field and stage that is not there.
    """
    if faults := question_faults(scene):
        raise BadConfig.of("The questionnaire", faults)


def question_faults(scene: Scene) -> list[Fault]:
    """Name the fields and stages of the questionnaire that the data do not have."""
    stages = {stage for order in scene.funnel.order.values() for stage in order}
    return [
        Fault("[[questionnaire]]", f"there is no {kind} {name!r}", remedy)
        for one in scene.settings.questionnaire
        for kind, name, remedy in _unknown(one, set(scene.open.columns), stages)
    ]


def missing_answers(scene: Scene) -> tuple[Missing, ...]:
    """Count by question what open leads should have answered by where they stand.

    Nothing is counted as long as the questionnaire has faults.
    """
    if question_faults(scene):
        return ()
    return tuple(_missing(scene, one) for one in scene.settings.questionnaire)


def _unknown(
    one: Question, fields: set[str], stages: set[str]
) -> list[tuple[str, str, str]]:
    asked = [name for name in (one.field, *one.required) if name]
    told = [
        ("card field", name, "Name it as ingest prints it.")
        for name in asked
        if name not in fields
    ]
    if one.before not in stages:
        told.append(("stage", one.before, "Name it as the page of the funnel does."))
    return told


def _missing(scene: Scene, one: Question) -> Missing:
    places = [
        (pipeline, stage)
        for pipeline, order in scene.funnel.order.items()
        if one.before in order
        for stage in order[order.index(one.before) :]
    ]
    schema = {"pipeline": pl.String(), "stage": pl.String()}
    beyond = pl.DataFrame(places, schema=schema, orient="row")
    asked = scene.open.join(beyond, on=list(schema), how="semi", maintain_order="left")
    if one.field:
        told = pl.col(one.field).cast(pl.String()).str.to_lowercase()
        asked = asked.filter(told == one.value.lower())
    empty = [_is_empty(name, asked.schema[name]) for name in one.required]
    lacking = asked.filter(pl.any_horizontal(empty))
    counts = asked.select(e.sum() for e in empty).row(0)
    owners = lacking.group_by(pl.col("owner").fill_null("")).len()
    return Missing(
        category=f"{one.field} = {one.value}" if one.field else "",
        before=one.before,
        asked=len(asked),
        lacking=len(lacking),
        fields=tuple(zip(one.required, map(int, counts), strict=True)),
        owners=tuple(owners.sort("len", "owner", descending=[True, False]).iter_rows()),
        examples=tuple(lacking["lead_id"].head(MOST_EXAMPLES)),
    )


def _is_empty(name: str, dtype: pl.DataType) -> pl.Expr:
    """Whether a field says nothing; blanks say nothing."""
    field = pl.col(name)
    blank = field.str.strip_chars() == "" if dtype == pl.String() else pl.lit(False)  # noqa: FBT003
    return (field.is_null() | blank).alias(name)
