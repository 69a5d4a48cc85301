"""The EELS pane: pictures, spectrum with windows, edges, profile, analyses.

Here: showing maps and turning gestures into verbs of the desk. `scene` is what is shown, without Qt; pictures, plots, tools and
menus take it, `pane` wires them to the session. Not here: numbers, the other panes.
"""
