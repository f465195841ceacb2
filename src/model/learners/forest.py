"""Several boosters' trees as one: weighed, and read by LightGBM as a single model.

A booster is a sum of trees, so a weighted sum of boosters is a booster too: its
explanations stay exact, and a service parses and runs one model however many were
blended. A booster can also be told to speak of one level of a feature alone: every
tree is hung under a split that asks for it. LightGBM has no public way to do either;
its text (version 4) is plain enough.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

NO_TREES: Final = "tree\n\nend of trees\n"
"""What stands in for a booster where none deserves a weight."""

SIZES: Final = re.compile(r"^tree_sizes=.*$", re.MULTILINE)
WEIGHED: Final = re.compile(r"^(leaf_value|internal_value)=(.*)$", re.MULTILINE)
END: Final = "end of trees"


def merged(texts: Sequence[str], weights: Sequence[float] | None = None) -> str:
    """Write the weighted sum of boosters as one; those without weight are left out.

    Parameters
    ----------
    texts
        Boosters as LightGBM text, grown on the same features.
    weights
        The weight of each, not negative; one if not given.
    """
    weights = weights or [1.0] * len(texts)
    kept = [
        (text, weight)
        for text, weight in zip(texts, weights, strict=True)
        if weight > 0 and text != NO_TREES
    ]
    if not kept:
        return NO_TREES
    trees: list[str] = []
    for text, weight in kept:
        trees += [_weighed(tree, weight) for tree in _trees(text)]
    numbered = [f"Tree={i}\n{tree}" for i, tree in enumerate(trees)]
    sizes = " ".join(str(len(tree.encode())) for tree in numbered)
    head = SIZES.sub(f"tree_sizes={sizes}", kept[0][0].partition("Tree=0\n")[0])
    tail = kept[0][0].partition(END)[2]
    return f"{head}{''.join(numbered)}{END}{tail}"


@dataclass(frozen=True, slots=True)
class Only:
    """The rows that a booster may speak of: those with one code of one text feature.

    ``feature`` is the column, ``code`` its level; ``others`` is how many training rows
    hold another level, which explanations weigh.
    """

    feature: int
    code: int
    others: int


def only_for(text: str, only: Only) -> str:
    """Hang every tree under a split, so that all other rows are given nought.

    Parameters
    ----------
    text
        A booster as LightGBM text, grown on the chosen rows alone.
    only
        Which rows it may speak of.
    """
    trees = [f"Tree={i}\n{_hung(t, only)}" for i, t in enumerate(_trees(text))]
    sizes = " ".join(str(len(tree.encode())) for tree in trees)
    head = SIZES.sub(f"tree_sizes={sizes}", text.partition("Tree=0\n")[0])
    return f"{head}{''.join(trees)}{END}{text.partition(END)[2]}"


def _hung(tree: str, only: Only) -> str:
    """Hang one tree: a new root, whose right side is a leaf of value nought."""
    old = dict(line.split("=", 1) for line in tree.splitlines() if line)
    leaves, texts = int(old["num_leaves"]), int(old["num_cat"])
    own = int(float(old["leaf_count"].split()[0]))
    stump = leaves == 1
    total = own if stump else int(old["internal_count"].split()[0])
    bits = [0] * (only.code // 32) + [1 << only.code % 32]
    words = old.get("cat_threshold", "").split()
    new: dict[str, list[str | int]] = {
        "num_leaves": [leaves + 1],
        "num_cat": [texts + 1],
        "split_feature": [only.feature, *_all(old, "split_feature")],
        "split_gain": [0, *_all(old, "split_gain")],
        "threshold": [texts, *_all(old, "threshold")],
        "decision_type": [1, *_all(old, "decision_type")],  # 1 asks for levels
        "left_child": [-1 if stump else 1, *_below(old, "left_child")],
        "right_child": [-leaves - 1, *_below(old, "right_child")],
        "leaf_value": [*_all(old, "leaf_value"), 0],
        "leaf_weight": [*(_all(old, "leaf_weight") or ["0"]), 0],
        "leaf_count": [*_all(old, "leaf_count"), only.others],
        "internal_value": [0, *_all(old, "internal_value")],
        "internal_weight": [0, *_all(old, "internal_weight")],
        "internal_count": [total + only.others, *_all(old, "internal_count")],
        "cat_boundaries": [
            *(_all(old, "cat_boundaries") or ["0"]),
            len(words) + len(bits),
        ],
        "cat_threshold": [*words, *bits],
        "is_linear": [0],
        "shrinkage": [old["shrinkage"]],
    }
    lines = [f"{name}={' '.join(map(str, values))}" for name, values in new.items()]
    return "\n".join(lines) + "\n\n\n"


def _all(tree: Mapping[str, str], name: str) -> list[str]:
    return tree.get(name, "").split()


def _below(tree: Mapping[str, str], name: str) -> list[int]:
    """Renumber the splits, which now come after the root; leaves stay, as negatives."""
    children = [int(child) for child in _all(tree, name)]
    return [child + 1 if child >= 0 else child for child in children]


def _trees(text: str) -> list[str]:
    """Part a booster's text into its trees, without their numbers."""
    body = text.partition(END)[0]
    return re.split(r"^Tree=\d+\n", body, flags=re.MULTILINE)[1:]


def _weighed(tree: str, weight: float) -> str:
    if weight == 1.0:
        return tree

    def weigh(line: re.Match[str]) -> str:
        values = np.array(line[2].split(), dtype=np.float64) * weight
        return f"{line[1]}={' '.join(map(repr, values.tolist()))}"

    return WEIGHED.sub(weigh, tree)
