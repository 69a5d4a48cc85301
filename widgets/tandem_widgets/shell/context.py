"""What the actions of a window work on: services, the open document, the panes. They know nothing else of the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QWidget

from tandem_em.core.jobs import Runner, Task
from tandem_em.core.notices import Notices
from tandem_em.desk.desk import Desk
from tandem_em.desk.document.document import Document
from tandem_em.desk.document.files import Opened
from tandem_em.desk.document.view import restore_view
from tandem_em.desk.settings import Settings
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_widgets.parts.basic.pane_frame import PaneFrame

if TYPE_CHECKING:
    from tandem_em.desk.live.replay import Replay


@dataclass(frozen=True)
class AppServices:
    """What outlives a session: the job runner, the notices, the settings and the way back to the GUI thread."""

    post: Callable[[Callable[[], None]], None]
    runner: Runner
    notices: Notices
    settings: Settings

    def desk(self, session: Session) -> Desk:
        """A desk for a session, with the services of the program."""
        return Desk(session, self.runner, self.notices, self.settings)

    def document(self, session: Session, opened: Opened | None = None) -> Document:
        """A document of a session; `opened` is the file it came from, None: it has none yet."""
        return Document(session, opened, self.desk(session).start, keeps_view=True)


# --- what actions need of what is shown ------------------------------------------------------------------------------


class StackView(Protocol):
    """The image stack: which frame is shown, and how far live outlines are behind."""

    @property
    def stack(self) -> FrameStack | None:
        """The stack on screen; None without one."""

    @property
    def frame_index(self) -> int:
        """Number of the frame on screen, from 0."""

    def go_to(self, index: int) -> None:
        """Move the cursor to a frame by its number, from 0."""

    def go_to_image(self, index: int) -> None:
        """Show one of several images that are no movie; negative counts from the end."""

    def show_lag(self, text: str, lost: Sequence[str], reach: int = 0) -> None:
        """Say how far outlines are behind the camera; `lost`: ids, `reach`: frames an outline may be old."""


class BiasingView(Protocol):
    """The biasing strip, as far as a recording needs it."""

    def end_growing(self) -> None:
        """The recording is over: nothing is followed any more."""


class PlayerView(Protocol):
    """The player of the open session; `speed` is session seconds per second."""

    speed: float

    def start(self) -> None:
        """Play from the cursor, or from the start when that is at the end."""

    def toggle(self) -> None:
        """Play or pause."""


@dataclass(frozen=True)
class Views:
    """What shows the open session: made anew for each."""

    stack: StackView
    biasing: BiasingView
    player: PlayerView
    calibrate: Callable[[], object]
    """Take the scale bar of the image stack in hand."""


class Docks(Protocol):
    """The panes by their place in the window."""

    @property
    def panes(self) -> list[PaneFrame]:
        """The panes that are shown now."""

    def pane_in_use(self) -> PaneFrame:
        """The pane under the pointer or with the focus."""

    def restore_home(self) -> None:
        """All panes back into the window, in the proportions of the design."""


class HeaderView(Protocol):
    """What is recorded, in the line at the top."""

    def show_stopped(self, why: str) -> None:
        """Why a recording ended by itself; empty text takes the note away."""

    def show_armed(self, sources: list[tuple[str, str, str]], kept_s: float) -> None:
        """Sources (text, dot colour, tip) that wait for R, and how many seconds are kept."""

    def show_live(self, follows: bool | None) -> None:
        """Whether the cursor is on the newest moment; None: nothing is recorded."""

    def show_recording(
        self,
        elapsed: str,
        sources: list[tuple[str, str, str]],
        disk_minutes: float | None = None,
        word: str = "REC",
    ) -> None:
        """Time and sources of the recording; `disk_minutes`: room left, None while unknown."""


class GuardianView(Protocol):
    """The bar of the guardian, which is there while a cell is driven."""

    def show_meters(self, meters: list[Any], full_charge_C: float | None = None) -> None:
        """Source-meters that are driven; `full_charge_C` of the cell, None: not known."""

    def look(self) -> None:
        """Show what the guardian last said."""


class ReplayView(Protocol):
    """The bar of a replay, which is there while something is replayed."""

    def show_replay(self, replay: Replay | None) -> None:
        """The replay that plays now; None: the bar goes."""

    def look(self) -> None:
        """Show where the replay is."""


class ReadingView(Protocol):
    """What empty panes say while files are read."""

    def follow(self, task: Task[Any]) -> None:
        """Tell the panes about this job until it ends."""


@dataclass(frozen=True)
class WindowParts:
    """What stays while sessions come and go."""

    docks: Docks
    header: HeaderView
    guardian_bar: GuardianView
    replay_bar: ReplayView
    reading: ReadingView
    places: dict[str, QWidget]
    """Where the tour points: stack, eels, biasing, header."""


class Show(Protocol):
    """What the window does for its actions."""

    def show_views(self, desk: Desk) -> Views:
        """Make everything anew that looks at a session."""

    def use_theme(self, name: str) -> None:
        """Dress the program `light` or `dark`, and remember that."""

    def refresh(self) -> None:
        """Show title and actions anew, once, in the next turn of the event loop."""


class WindowContext:
    """One window, one document at a time."""

    def __init__(self, window: QWidget, services: AppServices, parts: WindowParts, show: Show) -> None:
        self.window = window
        """Parent of what is opened; nothing else is asked of it."""
        self.services = services
        self.parts = parts
        self._show = show
        self.document = services.document(Session())
        self.desk = services.desk(self.document.session)
        self.fitted_span = restore_view(self.session)
        """The span that was chosen to show everything; any other one was chosen by a person."""
        self.views = show.show_views(self.desk)

    @property
    def session(self) -> Session:
        """The open session; another one after each opening."""
        return self.document.session

    @property
    def has_data(self) -> bool:
        """Whether there is anything to act on."""
        return not self.session.is_empty

    def replace_document(self, document: Document) -> None:
        """Show another session; the one of before has been closed."""
        self.document = document
        self.desk = self.services.desk(document.session)
        self.fitted_span = restore_view(document.session)
        self.views = self._show.show_views(self.desk)
        self.refresh()

    def refresh(self) -> None:
        """Title and actions follow at the next turn of the event loop."""
        self._show.refresh()

    def use_theme(self, name: str) -> None:
        """Dress the program `light` or `dark`."""
        self._show.use_theme(name)

    def open_dialog(self, dialog: QWidget) -> None:
        """Show a dialog beside the window; it is deleted when it is closed."""
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def close(self) -> None:
        """Close the window, which asks about recording and changes first."""
        self.window.close()
