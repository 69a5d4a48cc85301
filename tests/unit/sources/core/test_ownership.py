"""One owner per instrument: who holds it is said, and what a dead process left behind holds nobody up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import STAY

from tandem_em.core import locks
from tandem_em.core.notices import UserError
from tandem_em.sources.core import ownership
from tandem_em.sources.core.ownership import Owner, hold

ADDRESS = "TCPIP0::192.168.0.5::5025::SOCKET"
HOLD = f"""
import sys
from pathlib import Path
from tandem_em.sources.core.ownership import Owner, hold
held = hold(Owner(Path(sys.argv[1]), "tandem record"), sys.argv[2])
print("held", flush=True)
{STAY}
"""


def test_another_process_is_named_and_its_death_frees_the_instrument(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path, ADDRESS], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=rf"in use by tandem record of .* \(process {other.pid}\)"):
            hold(Owner(tmp_path), ADDRESS)
        other.kill()
        other.wait()
    assert locks.read_note(ownership.lock_file(tmp_path, ADDRESS).read_bytes()) is not None  # a stale one
    held = hold(Owner(tmp_path, pid=4711), ADDRESS)
    assert held is not None
    with pytest.raises(UserError, match=r"TandEM of .* \(process 4711\)"):
        ownership.require_free(Owner(tmp_path), ADDRESS)
    held.close()
    ownership.require_free(Owner(tmp_path), ADDRESS)


def test_one_instrument_has_one_lock_however_its_address_is_written(tmp_path: Path) -> None:
    held = hold(Owner(tmp_path), "GPIB0::24::INSTR")
    assert held is not None
    with pytest.raises(UserError):
        hold(Owner(tmp_path), " gpib::24")
    ownership.require_free(Owner(tmp_path), "GPIB0::25::INSTR")
    ownership.require_free(Owner(tmp_path), "GPIB1::24::INSTR")
    held.close()


def test_a_note_that_is_not_there_yet_is_still_a_refusal(tmp_path: Path) -> None:
    held = hold(Owner(tmp_path), ADDRESS)
    assert held is not None
    ownership.lock_file(tmp_path, ADDRESS).write_bytes(b"")
    with pytest.raises(UserError, match="another program"):
        hold(Owner(tmp_path), ADDRESS)
    held.close()


@pytest.mark.skipif(os.name == "nt", reason="a folder that cannot be written")
def test_where_nothing_can_be_locked_the_measurement_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert hold(Owner(tmp_path / "file"), ADDRESS) is None
