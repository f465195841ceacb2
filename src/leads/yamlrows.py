"""Rows as YAML that a person edits: a list of mappings, in the order of their keys.

YAML 1.2, as in the playbook: ``yes`` and ``no`` are words, only ``true`` and ``false``
are flags.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


class NotRows(ValueError):
    """A text is not YAML, or no list of mappings."""


def text_of_rows(rows: Sequence[dict[str, Any]]) -> str:
    r"""Write rows, one key to a line.

    Examples
    --------
    >>> text_of_rows([{"approve": "", "lead": "7"}])
    "- approve: ''\n  lead: '7'\n"
    """
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
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise NotRows(str(error)) from error
    if not isinstance(found, list):
        raise NotRows("not a list of rows")
    return found
