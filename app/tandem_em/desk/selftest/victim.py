"""The program that is killed: `python -m tandem_em.desk.selftest.victim SESSION` says "kept" and waits for its end."""

from __future__ import annotations

import sys
from pathlib import Path

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files, recovery
from tandem_em.desk.document.recovery_file import RecoveryFile
from tandem_em.desk.selftest.sessions import small_session
from tandem_em.desk.selftest.sessions_kept import CHANGED
from tandem_em.model.edits import ChangeFields


def main(path: Path) -> None:
    opened = run_to_end(files.create_session(path, small_session()))
    opened.store.close()
    opened = run_to_end(recovery.open_with(path))
    run = opened.session.runs.first
    assert run is not None
    opened.session.history.do(ChangeFields("", run.id, {"name": CHANGED}))
    run_to_end(RecoveryFile(opened).keep())
    with open(1, "wb", closefd=False) as answer:  # a windowed interpreter has no sys.stdout
        answer.write(b"kept\n")
    with open(0, "rb", closefd=False) as asked:
        asked.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
