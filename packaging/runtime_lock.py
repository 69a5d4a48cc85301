"""The part of the lock that running needs: what pyproject.toml asks for without tests, and all that in turn asks for."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "packaging" / "requirements.lock"
CARRIED = ("cluster",)
"""Extras the packaged programs carry: nobody can add to an installed one."""
WINDOWS = {
    "sys_platform": "win32",
    "os_name": "nt",
    "platform_system": "Windows",
    "platform_machine": "AMD64",
    "python_version": "3.11",
    "python_full_version": "3.11.0",
}
"""What the markers of requirements are asked about there."""


def locked() -> dict[str, str]:
    """Canonical name -> its lines of the lock (a package can stand there more than once, for different Pythons)."""
    blocks: dict[str, str] = {}
    for block in re.split(r"(?m)^(?=[A-Za-z0-9])", LOCK.read_text("utf-8")):
        if block.strip():
            name = canonicalize_name(re.split(r"[=\[ ;]", block, maxsplit=1)[0])
            blocks[name] = blocks.get(name, "") + block
    return blocks


def needed(system: dict[str, str] | None = None) -> set[str]:
    """Canonical names of every package the program needs (read from an environment that has them), here or on `system`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [text for extra in CARRIED for text in project["optional-dependencies"][extra]]
    waiting = [(Requirement(text), "") for text in (*project["dependencies"], *extras)]
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate(
            {**(system or {}), "extra": extra}
        ):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) in seen:
                continue
            seen.add((name, wanted))
            found.add(name)
            waiting += [(each, wanted) for each in _asked_for_by(name, elsewhere=system is not None)]
    return found


def _asked_for_by(name: str, *, elsewhere: bool) -> list[Requirement]:
    try:
        return [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:
        if (
            elsewhere and name in locked()
        ):  # made for that system only; such packages (tzdata, pywin32) ask for nothing
            return []
        raise SystemExit(f"{name} is not installed here: run this in TandEM's environment.") from None


def runtime_lock(system: dict[str, str] | None = None) -> str:
    """The lock with its hashes, without what only tests need."""
    wanted = needed(system)
    return "".join(block for name, block in locked().items() if name in wanted)


if __name__ == "__main__":
    print(runtime_lock())
