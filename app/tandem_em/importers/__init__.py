"""Floor 2, reading other programs' files: biasing logs, movies and image stacks, spectrum images, folders.

Here: one module per family, found by content through `registry`. Not here: our own session file (storage),
live instruments (sources). Rosettasciio, tifffile, PyAV, galvani and HDF5 of others are known only in this room.
"""
