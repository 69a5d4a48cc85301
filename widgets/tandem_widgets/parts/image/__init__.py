"""The image on screen: canvas, rendering, contrast, marks, outlines, tools, loading frames.

Here: one frame and what is drawn over it. Not here: stacks of a session (`panes.stack`).
"""
