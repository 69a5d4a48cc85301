"""What a kind of source says of itself to the registry: its table, its form, how it and its simulator are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray
from tandem_em.model.items import Item
from tandem_em.sources.core.base import Source
from tandem_em.sources.core.forms import SourceForm
from tandem_em.sources.core.ownership import Owner
from tandem_em.sources.core.tables import LimitsTable, SourceTable

ReadFile = Callable[[Path], Sequence[Item]]
Settings = TypeVar("Settings", bound=SourceTable)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a source is given besides its own table."""

    limits: LimitsTable
    owner: Owner | None = None
    """Under which name instruments are owned; None: under none."""
    read_file: ReadFile | None = None

    def file_reader(self, name: str) -> ReadFile:
        """What reads a finished file; UserError when there is nothing."""
        if self.read_file is None:
            raise UserError(
                f'The source "{name}" needs a reader of files.',
                "Record it in the window or with tandem record.",
            )
        return self.read_file


@dataclass
class Simulation:
    """A running simulator. `instrument` is the object itself, with its faults on demand."""

    table: SourceTable
    instrument: Any
    close: Callable[[], None]

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


@dataclass(frozen=True)
class Simulator:
    """A simulated instrument that can be started: `start(name, movie, rate_hz)`."""

    title: str
    start: Callable[[str, AnyArray | None, float], Simulation]
    shows_movie: bool = False
    """Whether it sends the movie (uint16) it is given."""


@dataclass(frozen=True)
class FoundInstrument:
    """Something to record: what it is, where, and the table that connects to it."""

    label: str
    address: str
    table: SourceTable


@dataclass(frozen=True, kw_only=True)
class SourceEntry(Generic[Settings]):
    """One kind of source."""

    kind: str
    """The `kind` of its table in SETUP.toml."""
    settings: type[Settings]
    """Its table. Fields without a default hold a text or a path: a new source in the window leaves them empty."""
    form: SourceForm
    make: Callable[[Settings, Surroundings], Source]
    """A source that has opened nothing yet."""
    holds_itself: bool = False
    """A process of the source's own holds the lock on its instrument, not the source."""
    simulator: Simulator | None = None
    usual_places: tuple[FoundInstrument, ...] = ()
    """Where on this computer it listens by default."""

    def blank(self, name: str) -> Settings:
        """A table with everything at its default; texts and paths that have none are empty."""
        empty: dict[object, object] = {str: "", Path: Path()}
        given: dict[str, Any] = {"name": name}
        for key, field in self.settings.model_fields.items():
            if field.is_required() and key != "name":
                # The window makes a new table before anything is typed, so every required field needs a
                # stand-in.
                if field.annotation not in empty:
                    raise ValueError(f"{key} needs a default in {self.settings.__name__}")
                given[key] = empty[field.annotation]
        return self.settings(**given)
