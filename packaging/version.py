"""The version: it stands in app/tandem_em/__init__.py and nowhere else; the wheel and every installer read it there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def version() -> str:
    text = (ROOT / "app" / "tandem_em" / "__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "(\d+\.\d+\.\d+[\w.+-]*)"$', text, re.MULTILINE)
    if found is None:
        raise SystemExit("app/tandem_em/__init__.py does not say its version.")
    return found[1]


def four_numbers() -> str:
    """As Windows wants it in an .exe."""
    numbers = re.findall(r"\d+", version())[:3]
    return ".".join([*numbers, "0"])


if __name__ == "__main__":
    print(version())
