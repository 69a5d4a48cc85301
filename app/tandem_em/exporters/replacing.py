"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tandem_em.core.notices import UserError
from tandem_em.core.replacing import replace


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write to the yielded temporary path; it replaces `path` at the end, or vanishes if anything went wrong."""
    # beside the file, since a rename across file systems would copy; the number keeps two programs apart
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        replace(temporary, path)
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be written: {error.strerror or error}.",
            "Check the folder, its permissions and the free space.",
        ) from error
    finally:
        with suppress(OSError):  # the folder may not even be one
            temporary.unlink(missing_ok=True)
