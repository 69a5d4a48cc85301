"""Kinetics of a followed particle: stretch, models, intervals, reference diffusivities.

Here: the dialog and its tables. Not here: fits (analysis). The stack pane comes in.
"""
