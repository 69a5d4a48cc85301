"""tandem maps: element maps as .npy, .tif and .png, and maps.json."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, print_json, read_json, work, write_json
from tandem_em.desk import analyses, streams
from tandem_em.desk.eels import export, maps
from tandem_em.desk.eels.analyses import MAPS
from tandem_em.model.spectra import SpectrumImage

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "element maps of a spectrum image as .npy, .tif and .png, and maps.json"
EXAMPLE = """EDGES.json, windows in eV (without it the edges of the session, or the default edges in its energy range):

{"edges": [{"name": "Li K", "background": "power law", "fit": [41.0, 51.0], "signal": [52.5, 57.5]},
           {"name": "Si L", "background": "polynomial", "order": 2, "fit": [88.0, 98.0], "signal": [102.0, 107.0]}]}

Backgrounds: power law, power law lsq (least squares), polynomial, exponential, log polynomial, none."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem maps`, and the example of an EDGES.json below them."""
    parser.epilog, parser.formatter_class = EXAMPLE, argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "file", type=Path, help="a session or a spectrum image", metavar="SESSION|SPECTRUM_IMAGE"
    )
    parser.add_argument(
        "--edges", type=Path, metavar="EDGES.json", help="edges, windows and background models"
    )
    parser.add_argument("--map", metavar="NAME", help="spectrum image of the session")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--save", action="store_true", help="also save edges and maps in the session")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="work on a Dask cluster, tcp://host:port")
    parser.add_argument("--json", action="store_true", help="print one JSON object (the default)")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Map the edges of one spectrum image and write maps and report into a folder."""
    started = time.perf_counter()
    edges = (
        maps.edges_from_json(read_json(existing(options.edges)), options.edges.name)
        if options.edges
        else None
    )
    with streams.closing(
        work("Opening", streams.open_source(existing(options.file), write=options.save))
    ) as source:
        image = streams.choose(source.session.maps, options.map, options.file)
        if edges is None:
            edges = list(source.session.edges) or maps.default_edges()
            edges = maps.fitting_edges(edges, image.energy_eV)
        request = analyses.ask(source.session, MAPS.name, image, edges)
        request.scheduler = options.scheduler or ""
        made = work("Mapping", request.job(source.session))
        report = work("Writing", export.write_maps(options.out, image, made, time.perf_counter() - started))
        report["problems"] = _problems(source, image, options.map)
        # After the maps: the problems belong into the report too.
        write_json(options.out / "maps.json", report)
        if options.save and source.opened is not None:
            request.keep(source.session, made)
            work("Saving", source.opened.store.save(source.session))
    for problem in report["problems"]:
        print(problem, file=sys.stderr)
    print_json(report)
    return 0


def _problems(source: streams.Source, image: SpectrumImage, asked: str | None) -> list[str]:
    """What is doubtful about the file itself, and what else could have been mapped."""
    found = [problem for file in source.session.sources for problem in file.problems]
    others = [each.name for each in source.session.maps if each is not image]
    if others and asked is None:
        found.append(f"{image.name} was mapped; with --map there are also: {', '.join(others)}.")
    return found
