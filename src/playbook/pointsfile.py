"""Points as they are written in the file.

::

    points:
      fit:                                # or engagement
        borders: [30, 15, 5]              # A from 30 points, B from 15, C from 5
        groups:
          company:
            most: 30
            items:
              - {when: {card.headcount: {at_least: 50}}, points: 20}
              - {event: visit_pricing, points: 5, half_life: 7d, within: 30d, most: 15}
      tiers: {hot: [A1, A2], warm: [B1, B2]}   # while data are too few for a model
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from leads.errors import BadConfig
from playbook.clauses import SECONDS, WINDOW, Clauses
from playbook.leaves import Leaves
from playbook.marked import Faults, Marked, entries, read_marked
from playbook.points import (
    GRID,
    HOT,
    WARM,
    Bounds,
    Group,
    Item,
    Scorecard,
    Side,
)
from playbook.world import World, likely

POINTS_KEYS: Final = ("fit", "engagement", "tiers")
TIER_KEYS: Final = ("hot", "warm")
SIDE_KEYS: Final = ("borders", "groups")
GROUP_KEYS: Final = ("title", "least", "most", "items")
ITEM_KEYS: Final = (
    "title", "when", "event", "points", "within", "half_life", "least", "most",
)  # fmt: skip
OF_EVENTS: Final = ("within", "half_life", "least", "most")
EMPTY: Final = Side((1, 1, 1), ())
BORDERS: Final = 3


def parse_points(text: str, world: World, *, name: str = "points") -> Scorecard:
    """Read a file that holds ``points:`` and nothing else, such as a learned one.

    Raises
    ------
    BadConfig
        It is no YAML or breaks a rule; carries all faults.
    """
    faults = Faults(name)
    node = read_marked(text, faults)
    made = None
    if node is not None:
        leaves = Leaves(world, faults)
        if leaves.mapping(node, ("points",), "a file of points"):
            section = node.at("points")
            if section is None:
                faults.add(node, "points is missing", "Add points: to the file.")
            else:
                made = Points(leaves, Clauses(world, faults)).read(section)
    if faults.found or made is None:
        found = faults.in_order()
        raise BadConfig(
            f"{name} has {len(found)} fault{'s' * (len(found) != 1)}, so it is not"
            " used.",
            remedy="Mend the file and check again:",
            faults=found,
        )
    return made


def holds_only_points(path: Path) -> bool:
    """Tell a file of points from a playbook, by its first key."""
    text = path.read_text(encoding="utf-8-sig")
    found = re.search(r"^(\w+):", text, re.MULTILINE)
    return found is not None and found[1] == "points"


@dataclass
class Points:
    """Reads the section; what is wrong with it goes into the faults of ``leaves``.

    Its conditions may not ask about the prediction, or about points: points stand
    beside the model, and are there before it.
    """

    leaves: Leaves
    clauses: Clauses

    def read(self, node: Marked) -> Scorecard:
        """Read both sides; one may be absent."""
        self.faults = self.leaves.faults
        self.asking = replace(self.clauses, in_points=True)
        if not self.leaves.mapping(node, POINTS_KEYS, "points"):
            return Scorecard(EMPTY, EMPTY)
        if not set(node.value) - {"tiers"}:
            self.faults.add(node, "points are empty", "Add fit: or engagement:.")
        fit, engagement = node.at("fit"), node.at("engagement")
        hot, warm = self._tiers(node.at("tiers"))
        return Scorecard(
            self._side("fit", fit) if fit else EMPTY,
            self._side("engagement", engagement) if engagement else EMPTY,
            hot,
            warm,
        )

    def _tiers(self, node: Marked | None) -> tuple[frozenset[str], frozenset[str]]:
        if node is None or not self.leaves.mapping(node, TIER_KEYS, "tiers"):
            return HOT, WARM
        seen: dict[str, str] = {}
        for tier in TIER_KEYS:
            named = node.at(tier)
            if named is None:
                continue
            for cell in named.value if isinstance(named.value, list) else [named]:
                if cell.value not in GRID:
                    what = f"there is no cell {cell.value!r}"
                    self.faults.add(cell, what, "Write some of A1 to D4.")
                elif cell.value in seen:
                    what = f"{cell.value} is {seen[cell.value]} already"
                    self.faults.add(cell, what, "Name each cell once.")
                else:
                    seen[cell.value] = tier
        hot, warm = ({c for c, t in seen.items() if t == tier} for tier in TIER_KEYS)
        return frozenset(hot), frozenset(warm)

    def _side(self, name: str, node: Marked) -> Side:
        if not self.leaves.mapping(node, SIDE_KEYS, name):
            return EMPTY
        groups, borders = node.at("groups"), node.at("borders")
        if groups is None or not isinstance(groups.value, dict) or not groups.value:
            what = f"{name} has no groups"
            self.faults.add(groups or node, what, "Add groups: and a name under it.")
            return EMPTY
        found = tuple(self._group(key, value) for key, _, value in entries(groups))
        return Side(self._borders(borders, node), found)

    def _borders(self, node: Marked | None, above: Marked) -> tuple[int, int, int]:
        items = node.value if node is not None else None
        values = [one.value for one in items] if isinstance(items, list) else []
        whole = [v for v in values if isinstance(v, int) and not isinstance(v, bool)]
        falling = whole == sorted(set(whole), reverse=True)
        if len(values) != BORDERS or len(whole) != BORDERS or not falling:
            what = "borders are three falling whole numbers: where A, B and C begin"
            self.faults.add(node or above, what, "Write borders: [30, 15, 5].")
            return (3, 2, 1)
        return (whole[0], whole[1], whole[2])

    def _group(self, name: str, node: Marked) -> Group:
        if not self.leaves.mapping(node, GROUP_KEYS, f"group {name!r}"):
            return Group(name, ())
        title, items = node.at("title"), node.at("items")
        found: tuple[Item, ...] = ()
        if items is None or not isinstance(items.value, list) or not items.value:
            what = f"group {name!r} has no items"
            self.faults.add(items or node, what, "Add items: and begin each with -.")
        else:
            found = tuple(self._item(item) for item in items.value)
        words = self.leaves.text(title) if title else None
        return Group(name, found, self._bounds(node), words)

    def _item(self, node: Marked) -> Item:
        if not self.leaves.mapping(node, ITEM_KEYS, "an item"):
            return Item(0)
        title, when, event = node.at("title"), node.at("when"), node.at("event")
        if (when is None) == (event is None):
            what = "an item has either when: or event:"
            self.faults.add(node, what, "Give it one of them.")
        if event is None:
            for key in OF_EVENTS:
                if key in node.value:
                    what = f"{key} goes with event: only"
                    self.faults.add(node.keys[key], what, "Leave it out.")
        kind = None if event is None else self._kind(event)
        bounds = self._bounds(node)
        return Item(
            points=self._whole(node, "points", needed=True) or 0,
            when=self.asking.read(when) if when is not None else None,
            event=kind,
            within=self._period(node.at("within")),
            half_life=self._period(node.at("half_life")),
            bounds=bounds,
            title=self.leaves.text(title) if title else None,
        )

    def _kind(self, node: Marked) -> str:
        kinds = self.leaves.world.kinds
        name = str(node.value)
        if not isinstance(node.value, str) or (kinds is not None and name not in kinds):
            what = f"there is no kind of event {node.value!r}"
            self.faults.add(node, what, likely(name, kinds or ()))
        return name

    def _bounds(self, node: Marked) -> Bounds:
        least, most = self._whole(node, "least"), self._whole(node, "most")
        if least is not None and most is not None and least > most:
            what = f"least {least} is above most {most}"
            self.faults.add(node.keys["least"], what, "Let least be the smaller one.")
        return Bounds(least, most)

    def _whole(self, node: Marked, key: str, *, needed: bool = False) -> int | None:
        place = node.at(key)
        if place is None:
            if needed:
                self.faults.add(node, f"{key} is missing", f"Add {key}: 10.")
            return None
        if not isinstance(place.value, int) or isinstance(place.value, bool):
            what = f"{key} is a whole number, got {place.value!r}"
            self.faults.add(place, what, "Write one such as 10 or -5.")
            return None
        return place.value

    def _period(self, node: Marked | None) -> int | None:
        if node is None:
            return None
        found = WINDOW.fullmatch(str(node.value))
        if not found or not int(found[1]):
            what = f"{node.value!r} is no period"
            self.faults.add(node, what, "Write hours or days, such as 24h or 14d.")
            return None
        return int(found[1]) * SECONDS[found[2]]
