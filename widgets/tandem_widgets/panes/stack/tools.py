"""The title-row tools of the stack pane: its buttons, keys and menus."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import QApplication, QMenu, QToolButton

from tandem_em.core.notices import UserError
from tandem_em.model.tracks import Particle
from tandem_widgets.panes.stack.active_tool import ActiveTool
from tandem_widgets.panes.stack.following import Following
from tandem_widgets.panes.stack.measuring import Measuring
from tandem_widgets.panes.stack.outlining import Outlining
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.panes.stack.windows import StackWindows
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.pane_frame import PaneFrame
from tandem_widgets.parts.image.canvas import ImageCanvas


class StackTools:
    """Puts the buttons into the title row of a frame and answers them; errors become notices.

    `ask_contrast(button)` opens the panel of the contrast below its button.
    """

    def __init__(
        self, scene: StackScene, canvas: ImageCanvas, frame: PaneFrame, ask_contrast: Callable[[QToolButton], None]
    ) -> None:  # fmt: skip
        self._scene, self._canvas, self._frame = scene, canvas, frame
        self._modes: dict[str, QToolButton] = {}
        self.active = ActiveTool(scene, canvas)
        self.outlining = Outlining(scene, canvas, self.active)
        self.windows = StackWindows(scene, canvas, frame)
        self.measuring = Measuring(scene, self.active, frame, self.windows.show_profile)
        self._add_buttons(ask_contrast)
        self._add_keys()
        self.active.deactivate()
        canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        canvas.customContextMenuRequested.connect(self._context_menu)
        bindings = Bindings(canvas)
        bindings.on(scene.tool_changed, self._show_active)
        bindings.on(scene.drift.changed, self.refresh)
        self.refresh()

    # --- buttons -------------------------------------------------------------------------------------------------

    def _add_buttons(self, ask_contrast: Callable[[QToolButton], None]) -> None:
        frame = self._frame
        self.outline = self._mode(
            "outline",
            "✎ Outline",
            "Outline a particle (N): click it, drag around it, or Shift+drag an ellipse",
            self.outlining.activate,
        )
        self.reference = frame.add_tool(
            "◌ Reference",
            "Keep the outlines of this frame as dotted reference outlines, or remove them (G)",
            self._guarded(self.outlining.toggle_reference),
        )
        self.roi = self._mode(
            "region",
            "□ ROI",
            "Mean and standard deviation of a region of interest over time (I)",
            self.measuring.activate_region,
        )
        self.profile = self._mode(
            "profile",
            "╱ Profile",
            "Profile along a line with width: intensity, layers, kymograph (L)",
            self.measuring.activate_profile,
        )
        self.drift = frame.add_tool("✛ Drift", "", self._guarded(self._use_drift))
        self.drift.setCheckable(True)
        self.drift.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.drift.customContextMenuRequested.connect(lambda _at: self._show_more())
        self.contrast = frame.add_tool(
            "◐ Contrast",
            "Percentile or manual limits, gamma, colours (C)",
            lambda *_: ask_contrast(self.contrast),
        )
        self.more = frame.add_tool(
            "⋯", "Calibrate, measure, kymograph, montage, filters, dose", lambda *_: self._show_more()
        )

    def _add_keys(self) -> None:
        for key, title, call in (
            ("N", "Outline a particle", self.outline.toggle),
            ("G", "Keep or remove a reference outline", self._guarded(self.outlining.toggle_reference)),
            ("I", "Region of interest (ROI)", self.roi.toggle),
            ("L", "Profile along a line", self.profile.toggle),
            ("C", "Contrast", self.contrast.click),
        ):
            self._frame.add_key(key, title, call)

    def make_compact(self, compact: bool) -> None:
        """Where there is little room the buttons keep their words and lose their signs."""
        for button in (self.outline, self.reference, self.roi, self.profile, self.drift, self.contrast):
            full = button.accessibleName()
            button.setText(full.split(" ", 1)[1] if compact else full)

    def _mode(self, name: str, text: str, tip: str, activate: Callable[[], None]) -> QToolButton:
        """A button that activates a tool; it is checked as long as that is the active one."""
        button = self._frame.add_tool(text, tip, checkable=True)

        def toggled(on: bool) -> None:
            if on == (self._scene.tool == name):
                return  # it shows what is so already
            self.active.deactivate()
            if on and self._scene.stack is not None:
                activate()
            # a tool that could not be activated must not look active
            button.setChecked(self._scene.tool == name)

        button.toggled.connect(toggled)
        self._modes[name] = button
        return button

    def _show_active(self, name: str) -> None:
        for each, button in self._modes.items():
            button.setChecked(each == name)

    def _guarded(self, call: Callable[[], object]) -> Callable[..., None]:
        """A gesture that cannot be done says so in a sentence."""

        def guarded(*_: object) -> None:
            try:
                call()
            except UserError as error:
                self._scene.desk.notices.tell(error)

        return guarded

    def _use_drift(self) -> None:
        try:
            self._scene.drift.find_or_use()
        finally:
            self.refresh()  # a click has checked the button, whatever came of it

    # --- what the particles and the drift have to say ------------------------------------------------------------

    @property
    def following(self) -> Following:
        """What runs and finds the outlines of the shown stack."""
        return self.outlining.following

    def refresh(self) -> None:
        """Buttons, and what the particles of this stack have to say."""
        drift = self._scene.drift
        self.drift.setChecked(drift.is_known and drift.on)
        self.drift.setToolTip(
            "Drift is corrected in the view. Click to show the frames uncorrected; right-click for more"
            if drift.is_known
            else "Measure the drift of the stack and correct it in the view"
        )
        self.following.say_stale()

    # --- menus ---------------------------------------------------------------------------------------------------

    def _show_more(self) -> None:
        menu = QMenu(self._frame)
        self.fill_more(menu)
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def fill_more(self, menu: QMenu) -> None:
        """Fills the menu behind the three dots."""
        from tandem_widgets.panes.stack.menus import MoreMenu

        MoreMenu(self._scene, self._canvas, self._frame, self.measuring, self.windows, self.following).fill(
            menu
        )

    def _context_menu(self, at: QPoint) -> None:
        # the menu takes the release of the button, and the canvas would go on dragging
        self._let_go(at)
        if self._scene.stack is None:
            return
        menu = QMenu(self._frame)
        self.fill_at(menu, self.outlining.choose_at(*self._canvas.to_image(QPointF(at))))
        menu.popup(self._canvas.mapToGlobal(at))

    def fill_at(self, menu: QMenu, particle: Particle | None) -> None:
        """What can be done with a particle, or beside all of them."""
        from tandem_widgets.panes.stack.place_menus import CanvasMenu, ParticleMenu

        if particle is not None:
            ParticleMenu(self._scene, self._frame, self.outlining, self.windows).fill(menu, particle)
        else:
            CanvasMenu(self._scene, self._canvas, self.outlining, self.windows, self.outline.toggle).fill(
                menu
            )

    def _let_go(self, at: QPoint) -> None:
        """A menu will swallow the release of the button: the canvas must hear of it before."""
        release = QMouseEvent(
            QEvent.Type.MouseButtonRelease, QPointF(at), QPointF(self._canvas.mapToGlobal(at)),
            Qt.MouseButton.RightButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(self._canvas, release)
