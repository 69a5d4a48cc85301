"""The film of a session: canvas, curves with cursor, stack with outlines, maps, encoded by PyAV.

Here: one frame after another. Not here: what of a session is shown (`desk.export`).
"""
