"""A learned scorecard as the section of a playbook that a person reads and adjusts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from model.points.bins import Bin
from model.points.scorecard import SIDES, Line, Scorecard
from model.points.traits import Side, Trait

TAKEN: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
HEAD: Final = """\
# Points learned from past leads. 10 points more double the odds of converting.
# Adjust them, and try them: python -m pipelines points test FILE --config ...
# To put them to use, copy the section into the playbook.
points:
"""


def to_yaml(card: Scorecard) -> str:
    """Write a scorecard in the playbook's form; it scores there as it was learned.

    A side of which nothing was learned is left out.
    """
    sides = "".join(_side(card, side) for side in SIDES)
    return HEAD + (sides or "  {}\n")


def _side(card: Scorecard, side: Side) -> str:
    groups: dict[str, list[Line]] = {}
    for line in card.lines:
        if line.trait.side == side:
            groups.setdefault(line.trait.field, []).append(line)
    if not groups:
        return ""
    borders = ", ".join(str(border) for border in card.borders[side])
    told = [f"  {side}:\n    borders: [{borders}]\n    groups:\n"]
    for name, lines in groups.items():
        told.append(f"      {quoted(name)}:\n        items:\n")
        told += [item for line in lines for item in _items(line)]
    return "".join(told)


def _items(line: Line) -> Iterator[str]:
    for one, points in zip(line.bins, line.points, strict=True):
        if points:
            asked = f"{quoted(line.trait.fact)}: {_asked(line.trait, one)}"
            yield f"          - {{when: {{{asked}}}, points: {points}}}\n"


def _asked(trait: Trait, one: Bin) -> str:
    if not one.known:
        return "{known: false}"
    if trait.flag:
        return "true" if one.low is not None else "false"
    if one.levels is not None:
        names = ", ".join(quoted(name) for name in one.levels)
        return f"{{not: [{names}]}}" if one.others else f"[{names}]"
    parts = []
    if one.low is not None:
        parts.append(f"more_than: {_number(one.low)}")
    if one.high is not None:
        parts.append(f"at_most: {_number(one.high)}")
    if not parts:
        return "{known: true}"
    if trait.within is not None:
        parts.append(f"within: {trait.within}d")
    return f"{{{', '.join(parts)}}}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def quoted(text: str) -> str:
    r"""Write a text so that YAML reads the same one.

    Examples
    --------
    >>> print(quoted("card.size"), quoted('say "yes"'), quoted("a\x7f"))
    card.size "say \"yes\"" "a\x7f"
    """
    plain = text.replace(".", "").replace("_", "")
    is_word = plain.isascii() and plain.isalnum() and not text[0].isdigit()
    if is_word and text.lower() not in TAKEN:
        return text
    return '"' + "".join(_escaped(one) for one in text) + '"'


def _escaped(one: str) -> str:
    if one in {'"', "\\"}:
        return "\\" + one
    if one.isprintable():
        return one
    code = ord(one)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
