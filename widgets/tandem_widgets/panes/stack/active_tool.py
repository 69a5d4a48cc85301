"""Which tool has the mouse on the canvas of the stack pane: the one that was activated, else the one at rest."""

from __future__ import annotations

from collections.abc import Callable

from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.tools import BaseTool


def _nothing() -> None:
    """A tool that leaves nothing behind."""


class ActiveTool:
    """One tool at a time. `rest` is the tool while no other is active."""

    def __init__(self, scene: StackScene, canvas: ImageCanvas) -> None:
        self._scene, self._canvas = scene, canvas
        self._left: Callable[[], None] = _nothing
        self.rest = BaseTool(_nothing)

    @property
    def is_at_rest(self) -> bool:
        """Whether no tool is active but the one at rest."""
        return self._canvas.tool is self.rest

    def is_active(self, tool: BaseTool) -> bool:
        """Whether this very tool has the mouse."""
        return self._canvas.tool is tool

    def activate(
        self, name: str, tool: BaseTool, hint: str = "", left: Callable[[], None] = _nothing
    ) -> None:
        """Hand it the mouse. `hint`: what to say instead of the tool's own; `left` is called when it is deactivated."""
        self._end()
        self._left = left
        self._hand_over(tool)
        self._canvas.setFocus()
        self._scene.use_tool(name)
        self._scene.say(hint=hint or tool.hint)

    def deactivate(self) -> None:
        """Back to the tool at rest."""
        self._end()
        self._hand_over(self.rest)
        self._scene.use_tool("")
        self._scene.say(hint="")

    def _hand_over(self, tool: BaseTool) -> None:
        self._canvas.tool = tool
        self._canvas.setCursor(tool.cursor)
        self._canvas.update()

    def _end(self) -> None:
        # taken away first: what it calls may end the tool once more
        left, self._left = self._left, _nothing
        left()
