"""Strict JSON: one meaning or none.

What two parsers may read differently is refused: bytes that are not UTF-8, NaN and
Infinity, numbers beyond what a double or 19 digits hold, a key given twice, nesting
deeper than anybody needs, NUL, half a surrogate pair.
"""

from __future__ import annotations

import json
import math
import re
from json.decoder import JSONDecodeError
from typing import Any, Final

import orjson

from serve.problems import Refusal

MOST_DEPTH: Final = 20
MOST_DIGITS: Final = 19
NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
NOT_STRUCTURE: Final = bytes(set(range(256)) - set(b'{}[]"\\'))


def read_json(body: bytes) -> Any:
    """Parse a body, or refuse it with status 400.

    Examples
    --------
    >>> read_json(b'{"visits": 3}')
    {'visits': 3}
    >>> read_json(b'{"visits": 3, "visits": 4}')
    Traceback (most recent call last):
    ...
    serve.problems.Refusal: The body gives a key twice. Send each key once.
    """
    try:
        text = body.decode()
        _check_escapes(body)
        if not _is_shallow(body):
            _check_depth(text)
        return _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise _refusal("is not UTF-8", "Send JSON in UTF-8.") from error
    except RecursionError as error:
        raise _too_deep() from error
    except JSONDecodeError as error:
        raise _refusal(
            f"is not JSON: at character {error.pos} the grammar ends",
            "Send one JSON document.",
        ) from error


def _refusal(what: str, remedy: str) -> Refusal:
    return Refusal(400, f"The body {what}.", remedy=remedy)


def _too_deep() -> Refusal:
    return _refusal(f"nests deeper than {MOST_DEPTH} levels", "Send flat data.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _refusal("gives a key twice", "Send each key once.")
    return made


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS + text.startswith("-"):
        raise _refusal(
            f"holds a whole number of more than {MOST_DIGITS} digits",
            "Send such an id as text.",
        )
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _refusal("holds a number too large for a double", "Send a smaller one.")
    return number


def _no_number(_: str) -> float:
    raise _refusal("holds NaN or Infinity, which are not JSON", "Send null instead.")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_once,
    parse_int=_whole,
    parse_float=_finite,
    parse_constant=_no_number,
)


def _check_escapes(body: bytes) -> None:
    """Refuse what escapes can smuggle past the UTF-8 check: surrogates and NUL."""
    if b"\\u" not in body:
        return
    if NUL.search(body):
        raise _refusal("holds a NUL character", "Leave it out.")
    try:
        orjson.loads(body)  # it refuses half a surrogate pair, json does not
    except orjson.JSONDecodeError as error:
        if "surrogate" in str(error):
            raise _refusal("holds half a surrogate pair", "Send whole text.") from error


def _is_shallow(body: bytes) -> bool:
    """Prove cheaply that nesting is fine; False means only "look closer".

    With everything but quotes and brackets deleted, and empty strings removed, a plain
    body is brackets only; each round removes the innermost level.
    """
    left = body.translate(None, NOT_STRUCTURE).replace(b'""', b"")
    for _ in range(MOST_DEPTH):
        if not left:
            return True
        left = left.replace(b"{}", b"").replace(b"[]", b"")
    return not left


def _check_depth(text: str) -> None:
    """Count brackets outside strings; whether they match is the parser's business."""
    depth = 0
    for found in BRACKETS.finditer(text):
        bracket = found[0]
        depth += (bracket in "{[") - (bracket in "}]")
        if depth > MOST_DEPTH:
            raise _too_deep()


BRACKETS: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]]', re.DOTALL)
