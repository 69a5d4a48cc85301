"""tandem bench: the benchmarks, beside the peers, in one run."""

from __future__ import annotations

import argparse
import platform
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tandem_em.benchmark import Figure
from tandem_em.cli.terminal import print_json
from tandem_em.notices import UserError

if TYPE_CHECKING:
    from tandem_em.cli.commands import WindowDoor

HELP = "the benchmarks, beside the peers, in one run"
CORE = ("eels", "outlines", "durability", "recording", "drift")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="which ones (all by default); --list names them"
    )
    parser.add_argument("--list", action="store_true", help="name the benchmarks")
    parser.add_argument(
        "--quick", action="store_true", help="smaller sizes and fewer runs: a smoke test, not a measurement"
    )
    parser.add_argument("--frames", type=int, metavar="N", help="outlines: frames of each movie (100)")
    parser.add_argument("--seeds", type=int, metavar="N", help="outlines: movies of each scene and level (3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    modules = _modules(window)
    if options.list:
        print("\n".join(modules))
        return 0
    unknown = [name for name in options.names if name not in modules]
    if unknown:
        raise UserError(f"There is no benchmark {unknown[0]}.", f"There are: {', '.join(modules)}.")
    results: dict[str, list[Figure]] = {}
    for name in options.names or modules:
        print(f"{name} …", file=sys.stderr, flush=True)
        results[name] = _run(modules[name], options)
    if options.json:
        print_json(
            {
                "machine": machine(),
                "quick": options.quick,
                "results": {n: [f.as_dict() for f in r] for n, r in results.items()},
            }
        )
    else:
        for name, figures in results.items():
            print(f"\n{name}")
            print(table(figures))
    return 0


def _run(module: str, options: argparse.Namespace) -> list[Figure]:
    """Run one benchmark with the sizes it lets be set."""
    bench = import_module(module)
    sizes = {name: getattr(options, name) for name in getattr(bench, "SIZES", ()) if getattr(options, name)}
    figures: list[Figure] = bench.run(options.quick, **sizes)
    return figures


def _modules(window: WindowDoor) -> dict[str, str]:
    from importlib.util import find_spec

    places = {name: f"tandem_em.bench.{name}" for name in CORE}
    places |= {name: f"tandem_widgets.bench.{name}" for name in window.benchmarks()}
    return {name: place for name, place in sorted(places.items()) if find_spec(place) is not None}


def machine() -> dict[str, Any]:
    import os

    return {
        "system": platform.platform(),
        "processor": platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def table(figures: list[Figure]) -> str:
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
