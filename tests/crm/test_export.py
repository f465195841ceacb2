from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crm.export import open_source, read_leads_file
from leads.errors import BadInput, Fault
from leads.settings import Settings
from leads.tables import UNDATED, FieldType, Tables

LEADS = {
    "Номер": ["b", "a", "c"],
    "Создан": ["2026-01-02", "2026-01-01", "2026-01-03"],
    "Канал": ["ads", "web", None],
    "Бюджет": ["12,5", "1 000", None],
    "Телефон": ["+79001234567", None, "+79001234568"],
    "Итог": ["x", "y", "z"],
}
WRITERS = {"parquet": "write_parquet", "csv": "write_csv", "xlsx": "write_excel"}
LEADS_MAP = {"lead_id": "Номер", "created_at": "Создан", "source": "Канал"}
PAYMENTS = {"lead_id": ["a"], "at": ["2026-02-01"], "amount": ["19,99"], "memo": ["-"]}


def settings_of(source: Mapping[str, Any]) -> Settings:
    """Make the settings of a source."""
    kind = "outcome" if source["kind"] == "table" else "payment"
    return Settings.model_validate({"source": source, "conversion": {"kind": kind}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with leads and payments as a Russian CRM exports them."""
    pl.DataFrame(LEADS).write_csv(tmp_path / "leads.csv", separator=";")
    pl.DataFrame(PAYMENTS).write_csv(tmp_path / "payments.csv.gz", compression="gzip")
    return tmp_path


@pytest.fixture
def source(folder: Path) -> dict[str, Any]:
    """Write the section [source] for that folder."""
    leads = {"columns": LEADS_MAP}
    return {"kind": "files", "folder": folder, "exclude": ["Итог"], "leads": leads}


def faults_of(source: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Read a source that must be refused."""
    with pytest.raises(BadInput) as refusal:
        open_source(settings_of(source)).read()
    return refusal.value.faults


def test_a_folder_of_files_becomes_tables(source: dict[str, Any]) -> None:
    """Mapped columns are ours, the rest of leads are card fields, excluded are gone."""
    tables = open_source(settings_of(source)).read()

    assert tables.fields == {
        "Бюджет": FieldType.NUMBER,
        "Телефон": FieldType.TEXT,
    }
    assert tables.leads["source"].to_list() == ["web", "ads", None]
    assert tables.leads["Бюджет"].to_list() == [1000.0, 12.5, None]
    assert tables.payments["amount_minor"].to_list() == [1999]
    assert tables.events.is_empty()


@pytest.mark.parametrize("ending", ["parquet", "csv", "xlsx"])
def test_every_kind_of_file_gives_the_same_tables(
    source: dict[str, Any], folder: Path, ending: str
) -> None:
    """A format is a wrapping: what is inside comes out alike."""
    before = open_source(settings_of(source)).read()
    (folder / "leads.csv").unlink()
    writer = getattr(pl.DataFrame(LEADS), WRITERS[ending])
    writer(folder / f"leads.{ending}")

    after = open_source(settings_of(source)).read()

    assert after.leads.equals(before.leads)


def test_a_query_reshapes_a_file(source: dict[str, Any]) -> None:
    """Stages that live in columns of another file are one query away."""
    source["stages"] = {
        "file": "leads.csv",
        "sql": 'SELECT "Номер" AS lead_id, "Создан" AS at, \'new\' AS stage FROM file',
    }

    tables = open_source(settings_of(source)).read()

    assert tables.stages["stage"].to_list() == ["new"] * 3


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"events": {}}, None, "no file of events"),
        ({"events": {"file": "e.csv"}}, "e.csv", "no such file"),
        ({"leads": {"columns": {**LEADS_MAP, "owner": "Менеджер"}}}, "leads.csv",
         "no column 'Менеджер'"),
        ({"leads": {"columns": {**LEADS_MAP, "Бюджет": "Канал"}}}, "leads.csv",
         "'Канал' is mapped to 'Бюджет'"),
        ({"payments": {"columns": {"total": "amount"}}}, "payments.csv.gz",
         "the map names 'total'"),
        ({"leads": {"sql": "SELECT nothing FROM file"}}, "leads.csv",
         "the sql does not run"),
        ({"exclude": ["Итог", "Итоги"]}, "leads.csv", "exclude names 'Итоги'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_map_is_told(
    source: dict[str, Any], change: dict[str, Any], where: str | None, what: str
) -> None:
    """A slip in the configuration is refused before anything is believed."""
    faults = faults_of({**source, **change})

    found = [fault for fault in faults if what in fault.what]
    assert len(found) == 1
    assert where is None or found[0].where == where


def test_a_folder_that_is_not_there_is_told(source: dict[str, Any]) -> None:
    """The path in the configuration is wrong, and the words say so."""
    absent = source["folder"] / "absent"

    (fault,) = faults_of({**source, "folder": absent})

    assert (fault.where, fault.what) == (str(absent), "no such folder")


def test_faults_of_several_files_come_at_once(
    source: dict[str, Any], folder: Path
) -> None:
    """An unreadable table does not hide what is wrong with another."""
    (folder / "leads.csv").write_bytes("Номер;Имя\n1;Иванова\n".encode("cp1251"))
    pl.DataFrame({"lead_id": ["a"], "at": ["soon"], "kind": ["visit"]}).write_csv(
        folder / "events.csv"
    )

    faults = faults_of(source)

    assert [(f.where, f.column) for f in faults] == [
        ("leads.csv", None), ("events.csv", "at"),
    ]  # fmt: skip


def test_the_source_is_named_as_the_person_named_it(source: dict[str, Any]) -> None:
    """A fault speaks of the file's own column, not of ours."""
    leads = pl.DataFrame(LEADS).with_columns(Создан=pl.lit("soon"))
    leads.write_csv(source["folder"] / "leads.csv", separator=";")

    faults = faults_of(source)

    assert (faults[0].column, list(faults[0].rows)) == ("Создан", [2, 3, 4])


FLAT = {
    "deal": ["d3", "d1", "d2"],
    "day": ["2026-01-03", "2026-01-01", "2026-01-02"],
    "size": ["30", "10", "x"],
    "source": ["ads", "web", "ads"],
    "late": ["1", "2", "3"],
    "won": ["won", None, "Lost"],
    "part": ["test", "train", "train"],
}


def flat_settings(path: Path, **changed: Any) -> Settings:
    """Make the settings of one flat table."""
    section = {
        "kind": "table", "path": path, "outcome": "won", "id": "deal", "time": "day",
        "exclude": ["late"], "holdout": {"column": "part", "value": "test"},
    }  # fmt: skip
    section |= changed
    return settings_of({k: v for k, v in section.items() if v is not None})


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Make a flat table of three deals."""
    path = tmp_path / "deals.csv"
    pl.DataFrame(FLAT).write_csv(path)
    return path


def test_a_flat_table_gives_leads_and_outcomes(flat: Path) -> None:
    """What the configuration does not name is a card field; null outcomes are open."""
    tables = open_source(flat_settings(flat)).read()

    assert tables.leads["lead_id"].to_list() == ["d1", "d2", "d3"]
    assert tables.leads["source"].to_list() == ["web", "ads", "ads"]
    assert tables.fields == {"size": FieldType.TEXT}
    assert tables.outcomes.rows() == [
        ("d1", None, False), ("d2", False, False), ("d3", True, True),
    ]  # fmt: skip
    assert tables.dated
    assert str(tables.cut_off) == "2026-01-03 00:00:00+00:00"


def test_a_flat_table_needs_neither_id_nor_time(flat: Path) -> None:
    """A lead is then the number of its row, and sits at no moment."""
    settings = flat_settings(flat, id=None, time=None, holdout=None)

    tables = open_source(settings).read()

    assert tables.leads["lead_id"].to_list() == ["0", "1", "2"]
    assert tables.outcomes["outcome"].to_list() == [True, None, False]
    assert tables.leads["created_at"].to_list() == [UNDATED] * 3
    assert (tables.dated, tables.cut_off) == (False, UNDATED)
    assert {"deal", "day", "part"} <= tables.fields.keys()


@pytest.mark.parametrize(
    "values",
    [[True, False, None], [1, 0, None], [1.0, 0.0, None], ["yes", "NO", ""],
     ["True", "false", None], ["Won", "lost", None], ["да", "Нет", None]],
)  # fmt: skip
def test_outcomes_are_read_from_well_known_words(
    tmp_path: Path, values: list[Any]
) -> None:
    """Two words that everybody reads alike are enough, in any case and type."""
    path = tmp_path / "deals.parquet"
    pl.DataFrame({"size": [1, 2, 3], "won": values}).write_parquet(path)
    settings = settings_of({"kind": "table", "path": path, "outcome": "won"})

    tables = open_source(settings).read()

    assert tables.outcomes["outcome"].to_list() == [True, False, None]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"outcome": "size"}, "well-known words; found '10', '30', 'x'"),
        ({"outcome": "wno"}, "no column 'wno'"),
        ({"id": "deel"}, "no column 'deel'"),
        ({"exclude": ["lat"]}, "no column 'lat'"),
        ({"holdout": {"column": "part", "value": "tset"}}, "no row holds 'tset'"),
        ({"time": "size"}, "not a time"),
        ({"id": "source"}, "1 lead id with different content ('ads')"),
    ],
)
def test_what_is_wrong_with_a_flat_table_is_told(
    flat: Path, changed: dict[str, Any], what: str
) -> None:
    """Columns that are not there, odd outcomes and doubled ids are all refused."""
    with pytest.raises(BadInput) as refusal:
        open_source(flat_settings(flat, **changed)).read()

    assert any(what in fault.what for fault in refusal.value.faults)


@pytest.mark.parametrize("name", ["lead_id", "created_at", "recorded_at"])
def test_a_field_may_not_be_called_like_a_column_of_ours(
    tmp_path: Path, name: str
) -> None:
    """Two columns of one name could not be told apart."""
    path = tmp_path / "deals.csv"
    pl.DataFrame({name: ["1"], "won": ["1"]}).write_csv(path)
    settings = settings_of({"kind": "table", "path": path, "outcome": "won"})

    with pytest.raises(BadInput) as refusal:
        open_source(settings).read()

    assert repr(name) in refusal.value.faults[0].what


@pytest.mark.parametrize("name", ["*", "^a.*$"])
def test_a_field_may_not_be_called_like_a_pattern(tmp_path: Path, name: str) -> None:
    """Such a name would mean other columns too; excluded, it does no harm."""
    path = tmp_path / "deals.csv"
    pl.DataFrame({name: ["1"], "a": ["2"], "won": ["1"]}).write_csv(path)
    section = {"kind": "table", "path": path, "outcome": "won"}

    with pytest.raises(BadInput) as refusal:
        open_source(settings_of(section)).read()
    tables = open_source(settings_of({**section, "exclude": [name]})).read()

    (fault,) = refusal.value.faults
    assert (fault.where, fault.column) == ("deals.csv", name)
    assert tables.fields.keys() == {"a"}


def to_predict(flat: Path, frame: pl.DataFrame, **changed: Any) -> Tables:
    """Ingest the flat table, then read another file of the same form."""
    settings = flat_settings(flat, **changed)
    like = open_source(settings).read()
    path = flat.with_name("new.csv")
    frame.write_csv(path)
    return read_leads_file(path, settings, like)


def test_leads_to_predict_keep_the_types_of_training(flat: Path) -> None:
    """Text stays text though all new values are digits; outcomes are left unsaid."""
    new = pl.DataFrame(FLAT).with_columns(
        size=pl.lit("7"), deal="deal" + pl.col("deal")
    )

    tables = to_predict(flat, new)

    assert tables.fields == {"size": FieldType.TEXT}
    assert tables.leads["size"].to_list() == ["7"] * 3
    assert tables.outcomes["outcome"].null_count() == 3
    assert tables.order is not None
    assert tables.order.to_list() == ["deald3", "deald1", "deald2"]


def test_leads_to_predict_need_no_outcome_and_no_excluded_column(flat: Path) -> None:
    """What only training knows is not asked for; row numbers are ids without an id."""
    new = pl.DataFrame(FLAT).select("size", "source")

    tables = to_predict(flat, new, id=None, time=None, exclude=["late", "deal", "day"])

    assert tables.order is not None
    assert tables.order.to_list() == ["0", "1", "2"]
    assert tables.leads["source"].to_list() == ["ads", "web", "ads"]


def test_missing_columns_are_all_named_beside_the_new_ones(flat: Path) -> None:
    """The difference is told whole, since a renamed column is two of it."""
    new = pl.DataFrame(FLAT).select("deal", "day", sise="size")

    with pytest.raises(BadInput) as refusal:
        to_predict(flat, new)

    (fault,) = refusal.value.faults
    assert fault.what == (
        "2 columns missing that the leads had in training: 'size', 'source';"
        " not known: 'sise'"
    )


def test_doubled_ids_to_predict_are_a_fault(flat: Path) -> None:
    """Even identical rows: which of them the answer belongs to is not known."""
    new = pl.concat([pl.DataFrame(FLAT)] * 2)

    with pytest.raises(BadInput) as refusal:
        to_predict(flat, new)

    assert "3 lead ids more than once" in refusal.value.faults[0].what


def test_values_that_do_not_fit_the_model_are_a_fault(
    source: dict[str, Any], tmp_path: Path
) -> None:
    """A number in training is a number for ever, row by row."""
    settings = settings_of(source)
    like = open_source(settings).read()
    path = tmp_path / "new.csv"
    pl.DataFrame(LEADS).with_columns(Бюджет=pl.Series(["1", "big", "2"])).write_csv(
        path
    )

    with pytest.raises(BadInput) as refusal:
        read_leads_file(path, settings, like)

    (fault,) = refusal.value.faults
    assert (fault.column, list(fault.rows)) == ("Бюджет", [3])


def test_a_file_of_mapped_leads_is_predicted_in_its_own_form(
    source: dict[str, Any], folder: Path
) -> None:
    """The same map serves training and predicting, and nothing but leads is there."""
    settings = settings_of(source)
    like = open_source(settings).read()

    tables = read_leads_file(folder / "leads.csv", settings, like)

    assert tables.leads.equals(like.leads)
    assert tables.payments.is_empty()
    assert tables.cut_off == like.cut_off
