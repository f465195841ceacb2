"""Batches: up to 50 commands in one request, each able to use what came before.

The batch itself is HTTP 200 whatever its commands say. PHP writes an empty map as
``[]`` and, not in the contracts but in its nature, one with keys 0, 1, 2 as a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote_plus

import orjson

from crm.testing.bitrix24.account import Switch
from crm.testing.bitrix24.methods import call, time_of, writes
from crm.testing.bitrix24.portal import Context, Params, Result
from crm.testing.bitrix24.refusals import CutShort, Refusal, missing, out_of_time
from crm.testing.brackets import decode
from crm.testing.faults import Call, Kind

MOST_COMMANDS: Final = 50
REFERENCE: Final = re.compile(r"\$result((?:\[[^\[\]]+\])+)")


@dataclass
class _Maps:
    """The five maps of an answer."""

    result: dict[str, Any] = field(default_factory=dict)
    result_error: dict[str, Any] = field(default_factory=dict)
    result_total: dict[str, Any] = field(default_factory=dict)
    result_next: dict[str, Any] = field(default_factory=dict)
    result_time: dict[str, Any] = field(default_factory=dict)


def run(context: Context, params: Params) -> Result:
    """Run the commands one after another.

    Raises
    ------
    Refusal
        There is no ``cmd``, or the budget of ``batch`` is used up.
    CutShort
        The batch took too long; the commands before that stay applied.
    """
    commands = _commands(params)
    billing = context.portal.profile.on(Switch.BILL_BATCH)
    operating, credential = context.portal.operating, context.caller.credential
    if billing and operating.blocked(credential, "batch"):
        raise out_of_time()
    maps = _Maps()
    halts = str(params.get("halt", 0)).lower() in ("1", "true", "y")
    try:
        for place, (key, command) in enumerate(commands.items()):
            went = _command(context, key, command, maps, late=place >= MOST_COMMANDS)
            if halts and not went:
                break
    finally:
        if billing:
            operating.bill(credential, "batch", context.spent)
    return Result({name: php(value) for name, value in vars(maps).items()})


def php(values: Mapping[str, Any]) -> Any:
    """Write a map as PHP does.

    Examples
    --------
    >>> php({}), php({"0": "a", "1": "b"}), php({"1": "b"})
    ([], ['a', 'b'], {'1': 'b'})
    """
    if list(values) == [str(place) for place in range(len(values))]:
        return list(values.values())
    return dict(values)


def _commands(params: Params) -> dict[str, Any]:
    sent = params.get("cmd")
    if isinstance(sent, Mapping):
        return {str(key): command for key, command in sent.items()}
    if isinstance(sent, list):
        return {str(place): command for place, command in enumerate(sent)}
    raise missing("cmd")


def _command(
    context: Context, key: str, command: Any, maps: _Maps, *, late: bool
) -> bool:
    """Run one command into the maps; say whether it went well."""
    before = context.spent
    name, _, query = str(command).partition("?")
    name = name.strip().lower().removesuffix(".json")
    try:
        if late:
            text = "Max batch length exceeded"
            raise Refusal(400, "ERROR_BATCH_LENGTH_EXCEEDED", text)
        if name == "batch":
            text = "Method is not allowed for batch usage"
            raise Refusal(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", text)
        _meet_fault(context, name)
        params = decode(_filled(query, maps.result))
        billed = not context.portal.profile.on(Switch.BILL_BATCH)
        result = call(context, name, params, billed=billed)
    except Refusal as refusal:
        maps.result_error[key] = refusal.body
        return False
    maps.result[key] = result.value
    if result.total is not None:
        maps.result_total[key] = result.total
    if result.next is not None:
        maps.result_next[key] = result.next
    maps.result_time[key] = time_of(context, name, context.spent - before)
    return True


def _meet_fault(context: Context, name: str) -> None:
    portal = context.portal
    portal.calls[f"batch:{name}"] += 1
    number = context.request.number if context.request else 0
    asked = Call(
        name, writes(name), number, portal.calls[f"batch:{name}"], portal.clock.elapsed
    )
    fault = portal.command_plan.pick(asked)
    if fault is None:
        return
    if fault.kind is not Kind.REFUSE:
        raise CutShort
    body = orjson.loads(fault.body)
    raise Refusal(fault.status, body["error"], body["error_description"])


def _filled(query: str, results: Mapping[str, Any]) -> str:
    """Put earlier answers where ``$result[key][path]`` stands; else nothing."""

    def found(reference: re.Match[str]) -> str:
        node: Any = results
        for step in re.findall(r"\[([^\[\]]+)\]", reference[1]):
            if isinstance(node, list) and step.isdigit() and int(step) < len(node):
                node = node[int(step)]
            elif isinstance(node, Mapping) and step in node:
                node = node[step]
            else:
                return ""
        return quote("" if node is None else str(node))

    return REFERENCE.sub(found, _plain_references(query))


def _plain_references(query: str) -> str:
    """Undo the escapes of a query where they hide a reference."""
    if "%24result" not in query:
        return query
    return re.sub(
        r"%24result(?:%5B[^&=]*?%5D)+", lambda found: unquote_plus(found[0]), query
    )
