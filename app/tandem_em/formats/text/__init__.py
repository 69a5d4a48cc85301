"""Tables that instruments write as text: header rules, dates, units, and parsers that take a file piece by piece.

Here live pure parsers (bytes in, numbers in SI units out) for finished and for growing logs alike. No files are opened
here, no model items are built; importers and sources both come in. Needs nothing but numpy and the notices.
"""
