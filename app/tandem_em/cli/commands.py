"""Which commands there are, and what happens around every one of them: help, errors as sentences, exit status."""

from __future__ import annotations

import argparse
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType

from tandem_em import __version__
from tandem_em.cli import output
from tandem_em.cli.screenshot import take
from tandem_em.cli.window_door import WindowDoor
from tandem_em.core.notices import UserError

COMMANDS = {
    "demo": "demo", "info": "info", "import": "import_files", "track": "track", "maps": "maps", "cycles": "cycles",
    "record": "record", "replay": "replay", "export": "export", "check": "check", "screenshot": "screenshot",
    "selftest": "selftest", "bench": "bench",
}  # fmt: skip
"""Typed name -> module of this package."""

# Exit statuses; 2 is what argparse uses and 130 what shells give after Ctrl+C.
DONE, FAILED, WRONG_CALL, INTERRUPTED = 0, 1, 2, 130


def run(arguments: list[str], window: WindowDoor) -> int:
    """Run one command line. `tandem`, `tandem FILE…` open the window."""
    if not any(argument in COMMANDS for argument in arguments[:1]) and not _asks_for_help(arguments):
        return _open_window(arguments, window)

    def work() -> int:
        options = _parser(arguments).parse_args(arguments)
        return int(options.module.run(options, window) or DONE)

    return _guarded(work, debug="--debug" in arguments)


def _asks_for_help(arguments: list[str]) -> bool:
    return bool(arguments) and arguments[0] in ("-h", "--help", "--version")


def _open_window(arguments: list[str], window: WindowDoor) -> int:
    parser = argparse.ArgumentParser(prog="tandem", add_help=False)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--screenshot", type=Path, metavar="PNG")
    parser.add_argument("--debug", action="store_true")
    options = parser.parse_args(arguments)

    def work() -> int:
        for path in options.files:
            if not path.exists():
                raise UserError(
                    f"{path} does not exist.", "Check the path; `tandem --help` lists the commands."
                )
        if options.screenshot:
            take(options.files[0] if options.files else None, options.screenshot, window)
            return DONE
        return window.open(options.files)

    return _guarded(work, debug=options.debug)


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tandem",
        description="Operando TEM of batteries: biasing curves, image stack and EELS maps, linked in time, in one file.",
        epilog="Without a command the window opens: tandem [FILE...]. Each command explains itself with --help.",
    )
    parser.add_argument("--version", action="version", version=f"TandEM {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = arguments[0] if arguments and arguments[0] in COMMANDS else None
    for name, module_name in COMMANDS.items():
        if wanted not in (None, name):
            continue  # the others need not be loaded
        module = import_module(f"tandem_em.cli.{module_name}")
        sub = commands.add_parser(name, help=module.HELP, description=module.HELP)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        sub.set_defaults(module=module)
        module.arguments(sub)
    return parser


def _guarded(work: object, *, debug: bool) -> int:
    """Run work and turn what happens into an exit status and at most one sentence."""
    previous = signal.signal(signal.SIGTERM, _terminated)
    try:
        status: int = work()  # type: ignore[operator]
        sys.stdout.flush()
        return status
    except UserError as error:
        if debug:
            raise
        return _say(f"{error.title} {error.advice}".strip())
    except KeyboardInterrupt:
        _say("Interrupted.")
        return INTERRUPTED
    except MemoryError:
        return _say(
            "There is not enough memory for this. Close other programs, or work on a part of the data."
        )
    except OSError as error:
        # `| head -1` has read enough: that is no error anybody has to hear of.
        if output.is_nobody_reading(error):
            return FAILED
        if debug:
            raise
        where = f" ({error.filename})" if error.filename else ""
        return _say(f"{error.strerror or error}{where}. Check the path, the permissions and the free space.")
    except Exception as error:
        if debug:
            raise
        return _say(
            f"Something unexpected happened: {type(error).__name__}: {error}. Run again with --debug for the details."
        )
    finally:
        signal.signal(signal.SIGTERM, previous)


def _terminated(_number: int, _frame: FrameType | None) -> None:
    # The same way out as Ctrl+C, so that a recording ends cleanly.
    raise KeyboardInterrupt


def _say(sentence: str) -> int:
    # One line, whatever the message was made of.
    output.tell(" ".join(sentence.split()))
    return FAILED
