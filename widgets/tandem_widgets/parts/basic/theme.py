"""Our two palettes, dark and light, and the style sheet made from them. Colours have names for what they are for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from PyQt6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PyQt6.QtWidgets import QApplication


@dataclass(frozen=True)
class Theme:
    """Every colour of the program (hex)."""

    name: str
    window: str
    """Behind the panes."""
    pane: str
    raised: str
    """Buttons, fields, chips."""
    line: str
    """Borders and grids."""
    text: str
    quiet: str
    """Labels, units, ticks."""
    faint: str
    accent: str
    on_accent: str
    good: str
    warning: str
    bad: str
    cursor: str
    """The one cursor, in every pane."""
    voltage: str
    current: str
    dose: str
    event: str
    plot: str
    """Background of plots."""
    image: str
    """Around an image."""
    selection: str


DARK = Theme(
    name="dark", window="#14171c", pane="#1c2026", raised="#262b33", line="#2f353e", text="#e8ebef", quiet="#9aa3ad",
    faint="#69727d", accent="#4a9eff", on_accent="#0b1220", good="#4fd18b", warning="#ffbf47", bad="#ff5a5f",
    cursor="#ffffff", voltage="#7fe3a4", current="#ffbf47", dose="#b98cff", event="#b98cff", plot="#1c2026",
    image="#0f1115", selection="#2b3f58",
)  # fmt: skip
LIGHT = Theme(
    name="light", window="#e9ecf0", pane="#ffffff", raised="#f1f3f6", line="#d5dae1", text="#1b2027", quiet="#5c6670",
    faint="#8b949e", accent="#0b6bd3", on_accent="#ffffff", good="#178a4c", warning="#a86a00", bad="#cc2b35",
    cursor="#11151a", voltage="#178a4c", current="#b06f00", dose="#7a4fd0", event="#7a4fd0", plot="#ffffff",
    image="#dfe3e8", selection="#cfe3fb",
)  # fmt: skip

SPACE = 8
RADIUS = 6
BRIGHTEST = 0.28
"""On white, colours brighter than this have less than three times its contrast."""


_active = DARK


def active() -> Theme:
    """The palette in force; painters ask for it while painting, so that switching needs only a repaint."""
    return _active


def apply(app: QApplication, theme: Theme) -> None:
    """Dress the application. Widgets get a palette change event and repaint."""
    global _active
    _active = theme
    # native styles draw over parts of a style sheet; this one looks the same on every system
    app.setStyle("Fusion")
    app.setFont(_font())
    # what the style sheet does not name takes its colours from the palette
    app.setPalette(_palette(theme))
    app.setStyleSheet(_style_sheet(theme))


def _font() -> QFont:
    for family in ("Inter", "Segoe UI", "Noto Sans", "DejaVu Sans"):
        if family in QFontDatabase.families():
            font = QFont(family)
            break
    else:
        font = QFont()
    # pixels, not points: rows and gutters of lanes and plots are counted in pixels
    font.setPixelSize(12)
    return font


def numbers_font(pixel_size: int = 12, *, bold: bool = False) -> QFont:
    """The application font with figures of equal width, so that running numbers stand still."""
    font = QFont(QApplication.font())
    font.setPixelSize(pixel_size)
    font.setBold(bold)
    # font features came with Qt 6.7
    tabular = QFont.Tag.fromString("tnum") if hasattr(QFont, "Tag") else None
    if tabular is not None:
        font.setFeature(tabular, 1)
    return font


def colour(text: str, alpha: float = 1.0) -> QColor:
    """A colour of the theme (hex) for painting; `alpha` 0 is clear, 1 opaque."""
    made = QColor(text)
    made.setAlphaF(alpha)
    return made


# asked for by every curve at every painting
@cache
def _ink(text: str, on_light: bool) -> str:
    made = QColor(text)
    while on_light and _brightness(made) > BRIGHTEST:
        made = made.darker(108)
    return made.name() if on_light else text


def ink(text: str) -> str:
    """An identity's colour as a line or a word: on light ground it is darkened until it can be seen."""
    return _ink(text, _active.name == "light")


def _brightness(made: QColor) -> float:
    """Relative luminance, 0 to 1."""
    linear = [
        # the sRGB curve
        (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4)
        for v in made.getRgbF()[:3]
        if v is not None
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, value in (
        (role.Window, theme.window), (role.WindowText, theme.text), (role.Base, theme.pane),
        (role.AlternateBase, theme.raised), (role.Text, theme.text), (role.Button, theme.raised),
        (role.ButtonText, theme.text), (role.Highlight, theme.selection), (role.HighlightedText, theme.text),
        (role.ToolTipBase, theme.raised), (role.ToolTipText, theme.text), (role.PlaceholderText, theme.faint),
        (role.Link, theme.accent), (role.Mid, theme.line), (role.Dark, theme.line), (role.Light, theme.raised),
    ):  # fmt: skip
        palette.setColor(which, QColor(value))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(theme.faint))
    return palette


def _picture(name: str) -> str:
    """Where a style sheet finds a picture, in quotes: after a blank in a path all other rules would be lost."""
    # a backslash of Windows would be an escape in a style sheet
    path = str(resources.files("tandem_resources") / f"{name}.png").replace("\\", "/")
    return f'"{path}"'


def _style_sheet(theme: Theme) -> str:
    return f"""
* {{ outline: 0; }}
QMainWindow, QDialog {{ background: {theme.window}; }}
QMainWindow::separator {{ background: {theme.window}; width: 6px; height: 6px; }}
QMainWindow::separator:hover {{ background: {theme.line}; }}
QToolTip {{ background: {theme.raised}; color: {theme.text}; border: 1px solid {theme.line}; padding: 4px 6px; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QMenuBar, QMenu {{ background: {theme.pane}; color: {theme.text}; }}
QMenuBar::item {{ padding: 4px 8px; background: transparent; border-radius: 4px; }}
QMenuBar::item:selected, QMenu::item:selected {{ background: {theme.selection}; }}
QMenu {{ border: 1px solid {theme.line}; padding: 4px; }}
QMenu::item {{ padding: 5px 24px 5px 12px; border-radius: 4px; }}
QMenu::item:disabled {{ color: {theme.faint}; }}
QMenu::separator {{ height: 1px; background: {theme.line}; margin: 4px 6px; }}
QPushButton, QToolButton {{ background: {theme.raised}; color: {theme.text}; border: 1px solid {theme.line};
  border-radius: {RADIUS}px; padding: 4px 10px; }}
QFileDialog QToolButton {{ padding: 3px; }}
QPushButton:hover, QToolButton:hover {{ border-color: {theme.faint}; }}
QPushButton:pressed, QToolButton:pressed, QPushButton:checked {{ background: {theme.selection}; }}
QPushButton:focus, QToolButton:focus, QLineEdit:focus, QComboBox:focus {{ border-color: {theme.accent}; }}
QPushButton:default, QPushButton[role="primary"] {{ background: {theme.accent}; color: {theme.on_accent}; border-color: {theme.accent}; }}
QPushButton:disabled, QPushButton[role="primary"]:disabled, QToolButton:disabled {{ background: {theme.raised}; color: {theme.faint};
  border-color: {theme.line}; }}
QToolButton[role="tool"] {{ background: transparent; border: none; color: {theme.quiet}; padding: 3px 7px; }}
QToolButton[role="tool"]:hover {{ color: {theme.text}; background: {theme.raised}; }}
QToolButton[role="tool"]:checked {{ color: {theme.accent}; }}
QToolButton[role="tool"]::menu-indicator {{ image: none; }}
QToolButton[role="brand"] {{ background: transparent; border: none; font-weight: 700; font-size: 14px; padding: 3px 8px; }}
QToolButton[role="brand"]::menu-indicator {{ image: none; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit {{ background: {theme.raised}; color: {theme.text};
  border: 1px solid {theme.line}; border-radius: 4px; padding: 3px 6px; selection-background-color: {theme.accent};
  selection-color: {theme.on_accent}; }}
QComboBox::drop-down {{ border: none; width: 18px; }}
QComboBox::down-arrow, QAbstractSpinBox::down-arrow {{ image: url({_picture("arrow-down")}); width: 9px; height: 9px; }}
QAbstractSpinBox::up-arrow {{ image: url({_picture("arrow-up")}); width: 9px; height: 9px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; background: transparent; width: 16px; }}
QComboBox QAbstractItemView {{ background: {theme.pane}; border: 1px solid {theme.line}; }}
QLabel[role="title"] {{ font-weight: 700; }}
QLabel[role="quiet"] {{ color: {theme.quiet}; }}
QLabel[role="hint"] {{ color: {theme.quiet}; font-size: 13px; }}
QLabel[role="heading"] {{ font-weight: 700; font-size: 15px; }}
QFrame[role="pane"] {{ background: {theme.pane}; border: 1px solid {theme.line}; border-radius: {RADIUS}px; }}
QFrame[role="chip"] {{ background: {theme.pane}; border: 1px solid {theme.line}; border-radius: 11px; }}
QTableView, QTreeView, QListView {{ background: {theme.pane}; alternate-background-color: {theme.raised}; border: none;
  gridline-color: {theme.line}; selection-background-color: {theme.selection}; selection-color: {theme.text}; }}
QHeaderView::section {{ background: {theme.pane}; color: {theme.quiet}; border: none; border-bottom: 1px solid {theme.line};
  padding: 3px 6px; font-weight: 400; }}
QTableView QTableCornerButton::section {{ background: {theme.pane}; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {theme.line}; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 2px; }}
QScrollBar::handle:hover {{ background: {theme.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QTabBar::tab {{ background: transparent; color: {theme.quiet}; padding: 5px 10px; border: none; }}
QTabBar::tab:selected {{ color: {theme.accent}; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {theme.line}; }}
QStatusBar {{ background: {theme.window}; color: {theme.quiet}; }}
QStatusBar::item {{ border: none; }}
QProgressBar {{ background: {theme.raised}; border: none; border-radius: 3px; height: 6px; text-align: center; }}
QProgressBar::chunk {{ background: {theme.accent}; border-radius: 3px; }}
QCheckBox, QRadioButton {{ color: {theme.text}; spacing: 6px; }}
QCheckBox::indicator, QAbstractItemView::indicator {{ width: 12px; height: 12px; border: 1px solid {theme.faint};
  border-radius: 3px; background: {theme.raised}; }}
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{ background: {theme.accent}; border-color: {theme.accent};
  image: url({_picture("check")}); }}
QCheckBox::indicator:disabled, QAbstractItemView::indicator:disabled {{ border-color: {theme.line}; }}
QCheckBox::indicator:checked:disabled {{ background: {theme.faint}; }}
QGroupBox {{ border: 1px solid {theme.line}; border-radius: {RADIUS}px; margin-top: 10px; padding-top: 6px; }}
QGroupBox::title {{ subcontrol-origin: margin; left: 8px; color: {theme.quiet}; }}
QDockWidget {{ color: {theme.text}; }}
QSplitter::handle {{ background: transparent; }}
QSplitter::handle:hover {{ background: {theme.line}; }}
"""
