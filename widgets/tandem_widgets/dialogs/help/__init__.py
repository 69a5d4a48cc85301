"""Guide, shortcut sheet and tour.

Here: texts for people. Not here: tooltips of single controls. The shell comes in.
"""
