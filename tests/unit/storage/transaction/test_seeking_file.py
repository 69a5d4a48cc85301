"""The file as Windows has it, without positioned reads: the same answers as the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tandem_em.storage.transaction.raw_file import DiskFile, SeekingFile


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SeekingFile]:
    made = SeekingFile(tmp_path / "a", writable=True, create=True)
    made.write_at(bytes(range(100)), 0)
    yield made
    made.close()


@pytest.mark.parametrize("offset", [0, 60, 99, 100, 1 << 40, 1 << 62, (1 << 63) - 5, 1 << 63, (1 << 64) - 1])
def test_any_address_of_a_damaged_file_is_read_as_far_as_there_is_something(
    file: SeekingFile, offset: int
) -> None:
    there, here = bytearray(16), bytearray(16)
    other = DiskFile(file.path, writable=False)
    assert file.read_at(memoryview(there), offset) == other.read_at(memoryview(here), offset)
    assert there == here
    other.close()


def test_threads_do_not_share_a_place(file: SeekingFile) -> None:
    wrong: list[int] = []

    def read(value: int) -> None:
        into = bytearray(1)
        for _ in range(200):
            file.read_at(memoryview(into), value)
            if into[0] != value:
                wrong.append(value)

    threads = [threading.Thread(target=read, args=(value,)) for value in (3, 50, 97)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
