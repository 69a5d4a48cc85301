"""Single files of microscopes and spectrometers: DigitalMicrograph, MRC, TIA, Merlin, TVIPS, MSA and others.

Here: one module a format. Not here: films, TIFF and pictures (`movies`), folders, HDF5. The registry comes in.
"""
