"""Floor 2, numbers from numbers: drift, outlines, EELS, charge and cycles, kinetics, images, geometry.

Here: numpy in, numpy out; long work as generators that yield progress; compiled kernels, imported late. Not here: session
items, files, Qt. The desk comes in, and benchmarks.
"""
