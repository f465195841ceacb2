"""Commands of a batch as Bitrix24 takes them: ``method?a[b][0]=c``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode


def command(method: str, params: Mapping[str, Any]) -> str:
    """Write one command; ``None`` becomes an empty value.

    Examples
    --------
    >>> command("crm.item.list", {"filter": {">id": "$result[p0][items][49][id]"}})
    'crm.item.list?filter%5B%3Eid%5D=%24result%5Bp0%5D%5Bitems%5D%5B49%5D%5Bid%5D'
    """
    return f"{method}?{urlencode(list(_flat('', params)))}"


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
