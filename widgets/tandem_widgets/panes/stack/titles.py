"""What stands beside the title of the stack pane: the stack in a few words, or the pixel under the pointer. Without Qt."""

from __future__ import annotations

from tandem_em.core.texts import counted
from tandem_widgets.panes.stack.scene import StackScene


def stack_text(scene: StackScene) -> str:
    """Size, calibration, and in which way the frames are shown."""
    stack = scene.stack
    if stack is None:
        return ""
    frames, height, width = stack.shape
    parts = [f"{width}²" if width == height else f"{width} × {height}"]
    if len(scene.session.stacks) < 2:
        parts.insert(0, stack.name)
    if frames > 1 and scene.is_timeless:
        parts.append(counted(frames, "image"))
    parts.append(f"{stack.pixel_nm:.3g} nm/px" if stack.pixel_nm else "not calibrated")
    if stack.times_from == "nominal":
        parts.append("nominal times")
    if scene.drift.is_known and not scene.drift.on:
        parts.append("drift not corrected")
    if scene.view_filter.kind != "none":
        parts.append(scene.view_filter.text)
    return " · ".join(parts)


def pixel_text(scene: StackScene, x: float, y: float) -> str:
    """Value and place of a pixel of the shown frame; empty beside it."""
    frame, stack = scene.pixels, scene.stack
    column, row = round(x), round(y)
    if frame is None or stack is None or not (0 <= row < frame.shape[0] and 0 <= column < frame.shape[1]):
        return ""
    value = float(frame[row, column])
    text = f"{value:.5g} {stack.unit} · "
    if stack.counts_per_electron:
        text += f"{(value - stack.counts_offset) / stack.counts_per_electron:.1f} e⁻ · "
    return f"{text}{column}, {row}"  # the value first: a narrow pane cuts off the end
