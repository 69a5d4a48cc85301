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


def needed() -> set[str]:
    """Canonical names of every package the program needs on this system (read from an environment that has them)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [text for extra in CARRIED for text in project["optional-dependencies"][extra]]
    waiting = [(Requirement(text), "") for text in (*project["dependencies"], *extras)]
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) in seen:
                continue
            seen.add((name, wanted))
            found.add(name)
            try:
                waiting += [(Requirement(text), wanted) for text in requires(name) or ()]
            except PackageNotFoundError:
                raise SystemExit(f"{name} is not installed here: run this in TandEM's environment.") from None
    return found


def runtime_lock() -> str:
    """The lock with its hashes, without what only tests need."""
    wanted = needed()
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", LOCK.read_text("utf-8"))
    kept = [
        block for block in blocks if canonicalize_name(re.split(r"[=\[ ;]", block, maxsplit=1)[0]) in wanted
    ]
    return "".join(kept)


if __name__ == "__main__":
    print(runtime_lock())
