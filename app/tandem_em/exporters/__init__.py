"""Floor 2, out of the program: figures, tables, movie, report, map files. They take model items and plain results.

Not here: what to export and when (desk). Matplotlib and PyAV are known only here, and loaded when something is written.
"""
