"""The doctor finds what is wrong and repair saves the rest; broken and hostile files get a sentence."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import DATA

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.provenance import SourceFile
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.storage.check.finding import IntegrityFinding
from tandem_em.storage.check.integrity import check
from tandem_em.storage.check.repair import repair
from tandem_em.storage.check.streams import look_at_stamps
from tandem_em.storage.session_store import SessionStore
from tandem_em.storage.transaction.hdf5_store import Hdf5Store

CLOCK = {"origin": "ntp", "uncertainty_s": 0.05}


def session() -> Session:
    rng = np.random.default_rng(5)
    made = Session("sound")
    frames = rng.integers(0, 4000, (9, 32, 40), np.uint16)
    made.stacks.add(
        FrameStack(
            name="movie", source=MemoryArray(frames), times=np.arange(9.0), pixel_nm=0.5, clock=Clock(**CLOCK)
        )
    )
    cube = rng.normal(size=(16, 12, 32)).astype(np.float32)
    made.maps.add(SpectrumImage(name="map", source=MemoryArray(cube), energy_eV=40.0 + np.arange(32), start=1.0,
                                end=9.0, pixel_nm=(1.0, 1.0), clock=Clock(**CLOCK)))  # fmt: skip
    voltage = Column("voltage", "V", GrowingArray(np.sin(np.arange(50.0))))
    made.runs.add(BiasRun(name="bias", times=GrowingArray(np.arange(50.0)), columns={"voltage": voltage},
                          clock=Clock(**CLOCK)))  # fmt: skip
    made.events.add(Event(name="e"))
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "s.nxs"
    with SessionStore.create(path) as store:
        run_to_end(store.save(session(), compress=False))
    return path


def change(path: Path, work: Any) -> None:
    with Hdf5Store.open(path) as store:
        store.edit(work).result()


def damage(path: Path, dataset: str, origin: tuple[int, ...], name: bytes = b"\xff" * 16) -> None:
    """Overwrite bytes of one chunk on disk, as a failing drive does."""
    with h5py.File(path, "r") as h5:
        at = h5[dataset].id.get_chunk_info_by_coord(origin).byte_offset
    with path.open("r+b") as file:
        file.seek(at + 8)
        file.write(name)


def texts(findings: list[IntegrityFinding]) -> str:
    return " | ".join(f"{f.severity}: {f.where}: {f.what}" for f in findings)


def serious(findings: list[IntegrityFinding]) -> list[IntegrityFinding]:
    return [f for f in findings if f.severity != "info"]


def test_a_sound_session_has_no_finding(path: Path) -> None:
    assert serious(run_to_end(check(path))) == []


def test_a_flipped_byte_is_found_and_everything_else_is_saved(path: Path, tmp_path: Path) -> None:
    damage(path, "entry/movie_001/data", (4, 0, 0))
    found = serious(run_to_end(check(path)))
    assert "1 damaged frame (number 4" in texts(found)
    assert found[0].fixable
    report = run_to_end(repair(path, tmp_path / "out.nxs"))
    assert any("1 damaged part" in sentence for sentence in report)
    expected = session()
    with SessionStore.open(tmp_path / "out.nxs", readonly=True) as store:
        again = run_to_end(store.load())
        frames = np.asarray(again.stacks.first.source.read(slice(None)))  # type: ignore[union-attr]
        good = np.asarray(expected.stacks.first.source.read(slice(None)))  # type: ignore[union-attr]
        np.testing.assert_array_equal(np.delete(frames, 4, 0), np.delete(good, 4, 0))
        assert not frames[4].any()
        cube = again.maps.first.source.read(slice(None))  # type: ignore[union-attr]
        np.testing.assert_array_equal(cube, expected.maps.first.source.read(slice(None)))  # type: ignore[union-attr]
        assert len(again.events) == 1
    assert serious(run_to_end(check(tmp_path / "out.nxs"))) == []


def test_missing_groups_are_named_and_survived(path: Path, tmp_path: Path) -> None:
    def work(h5: Any) -> None:
        del h5["entry/session"]
        del h5["entry/movie_001/data"]
        del h5["entry/eels_001/item"]
        del h5["entry/instrument/bias_001/columns"]

    change(path, work)
    with SessionStore.open(path) as store:
        loaded = run_to_end(store.load())
        assert len(loaded.stacks) == 1
        with pytest.raises(UserError, match="missing"):
            loaded.stacks.first.frame(0)  # type: ignore[union-attr]
        assert len(loaded.maps) == 0
        assert "eels_001" in " ".join(store.problems)
    words = texts(run_to_end(check(path)))
    for part in ("entry/session", "Its data are missing", "Its fields are missing"):
        assert part in words
    report = run_to_end(repair(path, tmp_path / "out.nxs"))
    assert "read." in report[0]
    SessionStore.open(tmp_path / "out.nxs", readonly=True).close()


def test_what_cannot_be_read_is_not_written_over(path: Path) -> None:
    def work(h5: Any) -> None:
        h5["entry/eels_001/item"].move("name", "lost")
        h5["entry/eels_001"].move("item", "mislaid")
        events = h5["entry/events"]
        text = events["items_json"].asstr()[()]
        del events["items_json"]
        events["items_json"] = text[:-1] + ', {"id": "event-x", "t": {"~": "unheard of", "v": 1}}]'

    change(path, work)
    with SessionStore.open(path) as store:
        loaded = run_to_end(store.load())
        assert len(store.problems) == 2
        loaded.events.add(Event(name="new"))
        loaded.change(loaded.info, name="saved")
        run_to_end(store.save(loaded))
    with h5py.File(path) as h5:
        assert "data" in h5["entry/eels_001"]
        assert len(h5["entry/clocks"]) == 3
        text = h5["entry/events/items_json"].asstr()[()]
        assert "unheard of" in text
        assert "new" in text


def test_what_streams_say_is_found(tmp_path: Path) -> None:
    made = session()
    stack, run, spectrum_image = made.stacks.first, made.runs.first, made.maps.first
    assert stack is not None
    assert run is not None
    assert spectrum_image is not None
    stack.source = MemoryArray(np.full((9, 32, 40), 65535, np.uint16))
    stack.times = np.array([0, 1, 2, 2, 3, 2.5, 4, np.nan, 5.0])
    stack.frame_numbers = np.array([0, 1, 2, 3, 4, 9, 10, 11, 12])
    stack.pixel_nm, stack.clock.zone_assumed = 1e9, True
    run.columns["voltage"].unit = "mV"
    run.columns["current"] = Column("current", "A", GrowingArray(np.full(50, 1000.0)))
    spectrum_image.energy_eV = spectrum_image.energy_eV[::-1].copy()
    made.sources.add(
        SourceFile(name="gone.dm4", path="gone.dm4", linked=True, problems=["gone.dm4 is not at x."])
    )
    with SessionStore.create(tmp_path / "odd.nxs", made):
        pass
    words = texts(run_to_end(check(tmp_path / "odd.nxs")))
    for part in (
        "1 frame with the same time stamp", "Time runs backwards 1 time.", "1 frame without a time stamp", "4 frames counted",
        "are saturated", "1e+09 nm is impossible", "zone was not in the file", "voltage is in mV, not in V",
        "current reaches 1e+03 A", "energies do not increase", "gone.dm4 is not at",
    ):  # fmt: skip
        assert part in words, part


@given(
    st.lists(st.floats(0.9, 1.1), min_size=6, max_size=40),
    st.integers(1, 4), st.integers(2, 4), st.booleans(),
)  # fmt: skip
@settings(deadline=None, max_examples=30)
def test_dropped_and_duplicate_stamps_are_counted(
    steps: list[float], gap: int, where: int, double: bool
) -> None:
    times = np.concatenate([[0.0], np.cumsum(steps)])
    times[where:] += gap
    if double:
        times = np.insert(times, 1, times[1])
    odd = look_at_stamps(times)
    assert odd.dropped == gap
    assert odd.duplicate == double
    assert (odd.backward, odd.jumps) == (0, ())


def test_clock_jumps_are_found() -> None:
    times = np.concatenate([np.arange(10.0), np.arange(10.0) + 3600 * 24])
    assert look_at_stamps(times).jumps == (10,)
    back = np.concatenate([np.arange(20.0), np.arange(20.0) - 3600])
    assert (look_at_stamps(back).jumps, look_at_stamps(back).backward) == ((20,), 1)


# ---- files that are broken or hostile ---------------------------------------------------------------------------------


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as h5:
        h5["data"] = np.arange(5)


def hostile(path: Path, work: Any) -> None:
    with SessionStore.create(path, session()):
        pass
    with h5py.File(path, "r+") as h5:
        work(h5)


def external_link(h5: Any) -> None:
    h5["entry/secret"] = h5py.ExternalLink("/etc/passwd", "/")


def external_storage(h5: Any) -> None:
    h5.create_dataset("entry/x", (10,), "u1", external=[("/etc/hostname", 0, 10)])


def cycle(h5: Any) -> None:
    h5["entry/movie_001/again"] = h5["entry"]


def bomb(h5: Any) -> None:
    h5.create_dataset("entry/huge", (1 << 40,), "u1", chunks=(1 << 16,))


def virtual(h5: Any) -> None:
    layout = h5py.VirtualLayout((5,), "f8")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (5,))
    h5.create_virtual_dataset("entry/v", layout)


@pytest.mark.parametrize(
    "work", [external_link, external_storage, cycle, bomb, virtual], ids=lambda f: f.__name__
)
def test_hostile_files_are_refused_with_a_sentence(tmp_path: Path, work: Any) -> None:
    path = tmp_path / "bad.nxs"
    hostile(path, work)
    before = path.read_bytes()
    with pytest.raises(UserError) as refused:
        SessionStore.open(path)
    assert path.name in refused.value.title
    assert refused.value.title.endswith(".")
    found = run_to_end(check(path))
    assert [f.severity for f in found] == ["error"] * len(found)
    assert found
    assert path.read_bytes() == before


def test_soft_links_are_not_followed_when_reading(tmp_path: Path) -> None:
    path = tmp_path / "soft.nxs"

    def work(h5: Any) -> None:
        del h5["entry/movie_001/item/name"]
        h5["entry/movie_001/item/name"] = h5py.SoftLink("/entry/session/name")

    hostile(path, work)
    with SessionStore.open(path, readonly=True) as store:
        assert run_to_end(store.load()).stacks.first.name == ""  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.write_bytes(b""), "empty"),
        (lambda p: p.write_bytes(b"time,voltage\n1,2\n" * 500), "not an HDF5"),
        (foreign, "not a TandEM session"),
        (lambda p: p.mkdir(), "folder"),
        (lambda p: None, "does not exist"),
    ],
    ids=["empty", "text", "foreign", "folder", "missing"],
)
def test_what_is_no_session_gets_a_sentence(tmp_path: Path, make: Any, words: str) -> None:
    path = tmp_path / "x.nxs"
    make(path)
    with pytest.raises(UserError, match=words):
        SessionStore.open(path)
    found = run_to_end(check(path))
    assert any(words in f.what for f in found), found
    with pytest.raises(UserError):
        run_to_end(repair(path, tmp_path / "out.nxs"))
    assert not (tmp_path / "out.nxs").exists()


@pytest.mark.parametrize("part", [0.001, 0.3, 0.9, 0.999])
def test_a_file_cut_short_gets_a_sentence(path: Path, tmp_path: Path, part: float) -> None:
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * part))
    with pytest.raises(UserError, match=r"cut short|damaged"):
        SessionStore.open(path)
    assert serious(run_to_end(check(path)))
    refused = None
    try:
        report = run_to_end(repair(path, tmp_path / "out.nxs"))
    except UserError as error:
        refused = error.title
    else:
        assert "cut short" in report[0]
    assert (tmp_path / "out.nxs").exists() == (refused is None)
    assert "not a TandEM session" not in (refused or ""), "it was one"
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_flipped_bytes_anywhere_never_crash(path: Path, tmp_path: Path) -> None:
    """Damage in the description of the file: a sentence or a session, never anything else."""
    rng = np.random.default_rng(11)
    whole = path.read_bytes()
    for number in range(3):
        content = bytearray(whole)
        for at in rng.integers(2 << 20, len(content), 60):
            content[at] ^= int(rng.integers(1, 255))
        bad = tmp_path / f"bad{number}.nxs"
        bad.write_bytes(content)
        run_to_end(check(bad))
        with contextlib.suppress(UserError), SessionStore.open(bad, readonly=True) as store:
            run_to_end(store.load())


def test_repair_never_overwrites(path: Path, tmp_path: Path) -> None:
    (tmp_path / "out.nxs").write_text("mine")
    with pytest.raises(UserError, match="exists"):
        run_to_end(repair(path, tmp_path / "out.nxs"))
    assert (tmp_path / "out.nxs").read_text() == "mine"


def test_an_old_session_is_repaired_as_a_present_one(tmp_path: Path) -> None:
    golden = DATA / "sessions" / "session-0.9.nxs"
    path = Path(shutil.copy(golden, tmp_path / "old.nxs"))
    run_to_end(repair(path, tmp_path / "out.nxs"))
    with SessionStore.open(tmp_path / "out.nxs", readonly=True) as store:
        assert run_to_end(store.load()).stacks["stack-1"].pixel_nm == 0.25


def test_of_a_recording_cut_short_the_frames_that_are_there_are_saved(tmp_path: Path) -> None:
    path, out = tmp_path / "s.nxs", tmp_path / "out.nxs"
    frames = np.random.default_rng(0).integers(0, 4000, (120, 128, 128), np.uint16)
    stack = FrameStack(name="camera")
    made = Session("x")
    made.stacks.add(stack)
    SessionStore.create(path, made).close()
    with SessionStore.open(path) as store:
        run_to_end(store.load())
        stack.source = store.start_stack(stack, (128, 128), np.uint16)
        for number, frame in enumerate(frames):
            store.append_frame(stack.id, frame, number * 0.1)
        store.finish_stack(stack)
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * 0.8))
    report = run_to_end(repair(path, out))
    assert "cut short" in report[0]
    with SessionStore.open(out, readonly=True) as store:
        saved = run_to_end(store.load()).stacks.first
        assert saved is not None
        same = [bool((saved.frame(i) == frames[i]).all()) for i in range(120)]
        assert sum(same) > 60
        assert all(same[:60])


@pytest.mark.parametrize("work", [external_link, cycle, bomb, virtual], ids=lambda f: f.__name__)
def test_repair_leaves_hostile_parts_behind(tmp_path: Path, work: Any) -> None:
    path, out = tmp_path / "bad.nxs", tmp_path / "out.nxs"
    hostile(path, work)
    run_to_end(repair(path, out))
    assert serious(run_to_end(check(out))) == []
    with SessionStore.open(out, readonly=True) as store:
        again = run_to_end(store.load())
        np.testing.assert_array_equal(
            again.stacks.first.source.read(slice(None)),  # type: ignore[union-attr]
            session().stacks.first.source.read(slice(None)),  # type: ignore[union-attr]
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.nxs", "out.nxs"]
