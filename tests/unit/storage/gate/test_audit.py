"""Hostile, damaged and foreign HDF5 files: a sentence, or they open; never a crash, a hang or a file of the user."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from places import DATA
from waiting import STAY

from tandem_em.bench import crash_recorder
from tandem_em.core.notices import UserError
from tandem_em.storage.gate import audit as audit_module
from tandem_em.storage.gate import audit_child
from tandem_em.storage.gate.audit import audit, require_sound
from tandem_em.storage.gate.audit_child import look_through
from tandem_em.storage.transaction.hdf5_store import Hdf5Store

OUT = b"/etc/passwd"


def external_link(h5: Any) -> None:
    h5["out"] = h5py.ExternalLink("/etc/passwd", "/x")


def external_storage(h5: Any) -> None:
    h5.create_dataset("out", (10,), "u1", external=[("/tmp/somebody.bin", 0, 10)])


def virtual_data(h5: Any) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "data", (4,))
    h5.create_virtual_dataset("out", layout)


def unknown_filter(h5: Any) -> None:
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((10,))
    plan.set_filter(32008, h5py.h5z.FLAG_OPTIONAL, ())
    h5py.h5d.create(h5.id, b"packed", h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((10,)), plan)


def huge_chunk(h5: Any) -> None:
    h5.create_dataset("big", (1 << 29,), "u1", chunks=(1 << 29,))


def huge_element(h5: Any) -> None:
    h5.create_dataset("big", (1,), np.dtype(("u1", (2 << 20,))))


def empty_promise(h5: Any) -> None:
    h5.create_dataset("much", (1 << 20, 1 << 20), "f8", chunks=(64, 64))


def deep_groups(h5: Any) -> None:
    h5.create_group("/".join(["g"] * 40))


def circle(h5: Any) -> None:
    inner = h5.create_group("a/b")
    inner["back"] = h5["a"]


def long_name(h5: Any) -> None:
    h5.create_group("n" * 5000)


def deep_type(h5: Any) -> None:
    kind = np.dtype("f8")
    for _ in range(12):
        kind = np.dtype([("x", kind)])
    h5["deep"] = np.zeros(2, kind)


def huge_attribute(h5: Any) -> None:
    h5.attrs.create("big", np.zeros(3_000_000))


HOSTILE: dict[Callable[[Any], None], str] = {
    external_link: "links to another file",
    external_storage: "keeps its values in another file",
    virtual_data: "put together from other files",
    unknown_filter: "foreign code",
    huge_chunk: "chunks over 256 MB",
    huge_element: "One element of",
    empty_promise: "claims 8388608 MB",
    deep_groups: "more than 32 deep",
    circle: "links back to a group",
    long_name: "bytes long",
    deep_type: "nested more than",
    huge_attribute: "attribute of / takes",
}


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_every_trap_is_named(tmp_path: Path, make: Callable[[Any], None]) -> None:
    path = tmp_path / "trap.h5"
    with h5py.File(path, "w", libver=("v110", "v114")) as h5:
        h5["honest"] = np.arange(10)
        make(h5)
    assert any(HOSTILE[make] in sentence for sentence in look_through(path)), look_through(path)


def test_honest_files_pass(tmp_path: Path) -> None:
    path = tmp_path / "honest.h5"
    with h5py.File(path, "w", userblock_size=512) as h5:
        h5.create_dataset("packed", data=np.zeros((4000, 4000)), compression="gzip", chunks=(500, 500))
        h5.create_dataset("empty", (0, 100), "f8", maxshape=(None, 100))
        h5["nothing"] = h5py.Empty("f8")
        h5["words"] = ["one", "two"]
        h5["same"] = h5["packed"]
        h5["pointer"] = h5py.SoftLink("/packed")
        h5.attrs["title"] = "fine"
    assert look_through(path) == []
    session = tmp_path / "session.nxs"
    with Hdf5Store.create(session, prepare=crash_recorder.prepare):
        assert look_through(session) == []  # also while somebody records


def test_too_many_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_child, "MOST_LINKS", 50)
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as h5:
        for number in range(10):
            for inner in range(6):
                h5.create_group(f"{number}/{inner}")
    assert "It has more than 50 links." in look_through(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\x89HDF\r\n\x1a\n", "first bytes are damaged"),
        (b"not at all", "not an HDF5 file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(range(200)), "first bytes are damaged"),
    ],
)
def test_what_is_no_hdf5_file_gets_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "wrong.nxs"
    path.write_bytes(content)
    assert words in look_through(path)[0]
    for mode in ("r", "rw"):
        with pytest.raises(UserError, match=words):
            Hdf5Store.open(path, mode)


def test_the_child_process_judges(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.h5", tmp_path / "good.h5"
    with h5py.File(bad, "w") as h5:
        external_link(h5)
    with h5py.File(good, "w") as h5:
        h5["x"] = 1
    assert audit(good) == []
    require_sound(good)
    with pytest.raises(UserError, match=r"bad\.h5 is not opened"):
        require_sound(bad)


def test_a_child_that_hangs_or_crashes_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(code: str) -> Callable[[], list[str]]:
        return lambda: [sys.executable, "-c", code]

    monkeypatch.setattr(audit_module, "_command", command(f"print(1, flush=True); {STAY}"))
    assert "takes more than" in audit(tmp_path, seconds=0.2)[0]
    spinning = "from tandem_em.storage.gate.audit_child import _limit_processor as limit; limit(0.1); print(1, flush=True)"
    monkeypatch.setattr(audit_module, "_command", command(f"{spinning}\nwhile True: pass"))
    if sys.platform != "win32":
        assert "of the processor" in audit(tmp_path, seconds=5)[0]
    monkeypatch.setattr(audit_module, "_command", command("import os; os.abort()"))
    assert "so damaged" in audit(tmp_path)[0]


def test_an_answer_that_comes_at_once_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy computer the child may be through before its first line is read."""
    code = "import os; os.write(1, b'ready\\n[]')"
    monkeypatch.setattr(audit_module, "_command", lambda: [sys.executable, "-c", code])
    assert audit(tmp_path / "a.nxs") == []


SESSION = DATA / "sessions" / "session-1.0.nxs"


def test_a_sound_file_is_opened_where_no_signal_tells_of_used_up_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(signal, "SIGXCPU", raising=False)
    require_sound(SESSION)
    with h5py.File(tmp_path / "bad.h5", "w") as h5:
        external_link(h5)
    assert "links to another file" in audit(tmp_path / "bad.h5")[0]
    monkeypatch.setattr(
        audit_module, "_command", lambda: [sys.executable, "-c", "print(1, flush=True)\nwhile True: pass"]
    )
    assert audit(SESSION, seconds=0.1) == [f"Checking it takes more than {0.1 * audit_module.PATIENCE:g} s."]


def test_a_system_without_limits_for_a_process_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    audit_child._limit_memory(1 << 30)
    audit_child._limit_processor(5.0)


@pytest.mark.parametrize("child", ["gate.audit_child", "check.repair_child"])
def test_the_children_answer_without_a_standard_output_of_python(tmp_path: Path, child: str) -> None:
    """A windowed Windows program has none, even when it was given a pipe."""
    path, copy = tmp_path / "fine.h5", tmp_path / "copy.h5"
    with h5py.File(path, "w") as h5:
        h5["x"] = 1
    arguments = {
        "gate.audit_child": [str(path), str(2 << 30), "5"],
        "check.repair_child": [str(path), str(copy)],
    }[child]
    code = f"import sys; sys.stdout = None; from tandem_em.storage.{child} import main; main({arguments})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] in ("[]", '{"copied": 1, "lost": [], "done": true}')


def test_a_file_cut_short_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.nxs"
    Hdf5Store.create(path, prepare=crash_recorder.prepare).close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    assert "is cut short" in look_through(path)[0]
    with pytest.raises(UserError, match="is cut short"):
        Hdf5Store.open(path)


def test_fuzzed_sessions_open_or_get_a_sentence(tmp_path: Path) -> None:
    """Random bytes changed in the metadata: in a child, as damaged files can crash HDF5 itself."""
    path = tmp_path / "session.nxs"
    with Hdf5Store.create(path, prepare=crash_recorder.prepare, journal_bytes=32 << 10) as store:
        for step in range(6):
            store.call(lambda h5, step=step: crash_recorder.edit(h5, 5, step)).result()
    content, rng = path.read_bytes(), random.Random(8)
    judged = []
    for number in range(6):
        fuzzed = bytearray(content)
        for _ in range(1 + number * 3):
            fuzzed[rng.choice((rng.randrange(0, 4096), rng.randrange(len(fuzzed))))] = rng.randrange(256)
        bad = tmp_path / f"fuzzed_{number}.nxs"
        bad.write_bytes(fuzzed)
        judged.append(audit(bad))
    assert all(isinstance(sentence, str) for findings in judged for sentence in findings)
    assert any(judged)
