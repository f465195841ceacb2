"""Several boosters' trees as one: weighed, and read by LightGBM as a single model.

A booster is a sum of trees, so a weighted sum of boosters is a booster too: its
explanations stay exact, and a service parses and runs one model however many were
blended. LightGBM has no public way to do this; its text (version 4) is plain enough.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

NO_TREES: Final = "tree\n\nend of trees\n"
"""What stands in for a booster where none deserves a weight."""

SIZES: Final = re.compile(r"^tree_sizes=.*$", re.MULTILINE)
WEIGHED: Final = re.compile(r"^(leaf_value|internal_value)=(.*)$", re.MULTILINE)
END: Final = "end of trees"


def merged(texts: Sequence[str], weights: Sequence[float]) -> str:
    """Write the weighted sum of boosters as one; those without weight are left out.

    Parameters
    ----------
    texts
        Boosters as LightGBM text, grown on the same features.
    weights
        The weight of each, not negative.
    """
    kept = [(t, w) for t, w in zip(texts, weights, strict=True) if w > 0]
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
