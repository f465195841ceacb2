"""Files that are there whole or not at all, by default for their owner's eyes alone."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""Errors of a disk that is full or read-only."""


def replace_whole(path: Path, body: bytes, *, private: bool = True) -> None:
    """Put a file in its place at once; as ``replacing``."""
    with replacing(path, private=private) as draft:
        draft.write_bytes(body)


@contextmanager
def replacing(path: Path, *, private: bool = True) -> Iterator[Path]:
    """Give a draft to write, which takes the file's place at the end of the block.

    Whoever reads sees the old file or the new one, also after a power cut. The folder
    is made if absent. A ``private`` file is its owner's alone (mode 600), not even
    while it is written is it anybody else's.

    Raises
    ------
    OSError
        It cannot be written; what was there stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{os.getpid()}-{threading.get_ident()}")
    try:
        if private:
            os.close(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
