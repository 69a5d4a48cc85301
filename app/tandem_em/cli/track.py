"""tandem track: follow outlines through a movie."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, print_json, read_json, work, write_json
from tandem_em.desk import streams
from tandem_em.desk.outlines import tracking
from tandem_em.desk.provenance import step_for
from tandem_em.importers.core.base import ImportOptions
from tandem_em.model.edits import AddItem, ChangeFields, Together
from tandem_em.model.frames import FrameStack

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "follow outlines through a movie: area against time"
EXAMPLE = """OUTLINE.json, in pixels of that frame, (0, 0) being the centre of the first one:

{"particles": [{"name": "P1", "frame": 0, "polygon": [[101.5, 88.0], [131.0, 90.2], [115.0, 120.4]]},
               {"name": "P2", "frame": 12, "click": [240, 310]}]}

Frames count from 0. Optional beside "particles": "pixel_size_nm", and "times_s" with one time per frame."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog, parser.formatter_class = EXAMPLE, argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, metavar="SESSION|MOVIE")
    parser.add_argument(
        "--outline",
        type=Path,
        required=True,
        metavar="OUTLINE.json",
        help="a polygon or a click per particle",
    )
    parser.add_argument("--stack", metavar="NAME", help="image stack of the session")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="TRACKS.json",
        help="file for the tracks (default: standard output)",
    )
    parser.add_argument("--save", action="store_true", help="also save the particles in the session")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="work on a Dask cluster, tcp://host:port")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    request = tracking.read_request(read_json(existing(options.outline)), options.outline.name)
    read = ImportOptions(axis0_is_time=True)
    opening = streams.open_source(existing(options.file), write=options.save, options=read)
    with streams.closing(work("Opening", opening)) as source:
        stack = streams.choose(source.session.stacks, options.stack, options.file)
        had_drift = stack.drift_px is not None
        tracked = work("Following", tracking.track(stack, request, options.scheduler or ""))
        report = tracking.report(stack, tracked)
        if options.save and tracked.found:
            _save(source, stack, tracked, had_drift)
    if options.out is not None:
        write_json(options.out, report)
        for particle in tracked.particles:
            print(f"{particle.name}: {len(particle.outlines)} of {len(stack)} frames")
            for sentence in tracked.lost.get(particle.name, []):
                print(f"  {sentence}")
    else:
        print_json(report, indent=None)
    if (trouble := tracked.trouble) is None:
        return 0
    others = " The others were followed and their tracks are kept." if len(tracked.particles) > 1 else ""
    sys.stderr.write(f"{trouble.title} {trouble.advice}{others}\n")
    return 1


def _save(source: streams.Source, stack: FrameStack, tracked: tracking.Tracked, had_drift: bool) -> None:
    session = source.session
    found = tracked.found
    label = "Follow " + ", ".join(particle.name for particle in found)
    if not had_drift:
        drift, stack.drift_px = stack.drift_px, None
        session.history.do(ChangeFields("Drift", stack.id, {"drift_px": drift}))
    step = step_for("follow outlines", [stack], {"drift": "estimated" if not had_drift else "as it was"})
    step.outputs = [particle.id for particle in found]
    for particle in found:
        particle.provenance_id = step.id
    session.history.do(Together(label, [AddItem(label, item) for item in (step, *found)]))
    assert source.opened is not None
    work("Saving", source.opened.store.save(session))
