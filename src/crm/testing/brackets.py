"""Forms as PHP writes them: ``auth[domain]=demo&data[FIELDS][ID]=253``.

Both CRMs post their events so, and Bitrix24 also reads requests so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

STEP: Final = re.compile(r"\[([^\]]*)\]")
DEEPEST: Final = 20


def encode(tree: Mapping[str, Any]) -> bytes:
    """Write nested maps and lists as a form; ``None`` becomes an empty value.

    Examples
    --------
    >>> encode({"event": "E", "data": {"FIELDS": {"ID": 253}}})
    b'event=E&data%5BFIELDS%5D%5BID%5D=253'
    """
    return urlencode(list(_flat("", tree))).encode()


def decode(text: str) -> dict[str, Any]:
    """Read a form back into nested maps; lists come back as lists.

    Examples
    --------
    >>> decode("select[]=ID&select[]=UF_*&filter[>ID]=5&filter[@A][0]=1&start=-1")
    {'select': ['ID', 'UF_*'], 'filter': {'>ID': '5', '@A': ['1']}, 'start': '-1'}
    """
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, _, rest = name.partition("[")
        steps = STEP.findall("[" + rest) if rest else []
        _put(tree, [head, *steps[:DEEPEST]], value)
    return {name: _listed(child) for name, child in tree.items()}


def _flat(prefix: str, node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        parts = list(node.items())
    elif isinstance(node, list | tuple):
        parts = list(enumerate(node))
    else:
        yield prefix, "" if node is None else str(node)
        return
    for name, child in parts:
        yield from _flat(f"{prefix}[{name}]" if prefix else str(name), child)


def _put(tree: dict[str, Any], steps: list[str], value: str) -> None:
    for place, step in enumerate(steps):
        key = step or str(len(tree))
        if place == len(steps) - 1:
            tree[key] = value
            return
        below = tree.get(key)
        if not isinstance(below, dict):
            below = tree[key] = {}
        tree = below


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    whole = {key: _listed(child) for key, child in node.items()}
    if whole and list(whole) == [str(place) for place in range(len(whole))]:
        return list(whole.values())
    return whole
