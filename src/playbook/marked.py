"""YAML with the line and column of everything, so that a fault can be pointed at.

YAML 1.2 is read, in which only ``true`` and ``false`` are flags: ``no``, ``on`` and
``yes`` are words, and ``09:00`` is no number. What a file for people has no need of is
refused: aliases, tags, several documents, another version of YAML.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from leads.errors import Fault

CORE: Final = "tag:yaml.org,2002:"
MOST_DEPTH: Final = 40
FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Marked:
    """A value and its place; ``value`` is a scalar, a list or a ``dict`` of Marked.

    ``keys`` holds for a mapping the place of each key. Lines and columns count from 1.
    """

    value: Any
    line: int
    column: int
    keys: dict[str, Marked] = field(default_factory=dict)

    def at(self, name: str) -> Marked | None:
        """Give the value of a key; None if it is not there."""
        return self.value.get(name) if isinstance(self.value, dict) else None


@dataclass
class Faults:
    """What is wrong with one file, gathered as it is read."""

    name: str
    found: list[Fault] = field(default_factory=list)

    def add(self, at: Marked, what: str, remedy: str) -> None:
        """Add a fault at a place."""
        where = f"{self.name}, line {at.line}, column {at.column}"
        fault = Fault(where, what, remedy)
        if fault not in self.found:
            self.found.append(fault)

    def in_order(self) -> list[Fault]:
        """List them as they stand in the file."""
        return sorted(self.found, key=_place)


def _place(fault: Fault) -> tuple[int, int]:
    line, _, column = fault.where.rpartition(", line ")[2].partition(", column ")
    return int(line), int(column)


def read_marked(text: str, faults: Faults) -> Marked | None:
    """Read YAML; None if it is not YAML at all, which is then a fault.

    Parameters
    ----------
    text
        The file.
    faults
        Told of doubled keys, aliases and tags, and of where YAML ends to be such.
    """
    parser = YAML(typ="safe", pure=True)
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("%"):
            what = f"the directive {line.split()[0]} is not read here"
            faults.add(Marked(None, number, 1), what, "Take the line out.")
            return None
    try:
        node = parser.compose(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        row, place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = f"this is not YAML: {error.problem or error.context}"
        faults.add(Marked(None, row, place), what, "Mend the line; mind the indent.")
        return None
    except YAMLError as error:
        what = f"this is not YAML: {str(error).splitlines()[0]}"
        faults.add(Marked(None, 1, 1), what, "Save the file as UTF-8 text.")
        return None
    except RecursionError:
        what = "blocks stand too deep within one another"
        faults.add(Marked(None, 1, 1), what, "Take some of the brackets out.")
        return None
    if node is None:
        faults.add(Marked(None, 1, 1), "the file is empty", "Start from the example.")
        return None
    return _marked(node, faults, set(), 0)


def _marked(node: Node, faults: Faults, seen: set[int], depth: int) -> Marked:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    here = Marked(None, line, column)
    if depth > MOST_DEPTH or id(node) in seen:
        what = "is an alias (&name, *name)" if depth <= MOST_DEPTH else "is too deep"
        faults.add(here, f"this {what}", "Write the block out where it is needed.")
        return here
    seen.add(id(node))
    if isinstance(node, ScalarNode):
        return Marked(_scalar(node, here, faults), line, column)
    if isinstance(node, MappingNode):
        return _mapping(node, here, faults, seen, depth)
    inside = [_marked(item, faults, seen, depth + 1) for item in node.value]
    return Marked(inside, line, column)


def _mapping(
    node: MappingNode, here: Marked, faults: Faults, seen: set[int], depth: int
) -> Marked:
    values: dict[str, Marked] = {}
    keys: dict[str, Marked] = {}
    for key_node, value_node in node.value:
        key = _marked(key_node, faults, seen, depth + 1)
        if isinstance(key.value, (dict, list)) or key.value is None:
            faults.add(key, "a key must be a word", "Put braces or a dash in order.")
            continue
        name = key_node.value  # as it is written: a key 1 or true is a word, too
        if name in values:
            what = f"{name!r} is here twice; it stands on line {keys[name].line} too"
            faults.add(key, what, "Keep one of them, or rename it.")
            continue
        keys[name] = key
        values[name] = _marked(value_node, faults, seen, depth + 1)
    return Marked(values, here.line, here.column, keys)


def _scalar(node: ScalarNode, here: Marked, faults: Faults) -> Any:
    tag = str(node.tag).removeprefix(CORE)
    text: str = node.value
    if tag == "null":
        return None
    if tag == "bool":
        return FLAGS.get(text.lower(), text)
    if tag in {"int", "float"}:
        return _number(text)
    if tag not in {"str", "timestamp"}:
        faults.add(here, f"the tag !{tag} is not read here", "Leave the tag out.")
    return text


def _number(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text  # 0o17, .inf and the like are words here


def entries(node: Marked) -> Iterator[tuple[str, Marked, Marked]]:
    """Go through a mapping: name, place of the key, value."""
    for name, value in node.value.items():
        yield name, node.keys[name], value
