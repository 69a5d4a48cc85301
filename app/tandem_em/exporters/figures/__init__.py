"""Publication figures: curves, cycles, images and maps, spectra; the plain data they are drawn from; style.

Here: matplotlib, loaded when something is drawn. Not here: what of a session is shown (`desk.export`).
"""
