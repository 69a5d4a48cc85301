"""tandem bench: run the benchmarks, compared with other programs."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tandem_em.cli.terminal import print_json, write_json
from tandem_em.core.benchmark import Figure
from tandem_em.core.notices import UserError

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "run the benchmarks, compared with other programs"
CORE = ("eels", "outlines", "durability", "recording", "drift", "movie")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem bench`."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="benchmarks to run (default: all); --list names them"
    )
    parser.add_argument("--list", action="store_true", help="name the benchmarks")
    parser.add_argument(
        "--quick", action="store_true", help="smaller sizes and fewer runs: a smoke test, not a measurement"
    )
    parser.add_argument("--frames", type=int, metavar="N", help="outlines: frames of each movie (100)")
    parser.add_argument("--seeds", type=int, metavar="N", help="outlines: movies of each scene and level (3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="also write the JSON object to a file")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Run the benchmarks and print tables or JSON; 1 when one failed to run (a missed goal is no failure)."""
    # Benchmarks of the window are known to the window only: this package does not import Qt.
    modules = _modules(window)
    if options.list:
        print("\n".join(modules))
        return 0
    unknown = [name for name in options.names if name not in modules]
    if unknown:
        raise UserError(f"There is no benchmark {unknown[0]}.", f"Available: {', '.join(modules)}.")
    results: dict[str, list[Figure]] = {}
    failed: dict[str, str] = {}
    for name in options.names or modules:
        began = time.monotonic()
        # To standard error: standard output may be JSON.
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            results[name] = _run(modules[name], options)
        except Exception as error:  # noqa: BLE001  the others are still worth measuring
            failed[name] = f"{type(error).__name__}: {error}"
        print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    found = {
        "machine": machine(), "quick": options.quick, "failed": failed,
        "results": {name: [figure.as_dict() for figure in figures] for name, figures in results.items()},
    }  # fmt: skip
    if options.out is not None:
        write_json(options.out, found)
    if options.json:
        print_json(found)
    else:
        print(report(results, failed, found["machine"]))
    return 1 if failed else 0


def report(results: dict[str, list[Figure]], failed: dict[str, str], here: dict[str, Any]) -> str:
    """Every table, the machine, and in the last lines what was missed."""
    parts = [" · ".join(f"{key} {value}" for key, value in here.items())]
    parts += [f"\n{name}\n{table(figures)}" for name, figures in results.items()]
    judged = [
        (name, figure) for name, figures in results.items() for figure in figures if figure.met is not None
    ]
    parts.append(f"\n{sum(bool(figure.met) for _, figure in judged)} of {len(judged)} goals met")
    parts += [f"missed: {name}: {figure.what} ({figure.goal})" for name, figure in judged if not figure.met]
    parts += [f"failed: {name}: {why}" for name, why in failed.items()]
    return "\n".join(parts)


def _run(module: str, options: argparse.Namespace) -> list[Figure]:
    """Run one benchmark with the sizes it lets be set."""
    bench = import_module(module)
    # Only what was given and what this benchmark knows; the rest stays at its own default.
    sizes = {name: getattr(options, name) for name in getattr(bench, "SIZES", ()) if getattr(options, name)}
    figures: list[Figure] = bench.run(options.quick, **sizes)
    return figures


def _modules(window: WindowDoor) -> dict[str, str]:
    from importlib.util import find_spec

    places = {name: f"tandem_em.bench.{name}" for name in CORE}
    places |= {name: f"tandem_widgets.bench.{name}" for name in window.benchmarks()}
    return {name: place for name, place in sorted(places.items()) if find_spec(place) is not None}


def machine() -> dict[str, Any]:
    """Where and how quietly it was measured."""
    # Windows has no load average.
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": platform.platform(), "processor": _processor(), "cores": os.cpu_count(),
        "python": platform.python_version(), "load": None if load is None else round(load, 1),
    }  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )


def table(figures: list[Figure]) -> str:
    """Figures as lines of text in columns, with whether each goal was met."""
    rows = [("what", "ours", "peer", "ratio", "goal", "")]
    for figure in figures:
        peer = (
            f"{figure.peer} {figure.peer_value:.4g} {figure.unit}"
            if figure.peer_value is not None
            else figure.peer
        )
        ratio = f"{figure.ratio:.3g}x" if figure.ratio is not None else ""
        met = {True: "met", False: "MISSED", None: ""}[figure.met]
        rows.append((figure.what, f"{figure.value:.4g} {figure.unit}", peer, ratio, figure.goal, met))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )
