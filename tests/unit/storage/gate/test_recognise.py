"""Is this one of ours? An answer for every file, broken ones too."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from tandem_em.storage.codec import layout
from tandem_em.storage.gate.recognise import is_session

BLOCK = 48


@pytest.mark.parametrize("newest", [False, True])
def test_a_file_broken_anywhere_near_its_beginning_still_gets_an_answer(tmp_path: Path, newest: bool) -> None:
    whole = tmp_path / "whole.nxs"
    with h5py.File(whole, "w", libver="latest" if newest else None) as h5:
        h5.create_group(layout.FORMAT_GROUP)
    assert is_session(whole)
    data = whole.read_bytes()
    broken = tmp_path / "broken.nxs"
    for start in range(8, len(data), BLOCK):
        broken.write_bytes(data[:start] + b"\xff" * min(BLOCK, len(data) - start) + data[start + BLOCK :])
        assert is_session(broken) in (True, False)
