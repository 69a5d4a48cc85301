"""Logs of potentiostats and source-meters into runs: EC-Lab, Gamry, Neware, tomato, TDMS, delimited text.

Here: files and what their columns become. Not here: the parsers of text lines (`formats.text`), which live sources use too.
The registry comes in, and the desk for the text import dialog.
"""
