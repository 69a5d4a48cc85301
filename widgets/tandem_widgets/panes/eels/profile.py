"""The profile across the stack: one edge over several states or several edges of one map, lined up on an interface."""

from __future__ import annotations

import numpy as np

from tandem_em.core.notices import UserError
from tandem_em.desk.eels.interactive_map import LiveMap
from tandem_em.desk.eels.places import line_along, profile_line
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import Edge, ProfileLine, SpectrumImage
from tandem_widgets.panes.eels.scene import EelsScene
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.plot.spectrum_plot import Content, Curve, Mark

STATE_COLOURS = ("#ff5a5f", "#ffbf47", "#4a9eff", "#4fd18b", "#b98cff")


def profile_content(scene: EelsScene, image: SpectrumImage, edge: Edge) -> Content | None:
    """What the profile plot shows; None without a line. Impossible windows leave their curve out."""
    session, choice = scene.session, scene.choice
    along = line_along(image)
    line = along or profile_line(session)
    if line is None:
        return None
    what = "Edges" if choice.overlay_edges else edge.name
    content = Content(
        x_label=_x_label(image),
        title=f"{what} along the {'scan' if along is not None else 'line'}{', each to its maximum' if choice.normalised else ''}",
        legend_right=True,
        title_above=True,
    )
    if choice.overlay_edges:
        asked = [(image, each, each.colour, each.name) for each in session.edges]
    else:
        colours = (theme.active().quiet, *STATE_COLOURS)
        asked = [
            (each, edge, colours[n % 6], each.state or each.name)
            for n, each in enumerate(session.maps)
            # line scans of another length are not along this one
            if along is None or each.shape[:2] == image.shape[:2]
        ]
    for each, which, colour, label in asked:
        _add_curve(content, scene, scene.live(each), which, line, colour, label)
    anchor = _anchor_px(scene, scene.live(image), line)
    step = _step(image)
    for name, begin, end in layers_along(image, line):
        content.marks.append(Mark((begin - anchor) * step, name, (end - anchor) * step))
    return content


def _step(image: SpectrumImage) -> float:
    """From one pixel to the next: nm, or seconds in a time series; 1 when nobody knows."""
    if image.axis0 == "time":
        return image.dwell_s or 1.0
    return image.pixel_nm[0] if image.pixel_nm else 1.0


def _x_label(image: SpectrumImage) -> str:
    if image.axis0 == "time":
        return "Time (s)" if image.dwell_s else "Spectrum number"
    return "Distance (nm)" if image.pixel_nm else "Distance (px)"


def _add_curve(
    content: Content, scene: EelsScene, live: LiveMap, edge: Edge, line: ProfileLine, colour: str, label: str
) -> None:  # fmt: skip
    try:
        found = live.profile(edge, line.start, line.end, line.width_px)
    except UserError:
        return  # the note line has said so, or this map lies elsewhere
    if found is None:
        return
    distance, counts, error = found
    distance = (distance - _anchor_px(scene, live, line)) * _step(live.image)
    if scene.choice.normalised and np.isfinite(counts).any() and (top := float(np.nanmax(counts))) > 0:
        counts, error = counts / top, error / top
    content.curves.append(Curve(distance, counts, colour, 1.3, label=label, error=error))


def _anchor_px(scene: EelsScene, live: LiveMap, line: ProfileLine) -> float:
    """The place along the line that becomes 0: the steepest step of the anchor; 0 when there is none."""
    if not scene.choice.anchor:
        return 0.0
    from tandem_em.desk.eels.along_lines import find_interface, profile

    if scene.choice.anchor == "ADF":
        adf, width = live.image.adf, live.image.shape[1]
        if adf is None or adf.ndim != 2:
            return 0.0
        scale = adf.shape[1] / width
        ends = [((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5) for x, y in (line.start, line.end)]
        distance, values, _ = profile(np.asarray(adf), ends[0], ends[1], line.width_px * scale)
        place = find_interface(values, distance) / scale
    else:
        edge = scene.session.edges.get(scene.choice.anchor)
        if edge is None:
            return 0.0
        try:
            found = live.profile(edge, line.start, line.end, line.width_px)
        except UserError:
            return 0.0
        place = find_interface(found[1], found[0]) if found is not None else 0.0
    return place if np.isfinite(place) else 0.0


def layers_along(image: SpectrumImage, line: ProfileLine) -> list[tuple[str, float, float]]:
    """Layers (name, from, to) in pixels along the line; layers are stacked along x, so a line along y meets none."""
    dx, dy = line.end[0] - line.start[0], line.end[1] - line.start[1]
    length = float(np.hypot(dx, dy))
    # layers are known along x: a steep line crosses none of them in order
    if abs(dx) < 0.5 * length or length == 0:
        return []
    per_x = length / dx
    found = []
    for layer in image.layers:
        begin, end = layer.get("from_px"), layer.get("to_px")
        if isinstance(begin, int | float) and isinstance(end, int | float):
            near, far = sorted(((begin - line.start[0]) * per_x, (end - line.start[0]) * per_x))
            near, far = max(near, 0.0), min(far, length)
            if far > near:
                found.append((str(layer.get("name", "")), near, far))
    return found


def scree_content(result: ResultSet) -> Content:
    """Share of the variance of each component, in powers of ten; those above the counting noise are named."""
    suggested = int(result.values.get("suggested", 0))
    # enough of the noise to see where it begins
    scree = np.asarray(result.arrays["scree"], np.float64)[: max(20, 2 * suggested)]
    with np.errstate(divide="ignore"):
        shares = np.where(scree > 0, np.log10(scree), np.nan)
    number = np.arange(1, len(scree) + 1, dtype=np.float64)
    return Content(
        curves=[Curve(number, shares, theme.active().accent, 1.6)],
        marks=[Mark(float(suggested) + 0.5, "noise")] if suggested else [],
        x_label="Component number",
        title_above=True,
        title=f"{result.name}: log₁₀ of explained variance; {suggested} above the noise",
    )
