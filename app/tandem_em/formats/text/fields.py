"""A line into its fields, quotes and all."""

from __future__ import annotations

import csv


def split_line(line: str, separator: str) -> list[str]:
    """The fields of a line; a space stands for any run of white space. Broken quotes are taken as they are."""
    if separator == " ":
        return line.split()
    if '"' in line:
        try:
            return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
        except csv.Error:
            pass
    return line.split(separator)
