"""Sessions of every age open, and nothing of them is lost on the way."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from places import DATA

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.model.session import Session
from tandem_em.storage import migrations
from tandem_em.storage.codec import layout
from tandem_em.storage.session_store import SessionStore
from tandem_em.storage.transaction.hdf5_store import Hdf5Store

GOLDEN = DATA / "sessions"
FILES = sorted(GOLDEN.glob("session-*.nxs"))


def golden_session() -> Session:
    spec = importlib.util.spec_from_file_location("golden", GOLDEN / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Session = module.golden_session()
    return made


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(GOLDEN / "session-0.9.nxs", tmp_path / "old.nxs"))


def set_version(path: Path, version: str, needed: str) -> None:
    def work(h5: Any) -> None:
        form = h5[layout.FORMAT_GROUP]
        for name, text in (("version", version), ("min_reader_version", needed)):
            del form[name]
            form[name] = text

    with Hdf5Store.open(path) as store:
        store.edit(work).result()


def test_there_is_a_golden_file_of_every_version() -> None:
    versions = {file.stem.removeprefix("session-") for file in FILES}
    assert versions == {*migrations.STEPS, layout.FORMAT_VERSION}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_golden_session_opens_as_what_it_was(file: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(file, tmp_path / "s.nxs"))
    expected = golden_session()
    with SessionStore.open(path) as store:
        session = run_to_end(store.load())
        assert store.problems == []
        for kind, collection in expected.collections.items():
            assert [i.id for i in session.collections[kind]] == [i.id for i in collection], kind
        stack, spectrum_image, run = session.stacks["stack-1"], session.maps["map-1"], session.runs["run-1"]
        np.testing.assert_array_equal(
            stack.source.read(slice(None)), expected.stacks["stack-1"].source.read(slice(None))
        )
        np.testing.assert_array_equal(spectrum_image.source.read((2, 1)), np.arange(40, 48))
        assert (stack.pixel_nm, spectrum_image.pixel_nm) == (0.25, (0.5, 2.0))
        np.testing.assert_array_equal(run.values("voltage"), [0.1, 0.2, 0.4])
        event = session.events["event-00000000"]
        assert (event.t, event.category, event.name) == (1.5, "contact", "contact µ")
        assert session.particles["particle-1"].outlines[1].polygon.shape == (3, 2)
        assert session.cells["cell-1"].area_um2 == 10.0
        run_to_end(store.save(session))
    with SessionStore.open(path, readonly=True) as again:
        assert len(run_to_end(again.load()).runs) == 1


def test_migration_keeps_the_original_and_what_it_does_not_know(old: Path) -> None:
    before = old.read_bytes()
    SessionStore.open(old).close()
    backup = old.with_name("old.nxs.bak-0.9")
    assert backup.read_bytes() == before
    with h5py.File(old) as h5:
        form = h5[layout.FORMAT_GROUP]
        assert form["version"].asstr()[()] == layout.FORMAT_VERSION
        (note,) = json.loads(form["migrations"].asstr()[()])
        assert (note["from"], note["to"]) == ("0.9", "1.0")
        assert h5["entry/plugin_of_somebody/note"].asstr()[()] == "keep me"
    assert sorted(p.name for p in old.parent.iterdir()) == ["old.nxs", "old.nxs.bak-0.9"]


def test_a_migration_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = old.read_bytes()

    def fail(h5: Any) -> None:
        del h5["entry/bias"]
        raise RuntimeError("half-way")

    monkeypatch.setitem(migrations.STEPS, "0.9", ("1.0", fail))
    with pytest.raises(RuntimeError):
        SessionStore.open(old)
    assert old.read_bytes() == before
    assert [p.name for p in old.parent.iterdir()] == ["old.nxs"]


def test_an_old_session_is_looked_at_without_touching_it(old: Path) -> None:
    before = old.read_bytes()
    with SessionStore.open(old, readonly=True) as store:
        assert run_to_end(store.load()).stacks["stack-1"].pixel_nm == 0.25
        assert store.is_readonly
        assert store.path == old
        copy = store._store.path
    assert not copy.exists()
    assert old.read_bytes() == before
    assert [p.name for p in old.parent.iterdir()] == ["old.nxs"]


def test_a_newer_session_opens_read_only_and_says_so(tmp_path: Path) -> None:
    path = Path(shutil.copy(GOLDEN / "session-1.0.nxs", tmp_path / "new.nxs"))
    set_version(path, "7.0", "7.0")
    with SessionStore.open(path) as store:
        assert store.is_readonly
        assert "newer TandEM (format 7.0)" in store.problems[0]
        assert len(run_to_end(store.load()).stacks) == 1
        with pytest.raises(UserError, match="reading only"):
            run_to_end(store.save(Session()))


def test_a_newer_minor_version_is_edited(tmp_path: Path) -> None:
    path = Path(shutil.copy(GOLDEN / "session-1.0.nxs", tmp_path / "new.nxs"))
    set_version(path, "1.7", "1.0")
    with SessionStore.open(path) as store:
        session = run_to_end(store.load())
        session.change(session.info, name="edited")
        run_to_end(store.save(session))
    with h5py.File(path) as h5:
        assert h5[layout.FORMAT_GROUP]["version"].asstr()[()] == "1.7"


@pytest.mark.parametrize("version", ["", "one", "0.1", "1.0.0.x"])
def test_an_unknown_version_gets_a_sentence(tmp_path: Path, version: str) -> None:
    path = Path(shutil.copy(GOLDEN / "session-1.0.nxs", tmp_path / "odd.nxs"))
    set_version(path, version or " ", "1.0")
    with pytest.raises(UserError, match="version"):
        SessionStore.open(path)
