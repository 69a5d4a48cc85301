"""Start-up as a story: application, theme, services, window, first files. The front door calls `run` or `screenshot`."""

from __future__ import annotations

import logging
import os
import signal
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from PyQt6 import sip
from PyQt6.QtCore import QCoreApplication, QElapsedTimer, QEventLoop, QRect, QSize, Qt, QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication

from tandem_em import __version__
from tandem_em.core.jobs import Runner
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk import compiled
from tandem_em.desk.document import files, recovery
from tandem_em.desk.settings import Settings, config_folder
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bridge import Bridge
from tandem_widgets.shell.context import AppServices
from tandem_widgets.shell.window import crash
from tandem_widgets.shell.window.main_window import MainWindow

WINDOW_SIZE = (1600, 1000)
FRAME_PX = (8, 36)
"""What a desktop puts around a window: frame and title line, seldom more."""


def run(paths: list[Path], *, demo: bool = False, play_at: float | None = None) -> int:
    """Open the window and stay until it is closed."""
    start_log()
    app = make_application()
    window, bridge = make_window()
    install_crash_dialog(window)
    heartbeat = let_signals_through(window)
    keep_on_screen(window)
    window.show()
    window.files.play_at = play_at
    # once the event loop runs: questions and the tour need the window on screen
    QTimer.singleShot(0, lambda: first_steps(window, paths, demo=demo))
    status = app.exec()
    heartbeat.stop()
    take_down(window, bridge)
    return status


def take_down(window: MainWindow, bridge: Bridge) -> None:
    """End what the window has running, then the window, while there still is an application: Qt falls otherwise."""
    # first: nothing that is still posted may reach a window that goes
    bridge.close()
    # jobs that wait for a compilation give up: closing would take up to a minute
    with compiled.ending():
        window.services.runner.close()
    sip.delete(window)


def make_application() -> QApplication:
    """The one QApplication. Without a display the offscreen platform is used."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    QCoreApplication.setOrganizationName("TandEM")
    QCoreApplication.setApplicationName("TandEM")
    QCoreApplication.setApplicationVersion(__version__)
    # Wayland finds the icon by it
    QGuiApplication.setDesktopFileName("tandem-em")
    return QApplication(sys.argv[:1])


def make_window(settings: Settings | None = None) -> tuple[MainWindow, Bridge]:
    """Everything built once and handed over."""
    settings = settings or Settings()
    app = QApplication.instance()
    if isinstance(app, QApplication):
        theme.apply(app, theme.LIGHT if settings.values.theme == "light" else theme.DARK)
    bridge = Bridge()
    runner = Runner(bridge.post)
    window = MainWindow(AppServices(bridge.post, runner, Notices(), settings))
    width, height = settings.values.window.get("size", WINDOW_SIZE)
    window.resize(int(width), int(height))
    if not window.docks.restore_state(settings.values.window.get("docks", "")):
        window.docks.share_out()
    return window, bridge


def keep_on_screen(window: MainWindow) -> None:
    """A window that would hang over the edge of the screen fills it instead."""
    screen = QGuiApplication.primaryScreen()
    if screen is not None and not has_room(window.size(), room := screen.availableGeometry()):
        # the size it falls back to when it is no longer maximised
        window.resize(window.size().boundedTo(room.size() - QSize(*FRAME_PX)))
        window.setWindowState(Qt.WindowState.WindowMaximized)


def has_room(size: QSize, room: QRect) -> bool:
    """Whether a window of this size fits on a screen together with its frame."""
    return size.width() + FRAME_PX[0] <= room.width() and size.height() + FRAME_PX[1] <= room.height()


def first_steps(window: MainWindow, paths: list[Path], *, demo: bool) -> None:
    """What the window does once it is there: the files it was given, lost work, or the demo; the tour at the first start."""
    is_first = not window.services.settings.values.tour_seen
    if paths:
        window.files.open_paths(paths)
    # lost work matters more than the tour
    elif is_first and not recovery.everything(window.services.settings.values.recent):
        window.dialogs.start_tour()
    elif demo:
        window.files.open_demo()
    else:
        window.files.offer_lost_work()


def install_crash_dialog(window: MainWindow) -> None:
    """Unexpected errors open a dialog that offers to save a copy."""

    def show(details: str) -> None:
        crash.CrashDialog(window, details, window.files.ask_save_as).exec()

    crash.install(show)


def let_signals_through(window: MainWindow) -> QTimer:
    """Ctrl+C in the terminal closes the window, SIGTERM without asking: Python sees signals only when Qt lets it run."""
    timer = QTimer()
    timer.timeout.connect(lambda: None)
    # the interpreter runs five times a second: Ctrl+C is heard soon enough
    timer.start(200)
    signal.signal(signal.SIGINT, lambda *_: QApplication.quit())
    signal.signal(signal.SIGTERM, lambda *_: window.end_without_asking())
    return timer


def start_log() -> None:
    """The log in the folder of the settings: three files of 1 MiB at most."""
    folder = config_folder()
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(folder / "tandem.log", maxBytes=1 << 20, backupCount=2, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def settle(window: MainWindow, timeout_ms: int = 20_000, quiet_ms: int = 250) -> None:
    """Let the event loop run until no job has been working for a while."""
    loop, poll, quiet, clock = QEventLoop(), QTimer(), QElapsedTimer(), QElapsedTimer()
    quiet.start()
    clock.start()

    def look() -> None:
        if window.services.runner.tasks:
            quiet.restart()
        # quiet for a while, not empty once: one job often starts the next
        if quiet.elapsed() >= quiet_ms or clock.elapsed() >= timeout_ms:
            loop.quit()

    poll.timeout.connect(look)
    poll.start(20)
    loop.exec()


def screenshot(
    session: Path | None,
    out: Path,
    *,
    size: tuple[int, int],
    at: float | None = None,
    theme_name: str = "dark",
) -> None:
    """Render the window of a session (or an empty one) into a PNG without a display."""
    draw_nowhere()
    app = make_application()
    window, bridge = make_window(_passing_settings())
    theme.apply(app, theme.LIGHT if theme_name == "light" else theme.DARK)
    errors: list[BaseException] = []
    window.resize(*size)
    window.show()
    window.docks.share_out()
    if session is not None and files.is_session_file(session):
        opening = files.open_session(session, readonly=True)
        window.desk.start(
            "Opening", opening, lambda opened: window.files.show(opened, quiet=True), on_error=errors.append
        )
    elif session is not None:
        window.files.open_paths([session])
    settle(window, 120_000)
    if errors:
        raise errors[0]
    if at is not None:
        window.desk.session.focus.t = at
    window.docks.share_out()
    settle(window)
    # only the picture has opened it so
    window.header.read_only.hide()
    picture = window.grab()
    out.parent.mkdir(parents=True, exist_ok=True)
    written = picture.save(str(out))
    window.docks.close_panes()
    window.files.close()
    window.hide()
    take_down(window, bridge)
    if not written:
        raise UserError(
            f"{out} could not be written.", "Check the folder, its permissions and the free space."
        )


def draw_nowhere() -> None:
    """Without a display. On Windows that platform of Qt finds no letters unless it is told where they are."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if sys.platform == "win32":
        os.environ.setdefault("QT_QPA_FONTDIR", str(Path(os.environ.get("WINDIR", "C:\\Windows")) / "Fonts"))


def _passing_settings() -> Settings:
    """Default settings that are not written anywhere: a picture must not depend on who takes it."""
    import tempfile

    return Settings(Path(tempfile.mkdtemp(prefix="tandem-")) / "preferences.json")
