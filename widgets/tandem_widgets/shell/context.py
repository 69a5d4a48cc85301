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
        return Desk(session, self.runner, self.notices, self.settings)

    def document(self, session: Session, opened: Opened | None = None) -> Document:
        return Document(session, opened, self.desk(session).start, keeps_view=True)


# --- what actions need of what is shown ------------------------------------------------------------------------------


class StackView(Protocol):
    """The image stack: which frame is shown, and how far live outlines are behind."""

    @property
    def stack(self) -> FrameStack | None: ...
    @property
    def frame_index(self) -> int: ...
    def go_to(self, index: int) -> None: ...
    def go_to_image(self, index: int) -> None: ...
    def show_lag(self, text: str, lost: Sequence[str], reach: int = 0) -> None: ...


class BiasingView(Protocol):
    def end_growing(self) -> None: ...


class PlayerView(Protocol):
    speed: float

    def start(self) -> None: ...
    def toggle(self) -> None: ...


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
    def panes(self) -> list[PaneFrame]: ...
    def pane_in_use(self) -> PaneFrame: ...
    def restore_home(self) -> None: ...


class HeaderView(Protocol):
    """What is recorded, in the line at the top."""

    def show_stopped(self, why: str) -> None: ...
    def show_armed(self, sources: list[tuple[str, str, str]], kept_s: float) -> None: ...
    def show_live(self, follows: bool | None) -> None: ...
    def show_recording(
        self,
        elapsed: str,
        sources: list[tuple[str, str, str]],
        disk_minutes: float | None = None,
        word: str = "REC",
    ) -> None: ...


class GuardianView(Protocol):
    def show_meters(self, meters: list[Any], full_charge_C: float | None = None) -> None: ...
    def look(self) -> None: ...


class ReplayView(Protocol):
    def show_replay(self, replay: Replay | None) -> None: ...
    def look(self) -> None: ...


class ReadingView(Protocol):
    def follow(self, task: Task[Any]) -> None: ...


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

    def use_theme(self, name: str) -> None: ...
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
        return self.document.session

    @property
    def has_data(self) -> bool:
        return not self.session.is_empty

    def replace_document(self, document: Document) -> None:
        """Show another session; the one of before has been closed."""
        self.document = document
        self.desk = self.services.desk(document.session)
        self.fitted_span = restore_view(document.session)
        self.views = self._show.show_views(self.desk)
        self.refresh()

    def refresh(self) -> None:
        self._show.refresh()

    def use_theme(self, name: str) -> None:
        self._show.use_theme(name)

    def open_dialog(self, dialog: QWidget) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def close(self) -> None:
        self.window.close()
