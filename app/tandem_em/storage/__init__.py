"""Floor 2, the session file: one HDF5 file, open to every program, that never loses a beam session.

Here: `session_store` (what the desk calls), `layout` (every HDF5 name), writers and readers of the parts, migrations, the
doctor's `check` and `repair`; below them the transactional file (`hdf5_store` and what it stands on). Not here: formats of
others (importers), tables and figures (exporters). The desk and the command line come in; h5py stays inside.
"""
