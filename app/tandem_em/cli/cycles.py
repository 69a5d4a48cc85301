"""tandem cycles: half cycles, capacities, efficiencies, plateaus."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tandem_em.analysis.cycling.electrochemistry import cycles_report
from tandem_em.cli.terminal import existing, positive_in, print_json, work
from tandem_em.core.texts import counted, quantity
from tandem_em.desk import streams
from tandem_em.model.curves import BiasRun, Cell

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "half cycles, capacities, efficiencies, plateaus of a biasing run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem cycles`."""
    parser.add_argument("file", type=Path, metavar="SESSION|BIAS_LOG")
    parser.add_argument("--run", metavar="NAME", help="run of the session")
    parser.add_argument(
        "--area", "--area-um2", dest="area_um2", type=positive_in("µm²"), metavar="AREA",
        help="electrode area in µm² or with its unit (1e-7cm2), replaces what the session says",
    )  # fmt: skip
    parser.add_argument(
        "--first", choices=("charge", "discharge"),
        help="what a cycle begins with (default: from the cell of the session, else from its chemistry, else charge)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Print the half cycles and capacities of one run."""
    with streams.closing(work("Opening", streams.open_source(existing(options.file)))) as source:
        biasing: BiasRun = streams.choose(source.session.runs, options.run, options.file)
        report = cycles_report(biasing, _cell(source.session.cells.get(biasing.cell_id), options))
    report = {"file": str(options.file), **report}
    if options.json:
        print_json(report)
    else:
        print("\n".join(lines(report)))
    return 0


def _cell(cell: Cell | None, options: argparse.Namespace) -> Cell | None:
    """The cell of the session with what was typed in its place."""
    typed = {"area_um2": options.area_um2, "first_half": options.first}
    typed = {name: value for name, value in typed.items() if value}
    return replace(cell or Cell(name="as typed"), **typed) if typed else cell


def lines(report: dict[str, Any]) -> list[str]:
    """The report for people."""
    text = [
        f"{report['run']}: {counted(report['samples'], 'sample')}, {counted(len(report['half_cycles']), 'half cycle')}"
    ]
    for half in report["half_cycles"]:
        span = f"{half['start_s']:.1f} to {half['end_s']:.1f} s"
        charge = quantity(half["charge_C"], "C")
        mean = half.get("mean_voltage_V")
        text.append(f"  {half['kind']:<9} {span}  {charge}" + (f"  {mean:.3f} V" if mean is not None else ""))
    known = [cycle["efficiency"] for cycle in report["cycles"] if cycle["efficiency"] is not None]
    if known:
        of = counted(len(known), "cycle")
        text.append(f"  mean efficiency {100 * report['mean_efficiency']:.2f} % of {of}")
    if report["cycles"]:
        text.append(f"  {report['efficiency_definition']}")
    text += [f"  {note}" for note in report["notes"]]
    if report["gaps"]:
        text.append(
            f"  {counted(len(report['gaps']), 'gap')} left out, {report['gaps_excluded_s']:.1f} s in total"
        )
    return text
