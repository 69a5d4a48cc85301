"""Keithley source-meters over SCPI: the link, the models, and a simulator that answers like them.

Here: commands and replies. Not here: keeping the cell safe (`guardian`), biasing programs (`programs`).
"""
