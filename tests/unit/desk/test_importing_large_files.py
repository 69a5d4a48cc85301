"""A movie larger than the limit is linked, not copied into the session."""

from __future__ import annotations

import numpy as np

from tandem_em.desk import importing
from tandem_em.importers.core.base import Imported
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import SourceFile


def test_only_data_above_the_limit_are_linked() -> None:
    large, small = SourceFile(name="large.mrc"), SourceFile(name="small.mrc")
    stacks = [
        FrameStack(
            name=source.name, source_id=source.id, source=MemoryArray(np.zeros((count, 8, 8), np.uint16))
        )
        for source, count in ((large, 50), (small, 2))
    ]
    imported = Imported(items=[large, small, *stacks])
    assert importing.link_large(imported, 1000) == ["large.mrc"]
    assert (large.linked, small.linked) == (True, False)
    assert importing.link_large(imported, 1000) == []
