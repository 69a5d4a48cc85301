"""Standard output and error that never stop the program: whatever can be said there is said, in the encoding they have."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import sys
import unicodedata

NEAREST = "tandem-nearest"
_silent = False
"""Nothing printed is seen: a windowed program."""


def prepare() -> None:
    """Before anything is printed; the front door calls it once."""
    global _silent
    _silent = sys.stderr is None
    _fill_closed_descriptors()
    codecs.register_error(NEAREST, _nearest)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # a windowed program, or one started with >&-
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  open to the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=_encoding(stream), errors=NEAREST)


def tell(sentence: str) -> None:
    """An error: on standard error, or in a box where a person started the program with a click and there is none."""
    if _silent and sys.platform == "win32":
        _show_box(sentence)
        return
    with contextlib.suppress(OSError):  # nobody may be listening
        sys.stderr.write(sentence + "\n")


def _show_box(sentence: str) -> None:
    import ctypes

    error_sign = 0x10
    ctypes.windll.user32.MessageBoxW(None, sentence, "TandEM", error_sign)  # type: ignore[attr-defined, unused-ignore]


def finish() -> None:
    """Send off what is left; what nobody reads any more (`| head -1`) is dropped without a word."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_nobody_reading(error: OSError) -> bool:
    """Whether a pipe was closed at its other end; Windows says so with another number."""
    is_pipe_of_windows = sys.platform == "win32" and error.errno == errno.EINVAL and error.filename is None
    return isinstance(error, BrokenPipeError) or is_pipe_of_windows


def shows_everything() -> bool:
    """Whether any letter can be printed as it is."""
    return str(getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")


def _fill_closed_descriptors() -> None:
    """No file of ours may get the number of an output that is closed: libraries complain there."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one


def _encoding(stream: io.TextIOWrapper) -> str:
    """Its own; but Windows gives pipes and files an old code page that nobody asked for."""
    is_asked_for = bool(os.environ.get("PYTHONIOENCODING"))
    return "utf-8" if sys.platform == "win32" and not is_asked_for else stream.encoding


def _nearest(error: UnicodeError) -> tuple[str | bytes, int]:
    """For a letter that an encoding lacks: the same without its dress, as narrow spaces and raised numbers have it, or ?."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter = error.object[error.start]
    if "\udc80" <= letter <= "\udcff":  # a byte of a file name that is no text
        return bytes([ord(letter) - 0xDC00]), error.start + 1
    plain = "".join(each for each in unicodedata.normalize("NFKD", letter) if each.isascii())
    return plain or "?", error.start + 1
