"""The EELS pane: pictures, the spectrum under the pointer with its windows, the edges, the profile across the stack."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import default_edges, fitting_edges
from tandem_em.desk.live_map import LiveMap
from tandem_em.jobs import call_as_job
from tandem_em.model.items import Item
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import Edge, SpectrumImage
from tandem_em.notices import UserError
from tandem_widgets.panes.eels_choice import QUANTITIES, Choice, array_name, lookup
from tandem_widgets.panes.eels_edges import EdgeTable
from tandem_widgets.panes.eels_guard import Guard, NoteLine
from tandem_widgets.panes.eels_images import EelsImages
from tandem_widgets.panes.eels_limits import SINGLE, Shown
from tandem_widgets.panes.eels_profile import profile_content, scree_content
from tandem_widgets.panes.eels_sites import add_site_spectra
from tandem_widgets.panes.eels_tools import EelsTools
from tandem_widgets.parts import image_render, theme
from tandem_widgets.parts.bind import Bindings
from tandem_widgets.parts.composite import Limits, channel_limits, common_limits, smoothed
from tandem_widgets.parts.pane_frame import EmptyHint, PaneFrame, trigger
from tandem_widgets.parts.refresh import Refresher
from tandem_widgets.parts.spectrum_plot import Band, Content, Curve, SpectrumPlot

HINT = "Drop a spectrum image, a line scan or a spectrum here.\n.dm3 .dm4 .emd .hspy .msa"
Floats = NDArray[np.float64]


class EelsPane(PaneFrame):
    """Shows one spectrum image of the session; the others join in the profile."""

    def __init__(self, desk: Desk) -> None:
        body = QWidget()
        super().__init__("EELS maps", body)
        self.desk = desk
        self.session = desk.session
        self._live: dict[str, LiveMap] = {}
        self.image: SpectrumImage | None = None
        self._place: tuple[float, float] | None = None
        self._region_quick = False
        self._troubles: dict[str, str] = {}
        self.choice = Choice()
        self._limits = Limits()
        self._channel_levels = Limits(channel_limits)
        self.images = EelsImages(self.session)
        self.note = NoteLine()
        self._guard = Guard(desk, self.note, self)
        self.spectrum = SpectrumPlot()
        self.edges = EdgeTable(desk)
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
        self._hover = Refresher(self, self._show_spectrum)
        self.tools = EelsTools(self)
        self._chooser = QComboBox()
        self._chooser.setMaximumWidth(130)
        self._chooser.setToolTip("Which spectrum image")
        self._chooser.activated.connect(self._chosen)
        self.add_tool_widget(self._chooser)
        self.images.hovered.connect(self._hovered)
        self.images.left.connect(self._unhovered)
        self.images.region_drawn.connect(self._region_drawn)
        self.spectrum.band_dragged.connect(self._drag_band)
        self.spectrum.band_released.connect(desk.end_gesture)
        self.spectrum.band_clicked.connect(lambda key: self.session.focus.select("edge", key))
        bindings = Bindings(self)
        for collection in (
            self.session.maps,
            self.session.edges,
            self.session.sites,
            self.session.profiles,
            self.session.results,
        ):
            bindings.on(collection.added, lambda _item: self._choose())
            bindings.on(collection.removed, lambda _item: self._choose())
            bindings.on(collection.changed, self._changed)
        bindings.on(self.session.focus.selection_changed, self._selected)
        self._choose()

    # --- which map -----------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        maps = self.session.maps
        self._chooser.clear()
        for image in maps:
            self._chooser.addItem(image.name, image.id)
        self._chooser.setVisible(len(maps) > 1)
        image_or_none = maps.get(self.session.focus.selected("map")) or maps.first
        if image_or_none is None:
            self.image = None
            self.set_empty(EmptyHint(HINT, [("Open…", lambda: trigger(self, "open"))]))
            self.subtitle.set_text("")
            return
        self.set_empty(None)
        if not self._live:  # the kernels that draw pictures, while the spectra are read
            self.desk.start("Preparing the image", call_as_job(image_render.warm_up), key="warm-up")
        if not len(self.session.edges):
            for edge in fitting_edges(default_edges(), image_or_none.energy_eV):
                self.session.edges.add(edge)
        self._chooser.setCurrentIndex(maps.index(image_or_none.id))
        if self.image is not image_or_none:
            self.image = image_or_none
            self.images.show_map(image_or_none)
            self.images.setVisible(max(image_or_none.shape[:2]) > 1)  # one spectrum has no pictures
        for image in maps:
            if image.id not in self._live:
                self._read(image)
        self._refresher.mark()

    def _read(self, image: SpectrumImage) -> None:
        live = LiveMap(self.desk, image)
        live.ready.connect(self._refresher.mark)
        self._live[image.id] = live

    def _changed(self, item: Item, names: frozenset[str]) -> None:
        if isinstance(item, SpectrumImage) and names & {"energy_shift_eV", "energy_eV"}:
            self._read(item)  # the sums were made of other energies
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

    @property
    def _edge(self) -> Edge | None:
        """The one in hand, else the first that lies on the axis of the shown map."""
        edges = self.session.edges
        chosen = edges.get(self.session.focus.selected("edge"))
        if chosen is not None or self.image is None:
            return chosen or edges.first
        return next(iter(fitting_edges(list(edges), self.image.energy_eV)), edges.first)

    def live(self, image: SpectrumImage) -> LiveMap:
        """What answers for a map of the session."""
        return self._live[image.id]

    @property
    def refreshes(self) -> int:
        """How often everything has been redrawn (benchmarks and tests)."""
        return self._refresher.count

    def redraw(self) -> None:
        """Something about how things are shown has changed."""
        self._refresher.mark()

    # --- showing -------------------------------------------------------------------------------------------------

    def _show_all(self) -> None:
        image = self.image
        if image is None:
            return
        self._troubles.clear()
        self._show_title(image)
        self._show_survey(image)
        self._show_maps(image)
        self._show_spectrum()
        self._show_profile(image)
        edge = self._edge
        self.note.say(self._elsewhere(image) or next(iter(self._troubles.values()), ""))
        on_axis = edge is not None and bool(fitting_edges([edge], image.energy_eV))
        self._guard.watch(self._live.get(image.id), edge if on_axis else None)

    def _elsewhere(self, image: SpectrumImage) -> str:
        """What to do when none of the edges lies on the energy axis of the shown map."""
        if fitting_edges(list(self.session.edges), image.energy_eV):
            return ""
        low, high = float(image.energy_eV[0]), float(image.energy_eV[-1])
        return (
            f"No edge of the table lies between {low:.0f} and {high:.0f} eV, where {image.name} was measured. "
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

    def _show_survey(self, image: SpectrumImage) -> None:
        """Without an ADF in the file the counts of all channels together show where things are."""
        if image.adf is None and (total := self._live[image.id].total_counts()) is not None:
            self.images.show_survey(total, "all losses (no ADF in the file)")

    def _counts(self, image: SpectrumImage, edge: Edge) -> Floats | None:
        """The map of an edge; nothing where it lies elsewhere, or its windows are impossible (said in the note line)."""
        try:
            return self._live[image.id].counts(edge)
        except UserError as error:
            self._complain(image, edge, error)
            return None

    def _complain(self, image: SpectrumImage, edge: Edge, error: UserError) -> None:
        """Edges of other maps, far from this one's energies, are left out without a word unless they are in hand."""
        low, high = float(image.energy_eV[0]), float(image.energy_eV[-1])
        elsewhere = all(window[0] > high or window[1] < low for window in (edge.fit, edge.signal))
        if not elsewhere or edge is self._edge:
            self._troubles[edge.id] = f"{error.title} {error.advice}"

    def _channels(self, image: SpectrumImage) -> list[tuple[Edge, Floats]]:
        """Edges that have a colour channel, with the maps that are shown of them."""
        found = []
        for edge in self.session.edges:
            if edge.channel and (counts := self._counts(image, edge)) is not None:
                found.append((edge, smoothed(counts) if self.choice.smooth else counts))
        return found

    def _channel_limits(self, edge: Edge, counts: Floats) -> tuple[float, float]:
        return self.choice.channel_limits.get(edge.channel) or self._channel_levels.of(
            counts, self.choice.percent
        )

    def shown_maps(self) -> list[Shown]:
        """What can be given limits: the channels of the composite and the single map."""
        if self.image is None:
            return []
        found = [
            Shown(edge.channel, edge.name, edge.colour, counts, self._channel_limits(edge, counts))
            for edge, counts in self._channels(self.image)
        ]
        single = self.images.single
        if single.frame is not None and np.isfinite(single.frame).any():
            found.append(
                Shown(SINGLE, single.caption, theme.active().quiet, np.asarray(single.frame), single.levels)
            )
        return found

    def _show_maps(self, image: SpectrumImage) -> None:
        channels = self._channels(image)
        maps = {str(edge.channel): counts for edge, counts in channels}
        levels = {str(edge.channel): self._channel_limits(edge, counts) for edge, counts in channels}
        names = " · ".join(edge.name.split(" ")[0] for edge, _ in channels)
        self.images.show_composite(maps, levels, names, safe=self.choice.safe_colours)
        self._show_single(image)

    def _show_single(self, image: SpectrumImage) -> None:
        """The map of the chosen edge, or a kept result; of every state side by side while comparing."""
        edge, choice = self._edge, self.choice
        colours = lookup(choice.colours)
        states = list(self.session.maps) if choice.compare and edge is not None else []
        if edge is not None and states:
            found = [(each.state or each.name, self._quantity(each, edge)) for each in states]
            there = [(name, values) for name, values in found if values is not None]
            common = choice.limits or common_limits([values for _, values in there], choice.percent)
            self.images.show_states([(f"{self._caption(edge)} · {n}", v) for n, v in there], common, colours)
            if there:
                return
        self.images.show_states([], (0.0, 1.0), colours)
        shown, caption = self._kept(image)
        if shown is None and edge is not None:
            shown, caption = self._quantity(image, edge), self._caption(edge)
        if shown is None:
            self.images.refresh()
            return
        if choice.smooth:
            shown = smoothed(shown)
        self.images.show_single(
            shown, choice.limits or self._limits.of(shown, choice.percent), caption, colours
        )

    def _caption(self, edge: Edge) -> str:
        base = self.session.maps.get(self.choice.ratio_to)
        if base is not None:
            return f"{edge.name} ÷ {base.state or base.name}"
        return edge.name if self.choice.quantity == QUANTITIES[0] else f"{edge.name} · {self.choice.quantity}"

    def _chosen_result(self, image: SpectrumImage) -> ResultSet | None:
        """The stored result that was chosen in the menu, when it belongs to this map."""
        result = self.session.results.get(self.choice.result[0])
        if result is None or result.owner_id != image.id or self.choice.result[1] not in result.arrays:
            return None
        return result

    def _kept(self, image: SpectrumImage) -> tuple[Floats | None, str]:
        result = self._chosen_result(image)
        if result is None:
            return None, ""
        name = self.choice.result[1]
        unit = result.units.get(name, "")
        caption = f"{result.analysis} · {array_name(name)}"
        caption += f" ({unit})" if unit and unit not in name else ""
        caption += " · stale" if result.step_id and self.session.is_stale(result.step_id) else ""
        return result.arrays[name].astype(np.float64), caption

    def _quantity(self, image: SpectrumImage, edge: Edge) -> Floats | None:
        """Counts, signal to noise or error of an edge; or its counts over those of another state."""
        live = self._live[image.id]
        call = dict(zip(QUANTITIES, (live.counts, live.snr, live.error)))[self.choice.quantity]
        try:
            base = self._live.get(self.choice.ratio_to)
            if base is None or base.image.shape[:2] != image.shape[:2]:
                return call(edge)
            return live.ratio(base, edge)
        except UserError as error:
            self._complain(image, edge, error)
            return None

    def _current_spectrum(self) -> Floats | None:
        """Of the region, else of the pixel under the pointer, else of the whole map."""
        assert self.image is not None
        live, region = self._live[self.image.id], self.images.region
        if region is not None:
            return live.region(region.x0, region.y0, region.x1, region.y1, quick=self._region_quick)
        return self._hovered_spectrum() if self._place is not None else live.mean_spectrum()

    def _hovered_spectrum(self) -> Floats | None:
        assert self.image is not None
        return self._live[self.image.id].spectrum(*self._place) if self._place is not None else None

    def _show_spectrum(self) -> None:
        image = self.image
        if image is None:
            return
        spectrum = self._current_spectrum()
        look = theme.active()
        content = Content(x_label="energy loss (eV)", zero_based=True, title_right=True)
        chosen = self._edge
        edges = fitting_edges(list(self.session.edges), image.energy_eV)
        for edge in edges:
            mark = chosen is not None and edge.id == chosen.id
            if edge.background != "none":
                content.bands.append(Band(edge.id, "fit", *edge.fit, edge.colour, selected=mark))
            content.bands.append(Band(edge.id, "signal", *edge.signal, edge.colour, edge.name, selected=mark))
        content.x_range = self._energy_range(image, edges)
        if self.tools.sites.isChecked():
            add_site_spectra(content, self._live[image.id], list(self.session.sites), self.choice)
            content.title = f"sites of {image.state or image.name}"
        elif (factor := self._factor(image)) is not None:
            content.curves.append(Curve(image.energy_eV, factor[0], look.accent, 1.4))
            content.title = factor[1]
        elif spectrum is not None:
            if self.images.region is not None and (pixel := self._hovered_spectrum()) is not None:
                content.curves.append(Curve(image.energy_eV, pixel, look.faint, 1.0, scales=False))
            content.curves.append(Curve(image.energy_eV, spectrum, look.text))
            for edge in edges:
                self._add_fit(content, edge, spectrum)
            content.title = self._place_text()
        self.spectrum.show_content(content)

    def _factor(self, image: SpectrumImage) -> tuple[Floats, str] | None:
        """The spectrum of the component whose map is shown."""
        result = self._chosen_result(image)
        found = re.fullmatch(r"component (\d+)", self.choice.result[1])
        if result is None or found is None or "factors" not in result.arrays:
            return None
        factors = result.arrays["factors"]
        number = int(found.group(1))
        if number > len(factors) or factors.shape[1] != len(image.energy_eV):
            return None
        return factors[number - 1].astype(np.float64), f"spectrum of {result.analysis} component {number}"

    def _add_fit(self, content: Content, edge: Edge, spectrum: Floats) -> None:
        assert self.image is not None
        try:
            fit = self._live[self.image.id].fit(edge, spectrum)
        except UserError:
            return  # the map has said so already
        if fit is not None:
            amber = theme.active().warning
            content.curves.append(Curve(fit.energy_eV, fit.background, amber, 1.2, dashed=True, scales=False))
            content.curves.append(Curve(fit.residual_energy_eV, fit.residual, edge.colour, 1.0, scales=False))

    def _energy_range(self, image: SpectrumImage, edges: list[Edge]) -> tuple[float, float]:
        energy = image.energy_eV
        if not edges:
            return float(energy[0]), float(energy[-1])
        low = min(min(edge.fit[0] or edge.signal[0], edge.signal[0]) for edge in edges)
        high = max(edge.signal[1] for edge in edges)
        room = 0.25 * (high - low)
        return max(float(energy[0]), low - 0.12 * room), min(float(energy[-1]), high + room)

    def _place_text(self) -> str:
        if self.images.region is not None:
            return self.images.region.text
        if self._place is None:
            return "whole map"
        return f"pixel {round(self._place[0])}, {round(self._place[1])}"

    def _show_profile(self, image: SpectrumImage) -> None:
        edge = self._edge
        content = (
            profile_content(self.session, self._live, image, edge, self.choice) if edge is not None else None
        )
        scree = self.tools.analyses.components_of(image) if self.choice.scree else None
        if scree is not None:
            content = scree_content(scree)
        self.profile.setVisible(content is not None)
        self.edges.setVisible(not self.tools.sites.isChecked())  # stacked spectra need the room
        if content is not None:
            self.profile.show_content(content)

    # --- gestures ------------------------------------------------------------------------------------------------

    def _hovered(self, x: float, y: float) -> None:
        self._place = (x, y)
        self._hover.mark()

    def _unhovered(self) -> None:
        self._place = None
        self._hover.mark()

    def _region_drawn(self, _region: object, moving: bool) -> None:
        self._region_quick = moving
        self._hover.mark()

    def _drag_band(self, key: str, kind: str, low: float, high: float) -> None:
        edge = self.session.edges.get(key)
        if edge is not None:
            fields = {"fit" if kind == "fit" else "signal": (round(low, 2), round(high, 2))}
            self.desk.change(
                f"Move {kind} window of {edge.name}", edge, merge_key=f"band {key} {kind}", **fields
            )
