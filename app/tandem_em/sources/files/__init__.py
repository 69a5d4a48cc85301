"""Files that other programs are still writing: watched folders, growing text and TDMS logs, and a program that writes them.

Here: noticing and reading what is new. Not here: parsing a line (`formats.text`), finished files (importers).
"""
