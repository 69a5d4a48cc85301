"""The user guide in a window: the same text as in the docs, without a browser and without a network."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QTextBlock, QTextCursor, QTextDocument
from PyQt6.QtWidgets import QDialog, QLineEdit, QTextBrowser, QVBoxLayout, QWidget

HEADING_PX = (0, 8, 22, 14)
"""Room above a block: text, and headings by level."""
PARAGRAPH_PX = 6


class GuideDialog(QDialog):
    """Markdown with a line to search in it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("User guide")
        self.resize(820, 720)
        self.page = QTextBrowser()
        self.page.setOpenExternalLinks(False)
        # else the browser would look for the file of a link within the page
        self.page.setOpenLinks(False)
        self.page.anchorClicked.connect(self._follow)
        self.page.setMarkdown(guide_text())
        give_room(self.page.document())
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search… (Enter finds the next)")
        self.search.returnPressed.connect(self.find_next)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.addWidget(self.search)
        column.addWidget(self.page)

    def find_next(self) -> None:
        """Goes to the next place of the searched words; after the last one it begins at the top."""
        if not self.page.find(self.search.text()):
            self.page.moveCursor(self.page.textCursor().MoveOperation.Start)
            self.page.find(self.search.text(), QTextDocument.FindFlag(0))

    def _follow(self, link: QUrl) -> None:
        if link.hasFragment():
            self.page.scrollToAnchor(link.fragment())


def give_room(document: QTextDocument | None) -> None:
    """Space above headings and between paragraphs: markdown sets everything solid."""
    block = document.begin() if document is not None else QTextBlock()
    while block.isValid():
        form, level = block.blockFormat(), block.blockFormat().headingLevel()
        form.setTopMargin(HEADING_PX[min(level, len(HEADING_PX) - 1)])
        form.setBottomMargin(PARAGRAPH_PX)
        QTextCursor(block).setBlockFormat(form)
        block = block.next()


def guide_text() -> str:
    """The guide without its pictures: beside the resources when installed, in the docs of a checkout."""
    inside = files("tandem_resources") / "guide.md"
    # installed, the guide is beside the resources; in a checkout it is in docs
    text = inside.read_text("utf-8") if inside.is_file() else _in_checkout().read_text("utf-8")
    # pictures are not installed with it
    return "\n".join(line for line in text.splitlines() if not line.startswith("!["))


def _in_checkout() -> Path:
    return Path(str(files("tandem_resources"))).parents[1] / "docs" / "guide.md"
