"""The export dialog: figures, movie, files, each with its preview.

Here: choices and previews. Not here: drawing and writing (exporters, through the desk). The shell comes in.
"""
