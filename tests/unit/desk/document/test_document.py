"""The open document without a window: what is dirty, where it is written, what stays when it is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tandem_em.core.jobs import Job, run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.document import files, recovery
from tandem_em.desk.document.document import Document
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.edits import AddItem, ChangeFields
from tandem_em.model.frames import Preview
from tandem_em.model.marks import Event
from tandem_em.model.provenance import Step
from tandem_em.model.saved import SavedState
from tandem_em.model.session import Session


def experiment() -> Session:
    session = Session("experiment")
    columns = {"voltage": Column("voltage", "V", GrowingArray(np.zeros(5)))}
    run = BiasRun(name="bias", times=GrowingArray(np.arange(5.0)), columns=columns)
    session.clocks.add(run.clock)
    session.runs.add(run)
    session.events.add(Event(name="bias on", t=2.0))
    return session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "work" / "a.nxs"
    made.parent.mkdir()
    run_to_end(files.create_session(made, experiment())).store.close()
    return made


def opened(path: Path) -> Document:
    found = run_to_end(recovery.open_with(path))
    return Document(found.session, found)


def add(document: Document, name: str) -> Event:
    event = Event(name=name, t=5.0)
    document.session.history.do(AddItem("Mark", event))
    return event


def names(path: Path) -> list[str]:
    document = opened(path)
    try:
        return [event.name for event in document.session.events]
    finally:
        document.close()


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often a session was compared with what was saved."""
    asked: list[int] = []
    differs = SavedState.differs
    monkeypatch.setattr(
        SavedState, "differs", lambda state, session: asked.append(1) or differs(state, session)
    )
    return asked


def test_dirty_until_undone_or_saved_and_no_item_is_looked_at(path: Path, compared: list[int]) -> None:
    document = opened(path)
    assert not document.is_dirty
    add(document, "a slip")
    assert document.is_dirty
    document.session.history.undo()
    assert not document.is_dirty
    compared.clear()
    for number in range(100):
        add(document, f"event {number}")
        assert document.is_dirty
    document.save()
    assert not document.is_dirty
    document.session.history.undo()
    assert document.is_dirty
    document.session.history.redo()
    assert not document.is_dirty
    assert len(compared) <= 1  # back at the mark, its content is asked once
    for _ in range(10):
        assert not document.is_dirty
    assert len(compared) <= 1
    document.close()


def test_what_goes_past_the_history_counts_by_its_content(path: Path) -> None:
    document = opened(path)
    session = document.session
    event = session.events.first
    assert event is not None
    session.change(event, name=event.name)
    assert not document.is_dirty  # touched, and as it was
    session.previews.add(Preview(name="preview", of_id="nothing"))
    assert not document.is_dirty  # nobody is asked whether to save what the program makes by itself
    session.focus.t = 3.0
    assert not document.is_dirty
    session.change(event, name="bias off")
    assert document.is_dirty
    session.change(event, name="bias on")
    assert not document.is_dirty
    session.steps.add(Step(name="worked"))
    assert document.is_dirty
    document.close()


def test_a_step_made_while_it_is_being_saved_is_not_saved(path: Path) -> None:
    waiting: list[Callable[[], None]] = []

    def later(label: str, job: Job[Any], on_result: Any = None, **_: Any) -> None:
        waiting.append(lambda: on_result(run_to_end(job)))

    found = run_to_end(files.open_session(path))
    document = Document(found.session, found, later)
    add(document, "in time")
    document.save()
    assert document.is_writing
    add(document, "too late")
    waiting.pop()()
    assert not document.is_writing
    assert document.is_dirty
    document.session.history.undo()
    assert not document.is_dirty
    document.close()
    assert names(path) == ["bias on", "in time"]


def test_a_save_that_was_stopped_can_be_tried_again(path: Path) -> None:
    stopped: list[bool] = [True]

    def start(
        label: str, job: Job[Any], on_result: Any = None, *, on_cancelled: Any = None, **_: Any
    ) -> None:
        if stopped.pop() if stopped else False:
            job.close()
            on_cancelled()
        else:
            on_result(run_to_end(job))

    found = run_to_end(files.open_session(path))
    document = Document(found.session, found, start)
    add(document, "wanted")
    document.save()
    assert document.is_dirty
    assert not document.is_writing
    document.save()
    assert not document.is_dirty
    document.close()
    assert names(path) == ["bias on", "wanted"]


def test_an_unnamed_session_lives_in_the_recovery_folder_until_it_is_named(
    tmp_path: Path, home: Path
) -> None:
    document = Document(experiment())
    heard: list[object] = []
    document.saved.connect(heard.append)
    assert (document.is_untitled, document.is_dirty, document.name) == (True, True, "untitled")
    document.autosave()
    assert not document.is_dirty
    assert document.is_untitled
    assert len(list((home / "recovery").glob("*.nxs"))) == 1
    path = tmp_path / "named.nxs"
    document.save_as(path)
    assert (document.path, document.name, document.needs_name) == (path, "named.nxs", False)
    assert heard == [path]
    assert list((home / "recovery").glob("*.nxs")) == []
    add(document, "later")
    document.save()
    document.close()
    assert names(path) == ["bias on", "later"]


def test_an_unnamed_session_that_nobody_wants_leaves_nothing_and_one_that_was_killed_stays(
    home: Path,
) -> None:
    for keep, left in ((False, 0), (True, 1)):
        document = Document(experiment())
        document.autosave()
        document.close(keep=keep)
        document.close()  # a second time changes nothing
        assert len(list((home / "recovery").glob("*.nxs"))) == left


def test_left_while_its_first_copy_is_made_the_copy_goes(home: Path) -> None:
    waiting: list[Callable[[], None]] = []

    def later(label: str, job: Job[Any], on_result: Any = None, **_: Any) -> None:
        waiting.append(lambda: on_result(run_to_end(job)))

    document = Document(experiment(), None, later)
    document.autosave()
    document.close()
    waiting.pop()()
    assert list((home / "recovery").glob("*.nxs")) == []


def test_discarding_leaves_the_file_as_it_was(path: Path) -> None:
    before = path.read_bytes()
    document = opened(path)
    add(document, "unwanted")
    document.autosave()
    assert path.with_name("a.nxs.recovery").is_file()
    document.close(discard=True)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["a.nxs"]


def test_what_was_undone_needs_no_recovery_file(path: Path) -> None:
    document = opened(path)
    add(document, "a slip")
    document.autosave()
    document.session.history.undo()
    document.autosave()
    assert [each.name for each in path.parent.iterdir()] == ["a.nxs"]
    document.close()


def test_what_was_not_saved_comes_back_dirty_and_is_saved_then(path: Path) -> None:
    document = opened(path)
    add(document, "lost and found")
    document.autosave()
    document.close(keep=True)
    found = run_to_end(recovery.open_with(path))
    again = Document(found.session, run_to_end(recovery.recover(found, found.lost[0])))
    assert again.is_dirty
    again.save()
    assert not again.is_dirty
    again.close()
    assert names(path) == ["bias on", "lost and found"]
    assert [each.name for each in path.parent.iterdir()] == ["a.nxs"]


def test_what_goes_wrong_is_told_and_raised_where_nobody_else_would_hear_of_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = opened(path)
    assert document.opened is not None
    told: list[object] = []
    document.failed.connect(told.append)

    def full(_session: Session) -> Job[Any]:
        raise UserError("The disk is full.")
        yield

    monkeypatch.setattr(document.opened.store, "save", full)
    add(document, "wanted")
    with pytest.raises(UserError):
        document.save()
    assert [str(error) for error in told] == ["The disk is full."]
    assert document.is_dirty
    assert not document.is_writing
    monkeypatch.undo()
    document.save()
    document.close()
    assert names(path) == ["bias on", "wanted"]


def test_a_file_that_somebody_else_writes_needs_another_name(path: Path) -> None:
    first = opened(path)
    second = opened(path)
    assert second.is_readonly
    assert second.needs_name
    assert second.holder
    second.session.history.do(ChangeFields("Name", second.session.info.id, {"sample": "Si"}))
    copy = path.with_name("copy.nxs")
    second.save_now(copy)
    assert second.path == copy
    assert not second.is_dirty
    second.close()
    first.close()


def test_where_somebody_looks_is_saved_by_the_window_only(path: Path) -> None:
    for keeps_view in (False, True):
        found = run_to_end(files.open_session(path))
        document = Document(found.session, found, keeps_view=keeps_view)
        document.session.focus.t = 3.0
        document.session.change(document.session.info, sample=f"Si {keeps_view}")
        document.save()
        document.close()
        again = opened(path)
        assert again.session.info.view.get("t") == (3.0 if keeps_view else None)
        again.close()
