"""The canonical tables on disk: Parquet under their content digest, swapped atomically.

::

    folder/tables/current.json             the digest that counts, replaced last
    folder/tables/<digest>/manifest.json   fields, cut-off, SHA-256 of every file
    folder/tables/<digest>/leads.parquet   ... one file per table

A run that dies leaves the earlier tables as they were; the same content is the same
digest and is written once, whatever the order of its rows and however often delivered.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
from polars.exceptions import PolarsError

from leads.errors import Unavailable
from leads.tables import SCHEMAS, FieldType, Tables
from leads.wholefile import replace_whole

CURRENT: Final = "current.json"
MANIFEST: Final = "manifest.json"
HASHED_ROWS: Final = 1 << 20
"""Rows hashed at once; a part of the digest's definition, so never to be changed."""


def save(tables: Tables, folder: Path, *, origin: str = "") -> str:
    """Store tables and make them current; safe to repeat, and after a crash.

    Parameters
    ----------
    tables
        Canonical tables.
    folder
        The store; made if absent.
    origin
        What they were read from (``Settings.origin``), told by ``origin_of``.

    Returns
    -------
    str
        The content digest.

    Raises
    ------
    Unavailable
        The folder cannot be written; what was current stays so.
    """
    home = folder / "tables"
    digest = content_digest(tables)
    told = {
        "origin": origin,
        "doubled": dict(tables.doubled),
        "notes": list(tables.notes),
    }
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not _is_whole(home / digest):
            _write(tables, home, digest)
        replace_whole(home / CURRENT, _json({"digest": digest, **told}))
    except (OSError, PolarsError) as error:
        raise Unavailable(
            f"The store {folder} cannot be written: {error}.",
            remedy="Free space on its disk, or grant the right to write there.",
        ) from error
    return digest


def load(folder: Path) -> Tables:
    """Read the current tables.

    Raises
    ------
    Unavailable
        Nothing was ingested, or a file is not what was written.
    """
    current = _current(folder)
    home = folder / "tables" / current["digest"]
    if not _is_whole(home):
        raise Unavailable(
            f"The stored tables in {home} are damaged.", remedy="Run ingest again."
        )
    manifest = _read_json(home / MANIFEST)
    frames = {name: pl.read_parquet(home / f"{name}.parquet") for name in SCHEMAS}
    return Tables(
        leads=frames["leads"],
        events=frames["events"],
        stages=frames["stages"],
        payments=frames["payments"],
        field_changes=frames["field_changes"],
        outcomes=frames["outcomes"],
        fields={name: FieldType(kind) for name, kind in manifest["fields"].items()},
        cut_off=datetime.fromisoformat(manifest["cut_off"]),
        dated=manifest["dated"],
        doubled=current["doubled"],
        notes=tuple(current["notes"]),
    )


def digest_of(folder: Path) -> str:
    """Content digest of the current tables.

    Raises
    ------
    Unavailable
        Nothing was ingested.
    """
    digest = _current(folder)["digest"]
    assert isinstance(digest, str)
    return digest


def origin_of(folder: Path) -> str:
    """Tell what the current tables were read from.

    Raises
    ------
    Unavailable
        Nothing was ingested.
    """
    return str(_current(folder).get("origin", ""))


def content_digest(tables: Tables) -> str:
    """SHA-256 of what the tables say, in hex; of no file format and no library version.

    Each column goes in as its validity, then the lengths and bytes of its texts or its
    numbers in little-endian order.
    """
    digest = hashlib.sha256(_head(tables).encode())
    for name in SCHEMAS:
        for piece in tables[name].iter_slices(HASHED_ROWS):
            for column in piece.iter_columns():
                for buffer in _buffers(column):
                    digest.update(buffer)
    return digest.hexdigest()


def _current(folder: Path) -> Any:
    try:
        return _read_json(folder / "tables" / CURRENT)
    except FileNotFoundError as error:
        raise Unavailable(
            f"Nothing was ingested into {folder}.",
            remedy="Run ingest with the same configuration.",
        ) from error


def _head(tables: Tables) -> str:
    shape = {
        name: [tables[name].height, [*map(str, tables[name].schema.items())]]
        for name in SCHEMAS
    }
    fields = sorted(tables.fields.items())
    cut_off = tables.cut_off.isoformat()
    return json.dumps([shape, fields, cut_off, tables.dated], ensure_ascii=False)


def _buffers(column: pl.Series) -> Iterator[bytes]:
    if column.null_count():
        yield column.is_null().cast(pl.UInt8).to_numpy().tobytes()
    if column.dtype == pl.String:
        text = column.fill_null("")
        yield text.str.len_bytes().cast(pl.UInt32).to_numpy().tobytes()
        yield text.str.join("").item().encode()
        return
    physical = column.to_physical()
    if physical.dtype == pl.Boolean:
        physical = physical.cast(pl.UInt8)
    yield physical.fill_null(0).to_numpy().tobytes()


def _write(tables: Tables, home: Path, digest: str) -> None:
    """Write the files beside their place, then move them into it at once."""
    made = Path(tempfile.mkdtemp(prefix=".new-", dir=home))
    try:
        files = {}
        for name in SCHEMAS:
            path = made / f"{name}.parquet"
            tables[name].write_parquet(path, compression="zstd")
            files[path.name] = _sha256(path)
        manifest = {
            "fields": tables.fields,
            "cut_off": tables.cut_off.isoformat(),
            "dated": tables.dated,
            "rows": {name: tables[name].height for name in SCHEMAS},
            "files": files,
        }
        replace_whole(made / MANIFEST, _json(manifest))
        made.chmod(0o755)
        shutil.rmtree(home / digest, ignore_errors=True)  # damaged, or not there
        try:
            made.rename(home / digest)
        except OSError:  # another run wrote the same content at this moment
            if not _is_whole(home / digest):
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    """Whether every file is there and is what was written."""
    try:
        files = _read_json(folder / MANIFEST)["files"]
        return all(_sha256(folder / name) == sha for name, sha in files.items())
    except (FileNotFoundError, json.JSONDecodeError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode()
