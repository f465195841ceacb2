"""Rows as YAML that a person edits: a list of mappings, in the order of their keys.

YAML 1.2, as in the playbook: ``yes`` and ``no`` are words, only ``true`` and ``false``
are flags.

Reading and writing YAML takes a millisecond a row, so many rows are written one to a
line, as JSON, which is YAML too, and such lines are read as JSON. Whoever writes a line
otherwise is read as well, just slower.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from io import StringIO
from typing import Any, Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

MOST_APART: Final = 1_000
"""Rows up to which every key gets a line of its own."""

DASH: Final = "- "
UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON leaves as it is, but YAML takes for no text, or for the end of a line."""


class NotRows(ValueError):
    """A text is not YAML, or no list of mappings."""


def text_of_rows(rows: Sequence[dict[str, Any]]) -> str:
    r"""Write rows, one key to a line; of more than ``MOST_APART`` one row to a line.

    Examples
    --------
    >>> text_of_rows([{"approve": "", "lead": "7"}])
    "- approve: ''\n  lead: '7'\n"
    >>> text_of_rows([{"approve": "", "lead": "7"}] * 2_000).splitlines()[0]
    '- {"approve": "", "lead": "7"}'
    """
    if len(rows) > MOST_APART:
        return "".join(f"{DASH}{_as_json(row)}\n" for row in rows)
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.allow_unicode = True
    # Keys stand in the order that a reader looks for them; the stubs know None alone.
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    text = StringIO()
    writer.dump(list(rows), text)
    return text.getvalue()


def rows_in_text(text: str) -> list[Any]:
    """Read rows back; what each of them is, is for the caller to look at.

    Raises
    ------
    NotRows
        The text is not YAML, or no list.

    Examples
    --------
    >>> rows_in_text("- {approve: yes, lead: 7}")
    [{'approve': 'yes', 'lead': 7}]
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if lines and all(line.startswith(f"{DASH}{{") for line in lines):
        try:
            return [_row(line) for line in lines]
        except NotRows:  # a row goes on in the next line, or is no YAML at all
            pass
    return _loaded(text)


def _row(line: str) -> Any:
    try:
        return json.loads(
            line.removeprefix(DASH), object_pairs_hook=_once, parse_constant=_no_number
        )
    except ValueError:
        (row,) = _loaded(line)
        return row


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Leave a key that stands twice to YAML, which refuses it."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is a word in YAML")


def _as_json(row: dict[str, Any]) -> str:
    text = json.dumps(row, ensure_ascii=False)
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _loaded(text: str) -> list[Any]:
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise NotRows(str(error)) from error
    if not isinstance(found, list):
        raise NotRows("not a list of rows")
    return found
