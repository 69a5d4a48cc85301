"""The transactional file: HDF5 pages written through a journal, so that a crash or power cut loses nothing committed.

Here: pages, journal, commit, recovery, locks. Not here: what is stored (codec and above). Only storage comes in.
"""
