"""tandem record: not built yet."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tandem_em.notices import UserError

if TYPE_CHECKING:
    from tandem_em.cli.commands import WindowDoor

HELP = "not built yet"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rest", nargs="*")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    raise UserError("tandem record is not built yet.")
