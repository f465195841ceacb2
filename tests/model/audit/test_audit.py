from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from leads.errors import BadConfig, BadInput
from leads.history import History, microseconds
from leads.settings import Audit as Rules
from leads.settings import Conversion, FilesSource, Funnel, Question, Settings
from leads.tables import SCHEMAS, FieldType, Tables
from model.audit.channels import said_channel
from model.audit.clearer import Rule, preview, propose, read_rules, write_rules
from model.audit.questionnaire import require_questions
from model.audit.standing import Scene, look_over
from model.audit.whole import Audit, audit_scene

START = datetime(2026, 1, 1, tzinfo=UTC)
CUT_OFF = START + timedelta(days=100)
SETTINGS = Settings(
    source=FilesSource(kind="files", folder=Path("data")),
    conversion=Conversion(kind="payment", horizon_days=30),
    funnel=Funnel(won=("paid",), lost=("gone",)),
    audit=Rules(crowd=3),
)

Lead = tuple[str, str | None, list[tuple[float, str]], list[tuple[float, str]]]
"""Source, owner, days and stages, days and kinds of events."""


def company(leads: dict[str, Lead], budget: dict[str, float] | None = None) -> History:
    """Make leads that are created on day 0; all is known at once."""

    def at(day: float) -> datetime:
        return START + timedelta(days=day)

    rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in SCHEMAS}
    for lead, (source, owner, stages, events) in leads.items():
        rows["leads"].append((lead, at(0), at(0), source, "sales", owner))
        for day, stage in stages:
            rows["stages"].append((lead, at(day), at(day), "sales", stage))
        for day, kind in events:
            known = at(min(day, 50))
            rows["events"].append((lead, at(day), known, kind, None, None))
    frames = {
        name: pl.DataFrame(rows[name], schema=dict(schema), orient="row").sort(
            list(schema)
        )
        for name, schema in SCHEMAS.items()
    }
    said = {} if budget is None else budget
    frames["leads"] = frames["leads"].with_columns(
        budget=pl.Series([said.get(one) for one in frames["leads"]["lead_id"]],
                         dtype=pl.Float64()),
        kind=pl.when(pl.col("source") == "web").then(pl.lit("b2b")),
    )  # fmt: skip
    fields = {"budget": FieldType.NUMBER, "kind": FieldType.TEXT}
    return History(Tables(cut_off=CUT_OFF, fields=fields, **frames))  # type: ignore[arg-type]


def went(*stages: str, by: float = 2.0) -> list[tuple[float, str]]:
    """Enter stages one after another."""
    return [(place * by, stage) for place, stage in enumerate(stages)]


LEADS: dict[str, Lead] = {
    **{f"a{i}": ("web", "vera", went("new", "talk", "gone"), []) for i in range(20)},
    "b": ("web", "vera", went("new", "talk"), [(3, "call")]),
    "c": ("web", "oleg", [(0, "new")], []),
    "d": ("web", None, [(0, "new")], [(5, "call"), (5, "task_added")]),
    "e": ("web", "oleg", [(99, "new")], [(99.5, "visit"), (120, "task_added")]),
}


def audit_funnel(
    history: History, settings: Settings = SETTINGS, now: int | None = None
) -> Audit:
    """Audit a company, as known at its cut-off or earlier."""
    scene = look_over(history, settings, now or history.cut_off)
    require_questions(scene)
    return audit_scene(scene)


@pytest.fixture(scope="module")
def audit() -> Audit:
    """Audit a small company."""
    return audit_funnel(company(LEADS))


def audited(leads: dict[str, Lead], **changed: object) -> Audit:
    """Audit other leads under other settings."""
    return audit_funnel(company(leads), SETTINGS.model_copy(update=changed))


def test_a_crowd_is_told_with_its_age(audit: Audit) -> None:
    """Stages that hold as many open leads as configured, and how many are late."""
    assert [(one.stage, one.here, one.slow) for one in audit.crowds] == [("new", 3, 2)]


def test_who_was_never_worked_on(audit: Audit) -> None:
    """A visit is no work of ours; a call is, and so is a move."""
    assert [(one.stage, one.count) for one in audit.work.never] == [("new", 2)]
    assert audit.never == 2


def test_work_before_now_alone_counts() -> None:
    """At an earlier moment the later call has not been made."""
    early = microseconds(START + timedelta(days=4))

    found = audit_funnel(company(LEADS), SETTINGS, early)

    assert sum(one.count for one in found.work.never) == 3  # c, d and e


def test_a_task_ahead_is_a_next_task(audit: Audit) -> None:
    """A task set and known by now counts, even if its time is yet to come."""
    assert audit.work.no_task is not None
    assert [(one.stage, one.count) for one in audit.work.no_task] == [
        ("new", 2), ("talk", 1),
    ]  # fmt: skip


def test_only_a_task_ahead_is_open_where_ends_are_not_known(scene: Scene) -> None:
    """A task whose time has passed is not a next one."""
    having = scene.open.filter(pl.col("tasks") > 0)

    assert having["lead_id"].to_list() == ["e"]


def test_a_done_task_is_no_next_task() -> None:
    """Where ends of tasks are known, what was done is not open any more."""
    leads: dict[str, Lead] = {
        "a": ("web", None, [(0, "new")], [(1, "task_added"), (2, "task_completed")]),
        "b": ("web", None, [(0, "new")], [(1, "task_added")]),
    }

    assert audited(leads).no_task == 1


def test_without_kinds_of_tasks_nothing_is_said_of_them() -> None:
    """Not known is not none."""
    assert audited({"a": ("web", None, [(0, "new")], [(1, "call")])}).no_task is None


def test_overdue_is_told_by_manager_and_stage(audit: Audit) -> None:
    """Whoever stands longer than nine in ten did is late, under its manager."""
    told = {(one.owner, one.stage): one.count for one in audit.work.overdue}

    assert told == {("vera", "talk"): 1, ("oleg", "new"): 1, ("", "new"): 1}


def test_the_load_adds_up(audit: Audit) -> None:
    """Each open lead is somebody's or nobody's, and counted once."""
    assert sum(one.open for one in audit.load) == audit.open == 4
    assert {one.owner: one.untouched for one in audit.load} == {
        "oleg": 2, "vera": 0, "": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("Инстаграмм", "Instagram / Инстаграм"), ("Заявки с сайта", ""),
        ("Звонок", ""), ("Первый звонок", None), ("Call back", None),
        ("Новые", None), ("Переговоры", None), ("Email", ""),
    ],
)  # fmt: skip
def test_a_name_says_a_channel_or_a_deed(stage: str, says: str | None) -> None:
    """Words of channels alone make a channel; a deed with one of them does not."""
    found = said_channel(stage, ["Инстаграм", "web"])

    assert (found if found != "Инстаграм" else "Instagram / Инстаграм") == says


def test_channels_are_found_by_name_and_behaviour() -> None:
    """A channel's stage is entered first; one with that name in the middle is not."""
    leads: dict[str, Lead] = {
        **{f"i{n}": ("Instagram", None, went("Instagram", "talk", "Email", "gone"), [])
           for n in range(25)},
        **{f"w{n}": ("web", None, went("new", "talk", "Email", "gone"), [])
           for n in range(60)},
        "x": ("Instagram", None, [(0, "Instagram")], []),
    }  # fmt: skip

    found = audited(leads).channels

    assert [(one.stage, one.like, one.first, one.source) for one in found] == [
        ("Instagram", "Instagram", 1.0, "Instagram")
    ]


def test_a_channel_without_its_name_is_seen_by_its_leads() -> None:
    """A stage that one small source alone begins in is a channel, however named."""
    leads: dict[str, Lead] = {
        **{f"i{n}": ("fair", None, went("Hall 3", "talk", "gone"), [])
           for n in range(25)},
        **{f"w{n}": ("web", None, went("new", "talk", "gone"), []) for n in range(60)},
    }  # fmt: skip

    assert [(one.stage, one.like) for one in audited(leads).channels] == [
        ("Hall 3", None)
    ]


def test_leads_of_a_channel_go_where_its_leads_went() -> None:
    """Untouched ones to the queue, worked ones where most went on."""
    leads: dict[str, Lead] = {
        **{f"i{n}": ("Instagram", None, went("Instagram", "talk", "gone"), [])
           for n in range(25)},
        "x": ("Instagram", None, [(0, "Instagram")], []),
        "y": ("Instagram", None, [(0, "Instagram")], [(1, "call")]),
    }  # fmt: skip

    found = audited(leads)

    assert {one: to for one, _, to in found.preview.leads} == {
        "x": "Not worked yet", "y": "talk",
    }  # fmt: skip


def test_stages_that_do_not_differ_become_one() -> None:
    """Two stages of one conversion and one further way are merged; others are not."""
    leads: dict[str, Lead] = {
        **{f"a{n}": ("web", None, went("new", "talk", "think", "gone"), [])
           for n in range(400)},
        **{f"b{n}": ("web", None, went("new", "think", "talk", "gone"), [])
           for n in range(300)},
    }  # fmt: skip

    rules = audited(leads, audit=Rules(crowd=1_000)).proposal

    assert [(one.stage, one.when, one.to) for one in rules] == [
        ("think", "any", "talk")
    ]


def test_answers_are_asked_of_a_category_from_a_stage_on() -> None:
    """Blank and absent count; earlier stages and other categories are not asked."""
    leads: dict[str, Lead] = {
        **LEADS, "f": ("fair", "vera", went("new", "talk"), []),
        "g": ("web", "vera", went("new", "talk"), []),
    }  # fmt: skip
    question = Question(field="kind", value="B2B", required=("budget",), before="talk")
    history = company(leads, {"g": 5.0})

    found = audit_funnel(
        history, SETTINGS.model_copy(update={"questionnaire": (question,)})
    )

    assert [(one.asked, one.lacking, one.examples) for one in found.answers] == [
        (2, 1, ("b",))
    ]
    assert found.answers[0].owners == (("vera", 1),)


def test_a_question_about_nothing_names_every_fault() -> None:
    """An unknown field and an unknown stage are told together."""
    question = Question(required=("size",), before="demo")

    with pytest.raises(BadConfig, match=r"(?s)'size'.*'demo'"):
        audited(LEADS, questionnaire=(question,))


def test_a_faulty_questionnaire_hides_no_other_finding() -> None:
    """A page shows all else, and the faults where the answers would be."""
    question = Question(required=("size",), before="demo")
    settings = SETTINGS.model_copy(update={"questionnaire": (question,)})
    scene = look_over(company(LEADS), settings, microseconds(CUT_OFF))

    found = audit_scene(scene)

    assert found.open == audited(LEADS).open
    assert found.answers == ()
    assert len(found.faults) == 2


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Look a small company over."""
    return look_over(company(LEADS), SETTINGS, microseconds(CUT_OFF))


def test_an_edited_mapping_says_where_each_lead_goes(
    scene: Scene, tmp_path: Path
) -> None:
    """The first rule that fits counts, and every open lead moves or stays."""
    path = tmp_path / "map.yaml"
    rules = (
        Rule("sales", "new", "never worked", "queue"),
        Rule("sales", "new", "any", "in work"),
    )
    write_rules(rules, path)

    shown = preview(scene, read_rules(path, scene))

    assert (shown.moved, shown.stays) == (3, 1)
    assert shown.leads == (
        ("c", "new", "queue"), ("d", "new", "in work"), ("e", "new", "queue"),
    )  # fmt: skip


def test_what_is_proposed_can_be_read_back(scene: Scene, tmp_path: Path) -> None:
    """A proposal is a mapping like any other."""
    path = tmp_path / "map.yaml"
    rules = propose(scene, ())
    write_rules(rules, path)

    assert rules
    assert read_rules(path, scene) == rules


def test_a_faulty_mapping_names_every_fault(scene: Scene, tmp_path: Path) -> None:
    """An unknown stage, condition and an empty target are told together."""
    path = tmp_path / "map.yaml"
    path.write_text("- {pipeline: sales, stage: nowhere, when: never, to: ''}\n- 3\n")

    with pytest.raises(BadInput) as refusal:
        read_rules(path, scene)

    assert len(refusal.value.faults) == 4


def test_what_the_data_cannot_tell_is_said() -> None:
    """Leads without manager, or without a mark of who they are, are not silence."""
    told = audited(LEADS)
    blank = [one for one in told.unknown if one in {"nobody", "owners"}]

    assert told.who.open == told.open
    assert told.who.blind == told.open
    assert "nobody" in blank
