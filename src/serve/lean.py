"""LightGBM without what it imports if it can: seconds of every start.

It looks for pandas, scikit-learn and others so as to take their tables and be their
estimator. A service hands it arrays of numbers, so it may as well not find them.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final

OPTIONAL: Final = ("cffi", "dask", "matplotlib", "pandas", "pyarrow", "sklearn")


def import_lightgbm() -> None:
    """Import LightGBM alone; what it would have taken along is still to be had later.

    Changes nothing where LightGBM or the other libraries are loaded already.
    """
    barred = [name for name in OPTIONAL if name not in sys.modules]
    sys.modules.update(dict.fromkeys(barred))  # type: ignore[arg-type]  # None bars
    try:
        importlib.import_module("lightgbm")
    finally:
        for name in barred:
            del sys.modules[name]
