"""Files that are there whole or not at all, for their owner's eyes alone."""

from __future__ import annotations

import os
from pathlib import Path


def replace_whole(path: Path, body: bytes) -> None:
    """Put a file in its place at once; its folder is made if absent.

    Whoever reads sees the old file or the new one, also after a power cut, and nobody
    but the owner may (mode 600), not even while it is written.

    Raises
    ------
    OSError
        It cannot be written; what was there stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with open(draft, "wb", opener=_private) as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
