"""The front door: reads the arguments, builds what they ask for, hands over. Nobody imports it but the launcher."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

from tandem_em.cli import output, surroundings

os.environ.setdefault(
    "OMP_WAIT_POLICY", "PASSIVE"
)  # idle OpenMP threads must not eat the core the window needs
os.environ.setdefault("HDF5_PLUGIN_PRELOAD", "::")  # no file may make HDF5 load code
os.environ.setdefault("QT_API", "pyqt6")


class Window:
    """The window as the command line sees it: loaded only when a command needs it."""

    def open(self, paths: list[Path], *, demo: bool = False, play_at: float | None = None) -> int:
        """The window with these files, until it is closed; its exit status."""
        from tandem_widgets.shell.application import run

        return run(paths, demo=demo, play_at=play_at)

    def screenshot(
        self, session: Path | None, out: Path, size: tuple[int, int], at: float | None, theme: str
    ) -> None:
        """The window of a session as a PNG, without a display."""
        from tandem_widgets.shell.application import screenshot

        screenshot(session, out, size=size, at=at, theme_name=theme)

    def benchmarks(self) -> tuple[str, ...]:
        """Modules of the window's own benchmarks."""
        return ("startup", "curves", "stack", "eels_drag")


def compile_kernels(name: str) -> int:
    """In a child of the window, or of an installer (`all`): fill numba's cache."""
    from tandem_em.core.jobs import run_to_end
    from tandem_em.desk import compiled
    from tandem_em.desk.live import follow

    compiled.step_back()
    if name in ("follow", "all"):
        follow.compile_kernels()
    if name in ("image", "all"):
        from tandem_widgets.parts.image import render

        for pixels in render.USUAL:
            run_to_end(render.warm_up(pixels))
    if name in ("levels", "all"):
        from tandem_widgets.parts.lanes import levels

        levels.warm()
    if name == "all":
        from tandem_em.desk.demo import build

        run_to_end(build.build_demo(frames=12, size=256))  # simulation, drift, outlines and maps
    return 0


def main(arguments: list[str] | None = None) -> int:
    """What the launcher calls: one of our children, or the command line; the exit status."""
    multiprocessing.freeze_support()
    output.prepare()
    surroundings.settle_in()
    try:
        return _lead_in(sys.argv[1:] if arguments is None else arguments)
    finally:
        output.finish()


def _lead_in(arguments: list[str]) -> int:
    """To the command or the window, or to the work a child of the program was started for."""
    if arguments[:1] == ["--audit-file"]:  # and looks through files of strangers in a child of its own
        from tandem_em.storage.gate.audit_child import main as audit

        return int(audit(arguments[1:]) or 0)
    if arguments[:1] == ["--salvage-file"]:  # … and takes damaged ones apart in another
        from tandem_em.storage.check.repair_child import main as salvage

        return int(salvage(arguments[1:]) or 0)
    if "--guardian-process" in arguments:  # a frozen program is its own guardian
        from tandem_em.sources.guardian.process import main as guard

        return int(guard() or 0)
    if arguments[:1] == ["--compile-kernels"]:  # … and compiles what the window wants to have ready
        return compile_kernels(arguments[1])
    from tandem_em.cli import commands

    return commands.run(arguments, Window())


if __name__ == "__main__":
    sys.exit(main())
