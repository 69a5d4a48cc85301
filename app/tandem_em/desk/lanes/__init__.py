"""What each lane over time shows: kinds, names, units, numbers, curves.

Here: from session to curves. Not here: painting them (window), axes of figures (exporters).
"""
