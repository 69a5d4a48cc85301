"""Spectra and spectrum images: windows, backgrounds, maps and their errors, zero loss, components, quantification.

Here: arrays of counts over an energy axis. Not here: maps of a session (`desk.eels`), advice about them (`advice`).
"""
