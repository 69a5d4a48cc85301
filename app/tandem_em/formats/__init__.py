"""Formats that finished files and live sources both speak; pure parsers without files or model items.

Here: `text`, tables and instrument logs. Not here: opening files (importers), ports and folders (sources).
Importers and sources come in.
"""
