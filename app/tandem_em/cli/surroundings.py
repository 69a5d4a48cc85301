"""Where the program was put, found out before anything heavy is imported: the installed tree of Windows, a portable one.

TandEM.exe, bin\\tandem.exe      start the front door, in a window or in a console
runtime\\tandem-python.exe       Python for children: a child started with TandEM.exe would open a window again
portable                        a file that says: settings are kept beside the program
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

CHILDREN = Path("runtime", "tandem-python.exe")
PORTABLE = "portable"


def settle_in() -> None:
    """Called once by the front door; what it sets in the environment holds for children too."""
    count_cores()
    tree = installed_tree(Path(sys.executable))
    if tree is not None:
        use_for_children(tree / CHILDREN)
        if (tree / PORTABLE).exists():
            os.environ.setdefault("TANDEM_HOME", str(tree / "data"))
    if sys.platform == "win32":
        keep_kernels()


def installed_tree(program: Path) -> Path | None:
    """The folder of the installation that a program belongs to; None for an ordinary Python."""
    for folder in (program.parent, program.parent.parent):
        if (folder / CHILDREN).is_file():
            return folder
    return None


def use_for_children(interpreter: Path) -> None:
    """Every child is started as `sys.executable -m …`, by us and by libraries."""
    sys.executable = str(interpreter)
    vars(sys)["_base_executable"] = str(interpreter)  # multiprocessing compares the two on Windows
    multiprocessing.set_executable(str(interpreter))


def keep_kernels() -> None:
    """numba's compiled kernels lie with the user's data: a place of installation may not be writable, or be replaced."""
    from tandem_em.desk.settings import config_folder

    os.environ.setdefault("NUMBA_CACHE_DIR", str(config_folder() / "kernels"))


def count_cores() -> None:
    """Some systems do not say how many there are; libraries (numcodecs) cannot be imported then."""
    if os.cpu_count() is None:
        os.cpu_count = lambda: 1
