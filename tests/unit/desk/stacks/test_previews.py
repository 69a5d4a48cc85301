"""Previews of packed movies are means of blocks, made beside the work, kept in the session file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from at_once import AtOnce

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import Notices
from tandem_em.desk.desk import Desk
from tandem_em.desk.document import files
from tandem_em.desk.document.recovery_file import RecoveryFile
from tandem_em.desk.settings import Settings
from tandem_em.desk.stacks import previews
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.saved import SavedState
from tandem_em.model.session import Session

COUNT, SIDE = 9, 64


def movie() -> FrameStack:
    frames = np.random.default_rng(1).integers(0, 4000, (COUNT, SIDE, SIDE), dtype=np.uint16)
    return FrameStack(
        name="movie", source=MemoryArray(frames), times=np.arange(COUNT, dtype=float), times_from="file"
    )


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "LEAST_SIDE_PX", SIDE)


def test_blocks_are_averaged_whatever_is_asked_for() -> None:
    frames = np.random.default_rng(2).integers(0, 60000, (3, 13, 18), dtype=np.uint16)
    small = previews.Shrunk(MemoryArray(frames))
    assert small.shape == (3, 3, 4)
    mean = frames[:, :12, :16].reshape(3, 3, 4, 4, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(small.read(1), mean[1], rtol=1e-3)
    np.testing.assert_allclose(small.read(slice(0, 3)), mean, rtol=1e-3)
    np.testing.assert_allclose(small.read((slice(1, 3), slice(0, 2))), mean[1:3, :2], rtol=1e-3)


def test_a_preview_of_a_session_that_is_looked_at_does_not_change_it(tmp_path: Path, home: Path) -> None:
    session = Session("packed")
    session.stacks.add(movie())
    path = tmp_path / "packed.nxs"
    run_to_end(files.create_session(path, session)).store.close()
    before = path.read_bytes()
    for is_saved in (False, True):
        opened = run_to_end(files.open_session(path))
        keeper = RecoveryFile(opened)
        saved = SavedState(opened.session)
        stack = opened.session.stacks.first
        assert stack is not None
        desk = Desk(opened.session, AtOnce(), Notices(), Settings(tmp_path / "preferences.json"))
        previews.make(desk.start, desk.session, stack, lambda: None, keeper.prepare)
        preview = opened.session.previews.first
        assert preview is not None
        job = keeper.link(preview)
        assert job is not None
        files.use_embedded_arrays(opened, run_to_end(job).embedded)
        read = previews.reader(opened.session, stack)
        assert read is not None
        np.testing.assert_allclose(read(4), previews.Shrunk(stack.source).read(4).astype(np.float32))
        assert not saved.differs(opened.session)  # nobody is asked whether to save it
        if is_saved:
            files.use_embedded_arrays(opened, run_to_end(files.save_session(opened)).embedded)
        keeper.drop()
        keeper.close()
        opened.store.close()
        assert not list((home / "recovery").iterdir())
        assert (path.read_bytes() == before) is not is_saved
    again = run_to_end(files.open_session(path, readonly=True))
    assert previews.wanted(again.session) == []
    again.store.close()


def test_a_preview_is_kept_in_the_file_and_found_again(tmp_path: Path) -> None:
    session = Session("packed")
    stack = session.stacks.add(movie())
    path = tmp_path / "packed.nxs"
    assert previews.wanted(session) == []  # in memory: nothing has to be unpacked
    opened = run_to_end(files.create_session(path, session))
    files.use_embedded_arrays(opened, opened.embedded)
    assert previews.wanted(session) == [stack]
    desk = Desk(session, AtOnce(), Notices(), Settings(tmp_path / "preferences.json"))
    ended: list[bool] = []
    previews.make(desk.start, session, stack, lambda: ended.append(True), opened.store.prepare)
    assert ended == [True]
    assert previews.wanted(session) == []
    assert previews.reader(session, stack) is None  # until it is in the file
    files.use_embedded_arrays(opened, run_to_end(files.save_session(opened)).embedded)
    read = previews.reader(session, stack)
    assert read is not None
    np.testing.assert_allclose(read(4), previews.Shrunk(stack.source).read(4).astype(np.float32))
    opened.store.close()

    again = run_to_end(files.open_session(path))
    found = again.session.stacks.first
    assert found is not None
    assert previews.wanted(again.session) == []
    read = previews.reader(again.session, found)
    assert read is not None
    assert read(8).shape == (SIDE // 4, SIDE // 4)
    assert len(again.session.stacks) == 1
    again.session.stacks.remove(found.id)
    previews.forget_orphans(again.session)
    assert not len(again.session.previews)
    again.store.close()
