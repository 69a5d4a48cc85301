"""The montage of chosen moments: pictures in a row above the area plot.

Here: choosing and drawing it. Not here: the figure file (exporters). The stack pane comes in.
"""
