"""`tandem demo` does what it is asked and nothing beside."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tandem_em.cli import demo
from tandem_em.core.jobs import call_as_job, run_to_end
from tandem_em.desk.document import files
from tandem_em.model.session import Session


class NoWindow:
    """A door that must stay closed."""

    def open(self, *_paths: object, **_choices: object) -> int:
        raise AssertionError("no window was asked for")


def test_practice_files_are_written_without_a_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built = tmp_path / "demo.nxs"
    run_to_end(files.create_session(built, Session("demo"))).store.close()
    monkeypatch.setattr("tandem_em.desk.demo.build.demo_path", lambda *_: call_as_job(lambda: built))
    monkeypatch.setattr(
        "tandem_em.desk.demo.build.write_files",
        lambda _session, folder: call_as_job(lambda: [folder / "log.csv"]),
    )
    parser = argparse.ArgumentParser()
    demo.arguments(parser)
    assert demo.run(parser.parse_args(["--files", str(tmp_path / "practice")]), NoWindow()) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'practice' / 'log.csv'}\n"
