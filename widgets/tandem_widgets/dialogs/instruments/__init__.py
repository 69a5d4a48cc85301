"""Instruments: what is connected, its settings and preview, limits, biasing programs.

Here: forms over the set-up. Not here: talking to instruments (sources, through the desk). The shell comes in.
"""
