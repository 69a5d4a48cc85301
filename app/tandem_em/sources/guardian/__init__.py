"""The guardian: the process that owns the instrument and makes the cell safe whatever happens to the window.

Here: its loop, limits, process and what it says; the source the window sees. Not here: SCPI words (`scpi`).
"""
