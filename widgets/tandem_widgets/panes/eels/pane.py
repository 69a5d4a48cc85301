"""The EELS pane: pictures, the spectrum under the pointer with its windows, the edges, the profile across the stack."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from tandem_em.desk.desk import Desk
from tandem_em.desk.eels.interactive_map import LiveMap
from tandem_em.desk.eels.maps import fitting_edges
from tandem_em.model.items import Item
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.panes.eels.advice import EdgeAdvice, NoteLine
from tandem_widgets.panes.eels.edges import EdgeTable
from tandem_widgets.panes.eels.images import EelsImages
from tandem_widgets.panes.eels.pictures import Pictures
from tandem_widgets.panes.eels.profile import profile_content, scree_content
from tandem_widgets.panes.eels.scene import Choice, EelsScene
from tandem_widgets.panes.eels.spectrum import SpectrumShown
from tandem_widgets.panes.eels.tools import EelsTools
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.pane_frame import EmptyHint, PaneFrame, trigger
from tandem_widgets.parts.basic.refresh import Refresher
from tandem_widgets.parts.image import render
from tandem_widgets.parts.plot.spectrum_plot import SpectrumPlot

HINT = "Drop a spectrum image, a line scan or a spectrum here.\n.dm3 .dm4 .emd .hspy .msa"


class EelsPane(PaneFrame):
    """Shows one spectrum image of the session; the others join in the profile."""

    def __init__(self, desk: Desk) -> None:
        body = QWidget()
        super().__init__("EELS maps", body)
        self.desk = desk
        self.session = desk.session
        self.scene = scene = EelsScene(desk)
        self.images = EelsImages(scene)
        self.pictures = Pictures(scene, self.images)
        self._shown = SpectrumShown(scene)
        self.note = NoteLine()
        self._advice = EdgeAdvice(desk, self.note, self)
        self.spectrum = SpectrumPlot()
        self.edges = EdgeTable(scene)
        self.profile = SpectrumPlot()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 2)
        column.setSpacing(2)
        column.addWidget(self.images, 34)
        column.addWidget(self.note)
        column.addWidget(self.spectrum, 34)
        column.addWidget(self.edges)
        column.addWidget(self.profile, 22)
        self._refresher = Refresher(self, self._show_all, rate_hz=120.0)
        # the mouse moves only the spectrum: maps and profile are not drawn again
        self._hover = Refresher(self, self._show_spectrum)
        self.tools = EelsTools(scene, self.images, self.pictures, self)
        self._make_chooser()
        self._bind_plot()
        self._bind()
        self._choose()

    def _make_chooser(self) -> None:
        self._chooser = QComboBox()
        self._chooser.setMaximumWidth(130)
        self._chooser.setMinimumWidth(90)  # names may be long and windows small
        self._chooser.setToolTip("Spectrum image")
        self._chooser.activated.connect(self._chosen)
        self.add_tool_widget(self._chooser)

    def _bind_plot(self) -> None:
        self.spectrum.band_dragged.connect(self._drag_band)
        self.spectrum.band_released.connect(self.desk.end_gesture)
        self.spectrum.band_clicked.connect(lambda key: self.session.focus.select("edge", key))

    def _bind(self) -> None:
        session, scene, bindings = self.session, self.scene, Bindings(self)
        for collection in (session.maps, session.edges, session.sites, session.profiles, session.results):
            bindings.on(collection.added, lambda _item: self._choose())
            bindings.on(collection.removed, lambda _item: self._choose())
            bindings.on(collection.changed, self._changed)
        bindings.on(session.focus.selection_changed, self._selected)
        bindings.on(scene.image_changed, self._show_image)
        bindings.on(scene.changed, self._refresher.mark)
        bindings.on(scene.pointed, self._hover.mark)

    # --- which map -----------------------------------------------------------------------------------------------

    def figure_for_print(self) -> tuple[str, dict[str, Any]]:
        """The figure of the maps, without options."""
        return "maps", {}

    def _choose(self) -> None:
        image = self.scene.chosen_image
        self._fill_chooser(image)
        if image is None:
            self.set_empty(EmptyHint(HINT, [("Open…", lambda: trigger(self, "open"))]))
            self.subtitle.set_text("")
        else:
            self.set_empty(None)
            if not self.scene.lives:  # the kernels that draw pictures, while the spectra are read
                self.desk.start("Preparing the image", render.warm_up(np.float32))
        self.scene.choose()

    def _fill_chooser(self, image: SpectrumImage | None) -> None:
        self._chooser.clear()
        for each in self.session.maps:
            self._chooser.addItem(each.name, each.id)
        if image is not None:
            self._chooser.setCurrentIndex(self.session.maps.index(image.id))
        self._chooser.setVisible(len(self.session.maps) > 1)

    def _show_image(self) -> None:
        image = self.scene.image
        if image is not None:
            self.images.show_map(image)
            self.images.setVisible(max(image.shape[:2]) > 1)  # one spectrum has no pictures

    def _changed(self, item: Item, names: frozenset[str]) -> None:
        if isinstance(item, SpectrumImage) and names & {"energy_shift_eV", "energy_eV"}:
            self.scene.read(item)  # the sums were made of other energies
        if isinstance(item, SpectrumImage) and "name" in names:
            self._choose()
        self._refresher.mark()

    def _chosen(self, index: int) -> None:
        self.session.focus.select("map", self._chooser.itemData(index))

    def _selected(self, kind: str) -> None:
        if kind == "map":
            self._choose()
        elif kind in ("edge", "site"):
            self._refresher.mark()

    # --- for the window, benchmarks and tests --------------------------------------------------------------------

    @property
    def image(self) -> SpectrumImage | None:
        """The shown spectrum image; None in an empty session."""
        return self.scene.image

    @property
    def choice(self) -> Choice:
        """What is chosen to be shown, and how."""
        return self.scene.choice

    def live(self, image: SpectrumImage) -> LiveMap:
        """What answers for a map of the session."""
        return self.scene.live(image)

    @property
    def refreshes(self) -> int:
        """How often everything has been redrawn."""
        return self._refresher.count

    def redraw(self) -> None:
        """The colours of the window are others."""
        self.note.write()
        self._refresher.mark()

    # --- showing -------------------------------------------------------------------------------------------------

    def _show_all(self) -> None:
        image = self.scene.image
        if image is None:
            return
        self._show_title(image)
        self.pictures.show(image)
        self.images.adf.update()  # its picture stays, the sites on it may not
        self._show_spectrum()
        self._show_profile(image)
        edge = self.scene.edge
        self.note.say(self._elsewhere(image) or next(iter(self.pictures.troubles.values()), ""))
        # what lies elsewhere is not on this map, which the line says already
        on_axis = edge is not None and bool(fitting_edges([edge], image.energy_eV))
        self._advice.watch(self.scene.lives.get(image.id), edge if on_axis else None)

    def _elsewhere(self, image: SpectrumImage) -> str:
        """What to do when none of the edges lies on the energy axis of the shown map."""
        if self.scene.edges_on(image):
            return ""
        low, high = float(image.energy_eV[0]), float(image.energy_eV[-1])
        return (
            f"No edge of the table lies in the energy range of {image.name} ({low:.0f} to {high:.0f} eV). "
            "Right-click the table to add one."
        )

    def _show_title(self, image: SpectrumImage) -> None:
        height, width, channels = image.shape
        parts = [image.name, f"{width}×{height}×{channels}"]
        if image.pixel_nm:
            parts.append(f"{image.pixel_nm[0]:.3g} nm")
        else:
            parts.append("not calibrated")
        if image.state and image.state not in image.name:
            parts.append(image.state)
        if image.energy_shift_eV is not None:
            parts.append("aligned")
        self.subtitle.set_text(" · ".join(parts))

    def _show_spectrum(self) -> None:
        if self.scene.image is not None:
            self.spectrum.show_content(self._shown.content(self.scene.image))

    def _show_profile(self, image: SpectrumImage) -> None:
        edge = self.scene.edge
        content = profile_content(self.scene, image, edge) if edge is not None else None
        scree = self.scene.components_of(image) if self.choice.scree else None
        if scree is not None:
            content = scree_content(scree)
        self.profile.setVisible(content is not None)
        self.edges.setVisible(self.scene.tool != "sites")  # stacked spectra need the room
        if content is not None:
            self.profile.show_content(content)

    # --- gestures ------------------------------------------------------------------------------------------------

    def _drag_band(self, key: str, kind: str, low: float, high: float) -> None:
        edge = self.session.edges.get(key)
        if edge is not None:
            fields = {"fit" if kind == "fit" else "signal": (round(low, 2), round(high, 2))}
            self.desk.change(
                f"Move {kind} window of {edge.name}", edge, merge_key=f"band {key} {kind}", **fields
            )
