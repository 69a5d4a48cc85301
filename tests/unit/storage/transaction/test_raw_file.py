"""What is written starts on its way to the medium at once, so that the sync of a commit has little to wait for."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from tandem_em.storage.transaction.raw_file import DiskFile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked to")


def test_large_pieces_are_sent_off_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _fd, offset, count, _how: asked.append((offset, count)))
    file = DiskFile(tmp_path / "file", writable=True, create=True)
    file.write_at(bytes(4096), 0)
    file.write_at(bytes(3 << 20), 4096)
    file.close()
    assert asked == [(4096, 3 << 20)]


def test_a_system_that_does_not_care_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EINVAL, "no such advice")

    monkeypatch.setattr(os, "posix_fadvise", refuse)
    content, back = os.urandom(2 << 20), bytearray(2 << 20)
    file = DiskFile(tmp_path / "file", writable=True, create=True)
    file.write_at(content, 100)
    assert file.read_at(memoryview(back), 100) == len(content)
    file.close()
    assert back == content
