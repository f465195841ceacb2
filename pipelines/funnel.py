"""``funnel``: what is wrong with it, and the clean-up of a dump."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from leads.errors import BadConfig, BadInput, Fault
from leads.persons import known_persons
from leads.settings import Settings, read_settings
from model.audit.clearer import read_rules, write_rules
from model.audit.questionnaire import require_questions
from model.audit.standing import look_over
from model.audit.whole import audit_scene, with_rules
from model.cleaning.advice import Plan, plan_cleaning
from model.cleaning.planfile import read_plan, write_plan
from model.cleaning.words import ACTS
from pipelines.auditing import show_audit
from pipelines.console import ConfigOption, log, out, table, verb, working
from pipelines.foreseeing import (
    forecast_stored,
    prove_stored,
    show_distance,
    show_proof,
)
from pipelines.ingest import stored
from pipelines.tidying import Receipt, carry_out, undo
from pipelines.watching import months_passing

funnel = typer.Typer(
    name="funnel",
    help="Say what is wrong with the funnel, and clean up a dump of leads.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
)

JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the same facts as JSON."),
]
ProposeOption = Annotated[
    Path | None,
    typer.Option(
        "--propose", metavar="FILE.yaml", help="Write the proposed stages for editing."
    ),
]
MappingOption = Annotated[
    Path | None,
    typer.Option(
        "--mapping", metavar="FILE.yaml", help="Preview these stages instead."
    ),
]
PlanOption = Annotated[
    Path | None,
    typer.Option(
        "--plan", metavar="FILE", help="Write the plan: .csv, .xlsx or .yaml."
    ),
]
ApplyOption = Annotated[
    Path | None,
    typer.Option(
        "--apply", metavar="FILE", help="Carry out the rows with yes under approve."
    ),
]
UndoOption = Annotated[
    Path | None,
    typer.Option("--undo", metavar="RECEIPT", help="Take a clean-up back."),
]
ByOption = Annotated[
    str, typer.Option("--approved-by", metavar="NAME", help="Who answers for it.")
]


@funnel.command("audit")
@verb
def audit(
    config: ConfigOption,
    json: JsonOption = None,
    propose: ProposeOption = None,
    mapping: MappingOption = None,
) -> None:
    """Say where leads stick, what is not done, and which stages would be clearer.

    Nothing is changed anywhere. Exit codes: 0 done, 2 bad input or configuration.
    """
    settings = read_settings(config)
    with working("Looking the funnel over"):
        history, digest = stored(settings)
        people = known_persons(settings.store.folder)
        scene = look_over(history, settings, history.cut_off, persons=people)
        require_questions(scene)
        found = audit_scene(scene)
        if mapping is not None:
            found = with_rules(found, scene, read_rules(mapping, scene))
    if propose is not None:
        write_rules(found.proposal, propose)
    if json is not None:
        _write_json(json, {"digest": digest, **found.to_facts()})
    log.info("audited", open=found.open, never=found.never, overdue=found.overdue)
    show_audit(found, settings.company.language)


@funnel.command("clean")
@verb
def clean(
    config: ConfigOption,
    plan: PlanOption = None,
    apply: ApplyOption = None,
    undo_receipt: UndoOption = None,
    approved_by: ByOption = "",
    json: JsonOption = None,
) -> None:
    """Plan the clean-up of a dump, carry out what was approved, or take it back.

    With --plan: say of each open lead whether to merge, link, close, look at or keep
    it. With --apply: order what was approved through the outbox; deliver sends it.
    With --undo: order the cards of a receipt back to where they stood.

    Exit codes: 0 done, 2 bad input or configuration, 4 CRM or database not there.
    """
    settings = read_settings(config)
    if sum(given is not None for given in (plan, apply, undo_receipt)) != 1:
        raise _refused("--plan", "name one of --plan, --apply, --undo")
    if plan is None and not approved_by.strip():
        raise _refused("--approved-by", "is missing")
    if plan is not None:
        _plan(settings, plan, json)
    elif apply is not None:
        rows, now = read_plan(apply), datetime.now(UTC)
        show_receipt(
            carry_out(settings, rows, by=approved_by.strip(), plan=apply, now=now)
        )
    elif undo_receipt is not None:
        show_receipt(undo(settings, undo_receipt, by=approved_by.strip()))


MonthsOption = Annotated[
    int, typer.Option(min=1, max=60, help="How many of the last mature months.")
]
CallsOption = Annotated[
    int | None,
    typer.Option("--calls", min=1, help="Calls a week; else as [tiers] says."),
]


@funnel.command("forecast")
@verb
def forecast(
    config: ConfigOption, months: MonthsOption = 6, json: JsonOption = None
) -> None:
    """Say what open leads will bring, and how right that would have been.

    Stage percentages stand beside counts and the model. Each past month costs a
    training once. Exit codes: 0 done, 2 bad input or configuration, 3 no model.
    """
    settings = read_settings(config)
    with months_passing() as watch:
        made = forecast_stored(settings, months=months, watch=watch)
    if json is not None:
        _write_json(json, made)
    log.info("forecast", rungs=len(made.rungs), cells=len(made.ahead))
    show_distance(made, settings, json)


@funnel.command("proof")
@verb
def proof(
    config: ConfigOption,
    months: MonthsOption = 6,
    calls: CallsOption = None,
    json: JsonOption = None,
) -> None:
    """Hold our order of calls against others over the past, at equal capacity.

    Nothing is changed anywhere. Exit codes: 0 done, 2 bad input or configuration.
    """
    settings = read_settings(config)
    with months_passing() as watch:
        made = prove_stored(settings, months=months, per_week=calls, watch=watch)
    if json is not None:
        _write_json(json, made)
    log.info("proved", capacities=len(made.benefits))
    show_proof(made)


def _plan(settings: Settings, path: Path, json: Path | None) -> None:
    with working("Comparing leads"):
        history, digest = stored(settings)
        people = known_persons(settings.store.folder)
        made = plan_cleaning(history, settings, history.cut_off, persons=people)
    if made.known.open and made.known.is_nothing:
        raise BadConfig(
            f"Nothing tells who the {made.known.open:,} open leads are: no phone, mail"
            " address, tax number or company. Whether there are doubles among them"
            " cannot be known.",
            remedy="If card fields hold these, name them in [clean]: phone, email, inn,"
            " name, company. Then ingest again.",
        )
    write_plan(made, path, language=settings.company.language)
    if json is not None:
        rows = [dict(zip(("lead", "act", "target", "why", "confidence"),
                (r.lead_id, r.act, r.target, r.why, r.confidence), strict=True))
                for r in made.rows]  # fmt: skip
        _write_json(json, {"digest": digest, "counts": made.counts(), "rows": rows})
    log.info("planned", leads=made.leads, pairs=made.pairs, **made.counts())
    show_plan(made, path, settings.company.language)


def _refused(option: str, what: str) -> BadInput:
    remedy = "See python -m pipelines funnel clean --help."
    return BadInput.of("The command", [Fault(option, what, remedy)])


def _write_json(path: Path, facts: object) -> None:
    try:
        path.write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror}.",
            remedy="Name a file in a folder that is there.",
        ) from error


def show_plan(made: Plan, path: Path, language: str) -> None:
    """Print what the plan holds, and where it is."""
    acts = table("Plan of the clean-up", "what to do", "leads")
    for act, count in made.counts().items():
        acts.add_row(ACTS[act][language], f"{count:,}")
    out.print(acts)
    known = made.known
    out.print(f"leads    {made.leads:,}, pairs compared {made.pairs:,}")
    if not known.open:
        out.print("open     none: there is nothing to clean up")
        return
    marks = ", ".join(f"{name} {count:,}" for name, count in known.marks.items())
    said = [f"known    of {known.open:,} open leads: {marks}"]
    if known.blind:
        said.append(
            f"unknown  {known.blind:,} open leads carry nothing that tells who they"
            " are: whether they are doubles cannot be said"
        )
    if known.unread:
        said.append(
            f"unread   {', '.join(known.unread)}: no lead carries one; if a card field"
            " holds it, name it in [clean] and ingest again"
        )
    for line in said:
        out.print(line, markup=False, soft_wrap=True)
    out.print(f"plan     {path}", markup=False, soft_wrap=True)
    out.print("next     write yes under approve, then funnel clean --apply")


def show_receipt(receipt: Receipt) -> None:
    """Print what was ordered, and what was not."""
    out.print(f"ordered  {len(receipt.cards):,} cards; deliver sends them")
    for why, count in receipt.left.items():
        out.print(f"left     {count:,} {why}")
    if receipt.path:
        out.print(f"receipt  {receipt.path}", markup=False, soft_wrap=True)
