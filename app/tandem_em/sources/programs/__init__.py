"""Biasing programs: steps, reading them from a file, running them, the curve they will make.

Here: programs as data and their runner. Not here: the instrument. The guardian and the desk come in.
"""
