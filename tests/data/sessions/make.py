"""Makes the golden sessions of every released format. Run once for each release, then never change its file again.

python tests/data/sessions/make.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.jobs import run_to_end
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.provenance import ResultSet, SourceFile, Step
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, Site, SpectrumImage
from tandem_em.model.tracks import Outline, Particle
from tandem_em.storage.session_store import SessionStore
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
from tandem_em.storage.write.root import write_skeleton


def golden_session() -> Session:
    """A few numbers of each kind that a test can know by heart."""
    session = Session("golden")
    session.info.uuid, session.info.start_iso = (
        "00000000-0000-4000-8000-000000000000",
        "2026-01-02T03:04:05+01:00",
    )
    session.info.user, session.info.sample, session.info.beam_kV = "A. Person", "Si", 300.0
    clock = session.clocks.add(
        Clock(id="clock-1", name="camera", offset_s=2.0, uncertainty_s=0.05, origin="ntp")
    )
    frames = np.arange(4 * 6 * 5, dtype=np.uint16).reshape(4, 6, 5)
    session.stacks.add(FrameStack(id="stack-1", name="movie", source=MemoryArray(frames), times=np.arange(4) * 0.5,
                                  clock=clock, pixel_nm=0.25))  # fmt: skip
    cube = np.arange(3 * 2 * 8, dtype=np.float32).reshape(3, 2, 8)
    session.maps.add(SpectrumImage(id="map-1", name="charged", source=MemoryArray(cube), energy_eV=50 + np.arange(8.0),
                                   pixel_nm=(0.5, 2.0), adf=np.ones((3, 2)), start=0.0, end=9.0))  # fmt: skip
    voltage = Column("voltage", "V", GrowingArray(np.array([0.1, 0.2, 0.4])))
    session.runs.add(
        BiasRun(id="run-1", name="bias", times=GrowingArray(np.arange(3.0)), columns={"voltage": voltage})
    )
    triangle = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 2.0]])
    session.particles.add(
        Particle(id="particle-1", name="P1", stack_id="stack-1", outlines={1: Outline(triangle)})
    )
    session.events.add(Event(id="event-00000000", name="contact µ", t=1.5, category="contact"))
    session.cells.add(Cell(id="cell-1", area_um2=10.0))
    session.edges.add(Edge(id="edge-1", name="Li K", fit=(41.0, 51.0), signal=(52.5, 57.5)))
    session.sites.add(Site(id="site-1", name="0", map_id="map-1", points=[(1.0, 2.0)]))
    session.steps.add(
        Step(id="step-1", what="follow", parameters={"window": (1, 2)}, when="2026-01-02T03:04:05Z")
    )
    session.results.add(ResultSet(id="result-1", name="fit", arrays={"rate": np.array([1.0, 2.0])}))
    session.sources.add(SourceFile(id="source-1", name="a.dm4", path="a.dm4", size=5))
    return session


def write_present(path: Path) -> None:
    Hdf5Store.create(path, prepare=lambda h5: write_skeleton(h5, path.name), journal_bytes=32 << 10).close()
    with SessionStore.open(path) as store:
        run_to_end(store.save(golden_session()))


def write_0_9(path: Path) -> None:
    """The last format before the first release: written as the present one, then taken back to what it was."""
    write_present(path)
    with Hdf5Store.open(path, "rw") as store:
        store.edit(_take_back).result()


def _take_back(h5: Any) -> None:
    h5["entry"].create_group("bias")
    h5.move("entry/instrument/bias_001", "entry/bias/run_a")
    del h5["entry/bias_001_voltage"]
    for name, value in (("movie_001", 0.25e-9), ("eels_001", np.array([0.5e-9, 2.0e-9]))):
        item = h5[f"entry/{name}/item"]
        del item["pixel_nm"]
        item["pixel_m"] = value
        item["pixel_m"].attrs["units"] = "m"
    events = h5["entry/events"]
    record = json.loads(events["items_json"].asstr()[()])[0]
    for name in list(events):
        del events[name]
    events["lines"] = f"{record['t']}\t{record['category']}\t{record['name']}"
    form = h5["entry/session_format"]
    for name in ("version", "min_reader_version"):
        del form[name]
        form[name] = "0.9"
    h5.create_group("entry/plugin_of_somebody")["note"] = "keep me"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write_0_9(folder / "session-0.9.nxs")
    write_present(folder / "session-1.0.nxs")
