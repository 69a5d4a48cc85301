"""Out of the program: which figures, tables, movie and report a session gives.

Here: from session to plain data for the exporters. Not here: drawing and writing (exporters).
"""
