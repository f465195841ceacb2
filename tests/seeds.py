"""Where chance comes from: a seed that is printed, and can be given again."""

from __future__ import annotations

import os


def seed_of(test: str, usual: int) -> int:
    """Give the seed of a test: the usual one, or that in the variable ``SEED``."""
    seed = int(os.environ.get("SEED", usual))
    print(f"{test}: SEED={seed}")  # noqa: T201 - to run the same again
    return seed


def tell(test: str, **figures: object) -> None:
    """Print what a test has measured; seen with ``pytest -s``."""
    told = ", ".join(f"{name} {value}" for name, value in figures.items())
    print(f"{test}: {told}")  # noqa: T201 - the figures themselves
