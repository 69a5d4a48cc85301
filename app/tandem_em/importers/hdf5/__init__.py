"""HDF5 files of other programs: HyperSpy, EMD, NeXus and unknown trees.

Here: finding signals, axes and metadata in them. Not here: TandEM's own session file (storage). The registry comes in.
"""
