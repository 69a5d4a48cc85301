"""The biasing pane: lanes over time, views of the same runs, cell, cycles, GITT, text import.

Here: showing runs and turning gestures into verbs of the desk. `scene` is what is shown, without Qt; pages and menus take it,
`pane` wires them to the session. Not here: numbers, the other panes.
"""
