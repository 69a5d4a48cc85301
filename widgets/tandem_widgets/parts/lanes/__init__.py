"""Lanes on one time axis: layout, curves, painting, gestures, cursor.

Here: plain curves. Not here: which lanes a session has (`desk.lanes`).
"""
