"""A file is known again by its content; a big one by its ends, without reading it whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tandem_em.core import file_hash as hashes
from tandem_em.core.file_hash import file_hash, has_content
from tandem_em.core.jobs import run_to_end


def test_a_small_file_is_hashed_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc" * 1000)
    assert file_hash(path) == hashlib.sha256(b"abc" * 1000).hexdigest()
    assert run_to_end(has_content(path, file_hash(path)))
    path.write_bytes(b"abd" * 1000)
    assert not run_to_end(has_content(path, hashlib.sha256(b"abc" * 1000).hexdigest()))


def test_a_big_file_is_known_by_its_size_and_its_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashes, "END", 4)
    path = tmp_path / "a"
    path.write_bytes(b"headmiddletail")
    known = file_hash(path, whole_below=10)
    assert known == "ends:" + hashlib.sha256(b"14" + b"head" + b"tail").hexdigest()
    assert run_to_end(has_content(path, known))
    for other in (b"headtail", b"headmiddletale", b"hea"):
        path.write_bytes(other)
        assert not run_to_end(has_content(path, known))
