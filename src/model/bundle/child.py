"""The child that opens a bundle first, so that nobody else has to die of it.

``python -m model.bundle.child FOLDER`` ends with 0 if the bundle is whole.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

OPTIONAL: Final = ("cffi", "dask", "matplotlib", "pandas", "pyarrow", "sklearn")
"""What LightGBM imports if it can, and predicting rows does not need: seconds."""


def main(path: Path) -> int:
    """Open the bundle and predict its golden rows."""
    sys.modules.update(dict.fromkeys(OPTIONAL))  # type: ignore[arg-type]  # None bars
    from leads.errors import DamagedBundle
    from model.bundle.whole import Bundle

    try:
        Bundle.open(path).check_golden_rows()
    except DamagedBundle as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
