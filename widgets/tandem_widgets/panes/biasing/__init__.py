"""The biasing pane: lanes over time, views of the same runs, cell, cycles, GITT, text import.

Here: showing runs and turning gestures into verbs of the desk. Not here: numbers, the other panes.
"""
