"""The EELS pane: pictures, spectrum with windows, edges, profile, analyses.

Here: showing maps and turning gestures into verbs of the desk. Not here: numbers, the other panes.
"""
