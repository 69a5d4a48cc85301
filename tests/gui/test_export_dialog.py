"""The export window: what can be drawn is listed and shown, choices reach the files, nothing is left when it is closed early."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot
from settling import settle

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_widgets.dialogs.export.dialog import ExportDialog
from tandem_widgets.dialogs.export.figures import width_mm
from tandem_widgets.dialogs.export.form import may_replace
from tandem_widgets.dialogs.export.movie import FULL
from tandem_widgets.parts.basic.number_box import number_box
from tandem_widgets.shell.window.main_window import MainWindow


def opened(window: MainWindow, qtbot: QtBot) -> ExportDialog:
    dialog = ExportDialog(window, window.desk)
    dialog.show()
    qtbot.waitUntil(dialog.tabs.isEnabled, timeout=60_000)
    return dialog


def idle(window: MainWindow, qtbot: QtBot) -> None:
    settle(qtbot, window.services.runner)


def test_figures_are_shown_copied_and_saved(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    dialog = opened(window, qtbot)
    page = dialog.figures
    assert {"Curves over time", "Montage", "Element maps"} <= {
        page.list.item(n).text() for n in range(page.list.count())
    }
    qtbot.waitUntil(lambda: not page.preview.image.isNull(), timeout=60_000)
    narrow = page.preview.image.width()
    page.width_box.setCurrentText("two columns, 174 mm")
    qtbot.waitUntil(lambda: page.preview.image.width() > 2 * narrow, timeout=60_000)
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    page.copy_figure()

    def has_svg() -> bool:
        there = clipboard.mimeData()
        return there is not None and there.hasFormat("image/svg+xml")

    qtbot.waitUntil(has_svg, timeout=60_000)
    mime = clipboard.mimeData()
    assert mime is not None
    assert mime.hasImage()
    assert b"<text" in bytes(mime.data("image/svg+xml"))
    page.kinds["png"].setChecked(False)
    page.save_into(tmp_path / "out")
    qtbot.waitUntil((tmp_path / "out" / "spectra.svg").exists, timeout=60_000)  # the last to come into place
    idle(window, qtbot)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"lanes.pdf", "lanes.svg", "montage.pdf"} <= names
    assert not any(name.endswith((".png", ".part")) for name in names)
    dialog.close()


def test_a_movie_is_shown_and_saved_as_chosen(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    dialog = opened(window, qtbot)
    page = dialog.movie
    qtbot.waitUntil(lambda: not page.preview.image.isNull(), timeout=60_000)
    page.size_box.setCurrentText(FULL)
    page.every_frame.setChecked(True)
    qtbot.waitUntil(lambda: page.length.text().startswith("20 frames"), timeout=60_000)
    page.save_as(tmp_path / "m.mp4")
    qtbot.waitUntil((tmp_path / "m.mp4").exists, timeout=60_000)
    with av.open(str(tmp_path / "m.mp4")) as container:
        assert sum(1 for _ in container.decode(container.streams.video[0])) == 20
    page.end.setValue(page.start.value() - 1)
    qtbot.waitUntil(lambda: not page.save.isEnabled())
    dialog.close()


def test_closing_at_once_leaves_nothing_running(window: MainWindow, qtbot: QtBot) -> None:
    dialog = ExportDialog(window, window.desk)
    dialog.show()
    dialog.close()
    idle(window, qtbot)
    assert not [n for n in window.services.notices.items if n.level == "error"]


def test_the_preview_says_what_it_waits_for(window: MainWindow, qtbot: QtBot) -> None:
    dialog = ExportDialog(window, window.desk)
    page = dialog.figures
    assert page.preview.note == "Preparing…"
    dialog.show()
    qtbot.waitUntil(lambda: page.preview.note == "Drawing…", timeout=60_000)
    qtbot.waitUntil(lambda: not page.preview.image.isNull() and not page.preview.note, timeout=60_000)
    page.list.setCurrentRow(1)
    qtbot.waitUntil(lambda: page.preview.note == "Drawing…")
    assert not page.preview.image.isNull()  # the last picture stays until the next is there
    qtbot.waitUntil(lambda: not page.preview.note, timeout=60_000)
    dialog.close()


def test_numbers_are_shown_without_empty_digits(qtbot: QtBot) -> None:
    box = number_box(-1e7, 1e7, 0, " s")
    qtbot.addWidget(box)
    for value, text in (
        (-50.0, "-50 s"),
        (12.5, "12.5 s"),
        (0.0001, "0.0001 s"),
        (200.0, "200 s"),
        (0.0, "0 s"),
    ):
        box.setValue(value)
        assert box.text() == text
        box.interpretText()
        assert box.value() == value


def test_files_of_an_earlier_export_are_replaced_only_when_one_says_so(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(_parent: object, _title: str, text: str, *_buttons: object) -> QMessageBox.StandardButton:
        asked.append(text)
        return QMessageBox.StandardButton.Cancel

    monkeypatch.setattr(QMessageBox, "question", answer)
    assert may_replace(window, tmp_path, ["report.html", "tables"])
    assert not asked
    (tmp_path / "report.html").touch()
    assert not may_replace(window, tmp_path, ["report.html", "tables"])
    (tmp_path / "tables").mkdir()
    assert not may_replace(window, tmp_path, ["report.html", "tables"])
    assert asked == [
        f"“report.html” is in “{tmp_path.name}” already. Replace?",
        f"“report.html” and 1 more are in “{tmp_path.name}” already. Replace?",
    ]


@pytest.mark.expects_log
def test_a_preview_that_fails_says_so(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_session: object) -> Job[object]:
        yield Progress(0)
        raise UserError("The map is gone.", "Relink it.")

    monkeypatch.setattr("tandem_em.desk.export.preview.collecting", broken)
    dialog = ExportDialog(window, window.desk)
    dialog.show()
    qtbot.waitUntil(lambda: "could not be prepared" in dialog.figures.preview.note)
    assert window.services.notices.items[-1].title == "The map is gone."
    dialog.close()


def test_a_width_is_chosen_or_typed() -> None:
    assert width_mm("automatic") is None
    assert width_mm("1½ columns, 120 mm") == 120.0
    assert width_mm("100 mm") == 100.0
    assert width_mm("92,5") == 92.5
    assert width_mm("9000") == 400.0
    assert width_mm("") is None
